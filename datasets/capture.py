"""From frames to views: cameras, images and masks of one size, still in the frame and units of the input."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from jaxtyping import Bool, UInt8

from ..scenes.cameras import Cameras
from ..scenes.placement import Capture
from ..scenes.room import check_memory
from ..scenes.scene import Views, nothing_ignored
from .frames import Frame, Ignore, check_times, with_distinct_names
from .images import picture_size, read_alpha, read_mask, read_rgba, resize_ignored, shrink
from .intrinsics import Intrinsics, read_intrinsics, say_principals_outside, states_size
from .upright import upright, with_companions


def read_capture(train: list[Frame], test: list[Frame], *, downscale: int) -> Capture:
    """Raises FileNotFoundError or ValueError on a missing, unreadable or odd-sized image, a bad lens, a missing
    time, or too many images for the memory; all but damage inside an image is found before the first is loaded."""
    check_counts(train, test)
    frames = [with_companions(frame) for frame in with_distinct_names(upright(train + test))]
    check_times(frames)
    size = _common_size(frames)
    lenses = _lenses(frames, size)
    say_principals_outside([frame.fields for frame in frames], lenses)
    check_memory(len(frames), size, downscale)
    return Capture(
        train=_views(frames[: len(train)], lenses[: len(train)], downscale),
        test=_views(frames[len(train) :], lenses[len(train) :], downscale),
    )


def read_cameras(frames: list[Frame]) -> Cameras:
    """The cameras of frames whose pictures need not be read, but have to be there. Raises as `read_capture`."""
    frames = upright(frames)
    return _cameras(frames, _lenses(frames, _common_size(frames)), 1)


def check_counts(train: list[Frame], test: list[Frame]) -> None:
    if len(train) < 2 or not test:
        file = (train + test)[0].shared.file
        have = f"{len(train)} for training and {len(test)} for testing"
        raise ValueError(
            f"{file}: frames must hold at least 2 images for training and 1 for testing, not {have}."
        )


def _common_size(frames: list[Frame]) -> tuple[int, int]:
    sizes = [picture_size(frame.picture) for frame in frames]
    for frame, size in zip(frames, sizes, strict=True):
        if size != sizes[0]:
            first = f"{frames[0].picture.path.name} has {sizes[0][0]}x{sizes[0][1]}"
            raise frame.picture.error(f"has {size[0]}x{size[1]} pixels where {first}: all must have one size")
    return sizes[0]


def _lenses(frames: list[Frame], size: tuple[int, int]) -> list[Intrinsics]:
    lenses = [_intrinsics(frame, size) for frame in frames]
    for frame, lens in zip(frames, lenses, strict=True):
        if lens.lens is not lenses[0].lens:
            raise frame.fields.error(
                "camera_model", "differs from that of the first frame: one lens type is supported"
            )
    return lenses


def _intrinsics(frame: Frame, size: tuple[int, int]) -> Intrinsics:
    native = size
    if frame.native != frame.picture and not states_size(frame.fields, frame.shared):
        native = picture_size(frame.native)
    intrinsics = read_intrinsics(frame.fields, frame.shared, native)
    if not intrinsics.is_resize_of(size):
        width, height = intrinsics.size
        raise frame.picture.error(
            f"has {size[0]}x{size[1]} pixels, another shape than w and h ({width:g}x{height:g})"
        )
    return intrinsics.resized(size)


def _views(frames: list[Frame], lenses: list[Intrinsics], downscale: int) -> Views:
    width, height = (int(length) // downscale for length in lenses[0].size)
    images = torch.empty(len(frames), height, width, 4, dtype=torch.uint8)
    pixels = images.numpy()  # shares its memory
    ignored = nothing_ignored(images)
    if any(frame.masks for frame in frames):
        ignored = torch.zeros(images.shape[:3], dtype=torch.bool)

    def load(i: int) -> None:
        rgba = _rgba(frames[i])
        pixels[i] = shrink(rgba, downscale)
        if frames[i].masks:
            ignored[i] = torch.from_numpy(_ignored(frames[i], rgba.shape[:2], downscale))

    # Pillow decodes without the interpreter's lock, so threads are enough.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(load, range(len(frames))))
    return Views(_cameras(frames, lenses, downscale), images, ignored, tuple(frame.name for frame in frames))


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


def _cameras(frames: list[Frame], lenses: list[Intrinsics], downscale: int) -> Cameras:
    """`near` is filled in by `placed`, which knows the scale of the scene."""
    cameras = Cameras(
        world_from_camera=torch.stack([frame.world_from_camera for frame in frames])[:, :3],
        focal=torch.tensor([lens.focal for lens in lenses]),
        principal=torch.tensor([lens.principal for lens in lenses]),
        distortion=torch.tensor([lens.distortion for lens in lenses]),
        time=torch.tensor([frame.time for frame in frames]),
        width=int(lenses[0].size[0]),
        height=int(lenses[0].size[1]),
        lens=lenses[0].lens,
        near=0.0,
    )
    return cameras.reduced(downscale)
