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
BAND = 256  # rows of a picture that are rendered at once


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
    """Rendered one by one, some rows at a time: what a picture needs beside its bytes does not grow with it, but for
    depths, which have the colours of the first picture's range in all pictures."""
    shown: DepthRange | None = None
    for view in views:
        bands = _bands(trained, cameras, view)
        if show == "color":
            yield torch.cat([to_bytes(color) for color, _, _ in bands])
        elif show == "opacity":
            yield torch.cat([opacity_picture(opacity) for _, opacity, _ in bands])
        else:
            opacity, depth = (torch.cat(part) for part in zip(*((o, d) for _, o, d in bands), strict=True))
            shown = shown or depth_range(depth, opacity)
            parts = zip(depth.split(BAND), opacity.split(BAND), strict=True)
            yield torch.cat([depth_picture(*part, shown) for part in parts])


def _bands(trained: TrainedField, cameras: Cameras, view: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Colour, opacity and depth of BAND rows of a picture after another."""
    renderer, rays = VolumeRenderer(trained.sampler), PixelRays(cameras, [view])
    background = torch.tensor(trained.background, device=cameras.focal.device)
    width, step = cameras.width, BAND * cameras.width
    for begin in range(0, len(rays), step):
        seen = renderer.render_image(trained.field, rays[begin : begin + step], background)
        opacity, depth = seen.opacity.reshape(-1, width), seen.depth.reshape(-1, width)
        yield seen.color.reshape(-1, width, 3), opacity, depth
