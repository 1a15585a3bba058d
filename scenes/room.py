"""Whether pictures fit into memory, asked before the first one is loaded."""

import os

from .memory import available_memory

SHARE_OF_MEMORY = 0.8  # of what is available now; training needs some as well
SMALLEST_SIDE = 4  # pixels


def check_memory(views: int, size: tuple[int, int], downscale: int) -> None:
    """Raises ValueError, before anything is loaded, where `views` images of `size` would not fit."""
    if min(size) // downscale < SMALLEST_SIDE:
        raise ValueError(f"--downscale {downscale} leaves nothing of images of {size[0]}x{size[1]} pixels.")
    available = available_memory() * SHARE_OF_MEMORY
    if _bytes_needed(views, size, downscale) <= available:
        return
    complaint = (
        f"{views} images of {size[0] // downscale}x{size[1] // downscale} pixels do not fit into memory"
    )
    need, have = _bytes_needed(views, size, downscale) / 2**30, available / 2**30
    for factor in range(downscale + 1, min(size) // SMALLEST_SIDE + 1):
        if _bytes_needed(views, size, factor) <= available:
            raise ValueError(f"{complaint} ({need:.1f} GiB of {have:.1f} GiB): use --downscale {factor}.")
    raise ValueError(f"{complaint} ({need:.1f} GiB of {have:.1f} GiB), at no --downscale: use fewer images.")


def _bytes_needed(views: int, size: tuple[int, int], downscale: int) -> int:
    """RGBA and a mask for all views, and what each decoding thread holds of a full image meanwhile."""
    width, height = size
    decoding = (os.cpu_count() or 1) * width * height * 8
    return views * (width // downscale) * (height // downscale) * 5 + decoding
