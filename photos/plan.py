"""What the child process is to do, its pictures and masks laid out under names that nothing stumbles over."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from ..datasets.photographs import MASKS
from ..scenes.memory import available_memory
from .options import MOST_FEATURES, ProcessOptions
from .prepared import Prepared, link

BYTES_PER_PIXEL = 320  # that a thread takes which looks for features in a picture, and doubles it first
SHARE_OF_MEMORY = 0.5  # of what is free


def plan_of(
    inner: Path, pictures: Sequence[Prepared], options: ProcessOptions, *, in_turn: bool
) -> dict[str, Any]:
    """Of the pictures in the folder beside `inner`, in which the child works; `in_turn` where they are a video's."""
    (inner / "images").mkdir(exist_ok=True)
    for each in pictures:
        link(inner.with_name("images") / each.name, inner / "images" / each.number)
    masked = any(each.mask for each in pictures)
    if masked:
        _lay_masks(inner, pictures)
    features = options.features_for(len(pictures))
    return {
        "database": str((inner / "database.db").resolve()),
        "images": str((inner / "images").resolve()),
        "masks": str((inner / "masks").resolve()) if masked else "",
        "output": str((inner / "output").resolve()),
        "groups": groups_of(pictures),
        "names": {each.number: each.name for each in pictures},
        "max_size": options.max_size,
        "features": features,
        "most_features": MOST_FEATURES[features],
        "camera_model": options.lens,
        "matcher": options.matcher_for(len(pictures), in_turn),
        "threads": threads_for(pictures, options, available_memory()),
    }


def groups_of(pictures: Sequence[Prepared]) -> list[list[str]]:
    """Those of one size, camera, lens and zoom have one camera; pycolmap itself would leave out all but one size, or
    make a camera for each picture."""
    groups: dict[tuple[Any, ...], list[str]] = {}
    for each in pictures:
        groups.setdefault((each.size, each.taken_with), []).append(each.number)
    return list(groups.values())


def threads_for(pictures: Sequence[Prepared], options: ProcessOptions, memory: float) -> int:
    """As many as there are processors, or fewer where there is no room for so many pictures at once."""
    largest = max(_pixels(each.size, options.max_size) for each in pictures)
    room = SHARE_OF_MEMORY * memory / (BYTES_PER_PIXEL * largest)
    return max(1, int(min(os.cpu_count() or 1, room)))


def _pixels(size: tuple[int, int], max_size: int) -> float:
    scale = min(1.0, max_size / max(size))
    return size[0] * size[1] * scale * scale


def _lay_masks(inner: Path, pictures: Sequence[Prepared]) -> None:
    """A white one for pictures that have none: pycolmap would leave them out."""
    (inner / MASKS).mkdir(exist_ok=True)
    for each in pictures:
        place = inner / MASKS / f"{each.number}.png"
        if each.mask:
            link(inner.with_name(MASKS) / each.mask, place)
        elif not place.exists():
            Image.new("L", each.size, 255).save(place)
