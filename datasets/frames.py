"""The frames of a `transforms*.json`: which image, from where, with which masks."""

import os
import re
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from ..scenes.names import distinct_names
from .document import Document, read_document
from .images import Picture
from .pose import read_pose

EXTENSIONS = (".png", ".jpg", ".jpeg", ".JPG", ".PNG")
TEST_EVERY = 8
TRAIN = "transforms_train.json"
SPLIT_FILES = ("transforms_train", "transforms_val", "transforms_test")


class Ignore(Enum):
    """Which of a mask's pixels are to be ignored."""

    BLACK = "nerfstudio's mask_path"
    NOT_BLACK = "instant-ngp's dynamic_mask"


@dataclass(frozen=True)
class Frame:
    """One posed image; `fields` are its own, `shared` those of the file's top level.

    `native` is the image that intrinsics without a size refer to: `picture`, unless that is a reduced copy. `name`
    is the picture's file name without extension, for people; `distinct_names` tells those of one name apart.
    """

    name: str
    fields: Document
    shared: Document
    picture: Picture
    native: Picture
    alpha: tuple[Picture, ...]  # none or one: the alpha channel as a file of its own
    masks: tuple[tuple[Picture, Ignore], ...]
    world_from_camera: Float[Tensor, "row=4 column=4"]
    time: float


def read_frames(document: Document) -> list[Frame]:
    """All frames in the file's order. Raises ValueError where one lacks a field or is not posed rigidly."""
    frames = [read_frame(fields, document) for fields in document.objects("frames")]
    if not frames:
        raise document.error("frames", "is empty")
    return frames


def read_frame(fields: Document, shared: Document) -> Frame:
    """Raises ValueError where it lacks a field or is not posed rigidly."""
    picture = Picture(
        _find_image(shared.file.parent / clean_path(fields.text("file_path"))), fields.locate("file_path")
    )
    time = fields.number_or("time", 0.0)
    if not 0 <= time <= 1:
        raise fields.error("time", f"is {time:g}, but must lie between 0 and 1")
    return Frame(
        name=picture.path.stem,
        fields=fields,
        shared=shared,
        picture=picture,
        native=picture,
        alpha=_alpha_beside(picture),
        masks=_masks(fields, picture),
        world_from_camera=read_pose(fields),
        time=time,
    )


def split_folder(path: Path) -> Path | None:
    """Of a data set that comes in one file for training and others: the folder, or one of its files."""
    if path.is_dir():
        return path
    return path.parent if path.name.startswith(SPLIT_FILES) and path.suffix.lower() == ".json" else None


def read_frames_of_split(folder: Path) -> tuple[Document, list[Frame], list[Frame]]:
    """Fields and frames of `transforms_train.json`, and the frames to test on.

    These are of `transforms_test.json`, else of `transforms_val.json`, else every 8th of the training frames.
    """
    document = read_document(folder / TRAIN)
    frames = read_frames(document)
    for name in ("transforms_test.json", "transforms_val.json"):
        if (folder / name).is_file():
            return document, frames, read_frames(read_document(folder / name))
    return document, *hold_out(frames)


def hold_out(frames: list[Frame]) -> tuple[list[Frame], list[Frame]]:
    """Training frames, and every 8th for testing."""
    return [frame for i, frame in enumerate(frames) if i % TEST_EVERY], frames[::TEST_EVERY]


def sort_naturally(frames: list[Frame]) -> list[Frame]:
    """By path, with numbers in the order of their value: 2.jpg before 10.jpg."""
    return sorted(frames, key=lambda frame: _natural_key(clean_path(frame.fields.text("file_path"))))


def prefer_reduced(frames: list[Frame], downscale: int) -> tuple[list[Frame], int]:
    """Frames of `images_N` for a downscale of N where it holds them all, and the downscale left to do."""
    reduced = [_reduced(frame, downscale) for frame in frames]
    if downscale == 1 or not all(os.path.isfile(frame.picture.path) for frame in reduced):
        return frames, downscale
    return reduced, 1


def with_distinct_names(frames: list[Frame]) -> list[Frame]:
    """The frames of one file have names that are all different; sets that come in several files may share theirs."""
    files: dict[tuple[Path, str], list[int]] = {}
    for i, frame in enumerate(frames):
        files.setdefault((frame.shared.file, frame.shared.place), []).append(i)
    named = list(frames)
    for places in files.values():
        names = distinct_names([frames[i].native.path for i in places])
        for i, name in zip(places, names, strict=True):
            named[i] = replace(frames[i], name=name)
    return named


def check_times(frames: list[Frame]) -> None:
    """Raises ValueError where some frames have a time and others do not: when those were taken is unknown."""
    timed = [frame for frame in frames if "time" in frame.fields]
    for frame in frames if timed else []:
        if "time" not in frame.fields:
            raise frame.fields.error("time", f"is missing, though {timed[0].fields.locate('time')} is there")


def clean_path(text: str) -> str:
    return os.path.normpath(text.replace("\\", "/"))


def _find_image(path: Path) -> Path:
    """NeRF-synthetic leaves the extension out."""
    for candidate in (path, *(path.with_name(path.name + extension) for extension in EXTENSIONS)):
        if os.path.isfile(candidate):
            return candidate
    return path if path.suffix else path.with_name(path.name + ".png")


def _masks(fields: Document, picture: Picture) -> tuple[tuple[Picture, Ignore], ...]:
    masks = []
    if "mask_path" in fields:
        path = fields.file.parent / clean_path(fields.text("mask_path"))
        masks.append((Picture(path, fields.locate("mask_path")), Ignore.BLACK))
    dynamic = picture.path.with_name(f"dynamic_mask_{picture.path.stem}.png")
    if os.path.isfile(dynamic):
        masks.append((Picture(dynamic, f"the mask of {picture.named_by}"), Ignore.NOT_BLACK))
    return tuple(masks)


def _alpha_beside(picture: Picture) -> tuple[Picture, ...]:
    path = picture.path.with_name(f"{picture.path.name}.alpha{picture.path.suffix}")
    return (Picture(path, f"the alpha of {picture.named_by}"),) if os.path.isfile(path) else ()


def _reduced(frame: Frame, factor: int) -> Frame:
    parent = frame.picture.path.parent
    path = parent.with_name(f"{parent.name}_{factor}") / frame.picture.path.name
    picture = replace(frame.picture, path=path)
    return replace(frame, picture=picture, alpha=_alpha_beside(picture))


def _natural_key(text: str) -> list[tuple[int, str]]:
    # Digits sort by value and before letters; the text itself settles "01" against "1".
    pieces = re.split(r"(\d+)", text)
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in pieces] + [(-1, text)]
