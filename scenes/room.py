"""Whether pictures fit into memory, asked before the first one is loaded."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from .memory import available_memory
from .notice import notice
from .stored_zeros import Allocate, free_disk, zeros_in_file, zeros_in_memory

SHARE_OF_MEMORY = 0.8  # of what is available now; training needs some as well
SMALLEST_SIDE = 4  # pixels


@dataclass(frozen=True)
class Pictures:
    """So many of one (width, height) and so many bytes per pixel: its channels and, where there is any, its mask."""

    count: int
    size: tuple[int, int]
    bytes_per_pixel: int


class DoesNotFit(ValueError):
    """What pictures need is more than there is."""


def check_memory(groups: Sequence[Pictures], downscale: int) -> None:
    """Raises ValueError, before anything is loaded, where the pictures would not fit."""
    smallest, largest = (end((each.size for each in groups), key=min) for end in (min, max))
    if min(smallest) // downscale < SMALLEST_SIDE:
        width, height = smallest
        raise ValueError(f"--downscale {downscale} leaves nothing of images of {width}x{height} pixels.")
    available = available_memory() * SHARE_OF_MEMORY
    if _bytes_needed(groups, downscale) <= available:
        return
    views, least = sum(each.count for each in groups), "" if smallest == largest else "up to "
    size = f"{least}{largest[0] // downscale}x{largest[1] // downscale}"
    complaint = f"{views} images of {size} pixels do not fit into memory"
    need, have = _bytes_needed(groups, downscale) / 2**30, available / 2**30
    for factor in range(downscale + 1, min(smallest) // SMALLEST_SIDE + 1):
        if _bytes_needed(groups, factor) <= available:
            raise DoesNotFit(f"{complaint} ({need:.1f} GiB of {have:.1f} GiB): use --downscale {factor}.")
    raise DoesNotFit(f"{complaint} ({need:.1f} GiB of {have:.1f} GiB), at no --downscale: use fewer images.")


def place_for(groups: Sequence[Pictures], downscale: int) -> Allocate:
    """Zeros in memory, or, where the pictures do not fit there, in a file on the disk, of which the user is told.

    Raises ValueError, before anything is loaded, where they fit into neither."""
    try:
        check_memory(groups, downscale)
        return zeros_in_memory
    except DoesNotFit as error:
        needed = _bytes_needed(groups, downscale)
        if _decoding(groups) > available_memory() * SHARE_OF_MEMORY or needed > free_disk():
            raise
        notice(
            f"{str(error).rstrip('.')}. Until then they are kept in a file of {needed / 2**30:.1f} GiB: slower."
        )
        return zeros_in_file


def _bytes_needed(groups: Sequence[Pictures], downscale: int) -> int:
    """All views, and what each decoding thread holds of a full image meanwhile."""
    return _decoding(groups) + sum(
        each.count * (each.size[0] // downscale) * (each.size[1] // downscale) * each.bytes_per_pixel
        for each in groups
    )


def _decoding(groups: Sequence[Pictures]) -> int:
    return (os.cpu_count() or 1) * max(each.size[0] * each.size[1] for each in groups) * 8
