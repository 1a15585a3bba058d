"""From frames to views: cameras, images and masks, in groups of one size and one lens, still in the frame and units of
the input."""

import itertools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, UInt8

from ..scenes.cameras import Cameras, Lens
from ..scenes.placement import Capture
from ..scenes.room import Pictures, place_for
from ..scenes.stored_zeros import Allocate
from ..scenes.views import Views, in_turn, nothing_ignored
from .companions import with_companions
from .exif import turned_size
from .format import Reading
from .frame import Frame, Ignore
from .images import picture_header, read_alpha, read_mask, read_rgba, resize_ignored, shrink
from .intrinsics import Intrinsics


@dataclass(frozen=True)
class Alike:
    """Frames of one size and one lens, each with its intrinsics at that size. `channels` are 4 where any has alpha."""

    size: tuple[int, int]
    lens: Lens
    frames: list[Frame]
    intrinsics: list[Intrinsics]
    channels: int

    @property
    def masked(self) -> bool:
        return any(frame.masks for frame in self.frames)


def read_capture(train: Sequence[Frame], test: Sequence[Frame], *, reading: Reading, source: str) -> Capture:
    """`source` is what the frames are listed in, for complaints.

    Raises FileNotFoundError or ValueError on a missing or unreadable image, one of another shape than its lens, too few
    images, or too many for the memory; all but damage inside an image is found before the first is loaded."""
    if len(train) < 2 or not test:
        have = f"{len(train)} for training and {len(test)} for testing"
        raise ValueError(
            f"{source}: frames must hold at least 2 images for training and 1 for testing, not {have}."
        )
    groups = [sort_alike(frames) for frames in (train, test)]
    needed = [
        Pictures(len(each.frames), each.size, each.channels + each.masked)
        for alike in groups
        for each in alike
    ]
    zeros = place_for(needed, reading.downscale)
    numbers, total = itertools.count(1), len(train) + len(test)

    def loaded(alike: Alike) -> Views:
        return _views(alike, reading.downscale, zeros, lambda: reading.told(next(numbers), total))

    return Capture(*(in_turn(map(loaded, alike)) for alike in groups))


def read_cameras(frames: Sequence[Frame]) -> tuple[Cameras, ...]:
    """Of frames whose pictures need not be read, but have to be there. Raises as `read_capture`."""
    return tuple(_cameras(each, 1) for each in sort_alike(frames))


def sort_alike(frames: Sequence[Frame]) -> list[Alike]:
    """By size and lens, in the order in which the first of each comes. Reads no more than the pictures' headers."""
    found: dict[tuple[tuple[int, int], Lens], list[tuple[Frame, Intrinsics, bool]]] = {}
    for frame in frames:
        header = picture_header(frame.picture)
        size = turned_size(header.size, frame.picture.orientation)
        intrinsics, has_alpha = _fitted(frame, size), header.has_alpha or bool(frame.alpha)
        same = found.setdefault((size, intrinsics.lens), [])
        same.append((with_companions(frame, size), intrinsics, has_alpha))
    return [
        Alike(
            size,
            lens,
            [each[0] for each in same],
            [each[1] for each in same],
            3 + any(each[2] for each in same),
        )
        for (size, lens), same in found.items()
    ]


def _fitted(frame: Frame, size: tuple[int, int]) -> Intrinsics:
    intrinsics = frame.intrinsics
    if not intrinsics.is_resize_of(size):
        width, height = intrinsics.size
        raise frame.picture.error(
            f"has {size[0]}x{size[1]} pixels, another shape than w and h ({width:g}x{height:g})"
        )
    return intrinsics.resized(size)


def _views(alike: Alike, downscale: int, zeros: Allocate, one_more: Callable[[], None]) -> Views:
    frames, (width, height) = alike.frames, (length // downscale for length in alike.size)
    images = zeros((len(frames), height, width, alike.channels))
    pixels = images.numpy()  # shares its memory
    ignored = nothing_ignored(images)
    if alike.masked:
        ignored = zeros((len(frames), height, width)).view(torch.bool)

    def load(i: int) -> None:
        rgba = _rgba(frames[i])
        pixels[i] = shrink(rgba, downscale)[..., : alike.channels]
        if frames[i].masks:
            ignored[i] = torch.from_numpy(_ignored(frames[i], rgba.shape[:2], downscale))

    # Pillow decodes without the interpreter's lock, so threads are enough.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(load, range(len(frames))):
            one_more()
    return Views(_cameras(alike, downscale), images, ignored, tuple(frame.name for frame in frames))


def _rgba(frame: Frame) -> UInt8[np.ndarray, "height width rgba=4"]:
    rgba = read_rgba(frame.picture)
    for picture in frame.alpha:
        rgba = np.concatenate([rgba[..., :3], read_alpha(picture)[..., None]], -1)
    return rgba


def _ignored(frame: Frame, shape: tuple[int, int], downscale: int) -> Bool[np.ndarray, "rows columns"]:
    """A pixel counts only where every pixel of the block it comes from does."""
    height, width = shape
    ignored = np.zeros(shape, dtype=bool)
    for picture, ignore in frame.masks:
        mask = read_mask(picture)
        ignored |= resize_ignored(~mask if ignore is Ignore.BLACK else mask, (width, height))
    rows, columns = height // downscale, width // downscale
    blocks = ignored[: rows * downscale, : columns * downscale].reshape(rows, downscale, columns, downscale)
    return np.any(blocks, axis=(1, 3))


def _cameras(alike: Alike, downscale: int) -> Cameras:
    """`near` is filled in by `placed`, which knows the scale of the scene."""
    cameras = Cameras(
        world_from_camera=torch.stack([frame.world_from_camera for frame in alike.frames])[:, :3],
        focal=torch.tensor([lens.focal for lens in alike.intrinsics], dtype=torch.float32),
        principal=torch.tensor([lens.principal for lens in alike.intrinsics], dtype=torch.float32),
        distortion=torch.tensor([lens.distortion for lens in alike.intrinsics], dtype=torch.float32),
        time=torch.tensor([frame.time for frame in alike.frames]),
        width=alike.size[0],
        height=alike.size[1],
        lens=alike.lens,
        near=0.0,
    )
    return cameras.reduced(downscale)
