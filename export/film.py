"""A film of a trained field: which cameras it is seen through, and what of it is shown."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

import torch
from jaxtyping import UInt8
from torch import Tensor

from ..renderers import VolumeRenderer
from ..scenes import Cameras, PixelRays
from ..train.field_file import TrainedField
from ..train.pictures import to_bytes
from .color_maps import DepthRange, depth_picture, depth_range, opacity_picture
from .paths import face_the_same_way, orbit, spiral

PathName = Literal["auto", "orbit", "spiral"]
Shown = Literal["color", "depth", "opacity"]


def path_around(trained: TrainedField, path: PathName, frames: int, size: tuple[int, int]) -> Cameras:
    """auto: a spiral where all training cameras looked the same way, else an orbit. Raises ValueError for a spiral
    where they did not."""
    if path == "spiral" or (path == "auto" and face_the_same_way(trained.cameras)):
        return spiral(trained, frames, size)
    return orbit(trained, frames, size)


def at_times(cameras: Cameras, first: float | None, last: float | None) -> Cameras:
    """The same cameras at moments evenly from the first to the last, or all at the first; their own where neither is
    given."""
    if first is None and last is None:
        return cameras
    start = first or 0.0
    return replace(cameras, time=torch.linspace(start, start if last is None else last, len(cameras)))


def pictures_of(
    trained: TrainedField, cameras: Cameras, views: Iterable[int], show: Shown
) -> Iterator[UInt8[Tensor, "height width rgb=3"]]:
    """Rendered one by one; depths have the colours of the first picture's range in all of them.

    A picture is painted as its pixels come: it takes its own three bytes a pixel, and the first one of depths another
    eight until their range is known.
    """
    renderer = VolumeRenderer.to_look_at(trained.sampler)
    background = torch.tensor(trained.background, device=cameras.focal.device)
    shown: DepthRange | None = None
    for view in views:
        chunks = renderer.render_chunks(trained.field, PixelRays(cameras, [view]), background)
        seen = (rendering for _, rendering in chunks)
        if show == "color":
            painted = (to_bytes(part.color) for part in seen)
        elif show == "opacity":
            painted = (opacity_picture(part.opacity) for part in seen)
        else:
            parts = ((part.depth, part.opacity) for part in seen)
            if shown is None:
                parts = list(parts)
                shown = depth_range(parts)
            painted = (depth_picture(depth, opacity, shown) for depth, opacity in parts)
        yield _put_together(painted, cameras)


def _put_together(
    parts: Iterable[UInt8[Tensor, "pixel rgb=3"]], cameras: Cameras
) -> UInt8[Tensor, "height width rgb=3"]:
    shape, done = (cameras.height, cameras.width, 3), 0
    picture = torch.empty(shape, dtype=torch.uint8, device=cameras.focal.device)
    for part in parts:
        picture.view(-1, 3)[done : done + len(part)] = part
        done += len(part)
    return picture
