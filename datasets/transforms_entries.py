"""The frames of a `transforms*.json` as it has them: which image, from where, with which masks."""

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from ..scenes.names import distinct_names
from .document import Document, read_document
from .format import Reading
from .frame import Ignore
from .held_out_frames import TEST_EVERY, hold_out
from .images import Picture
from .pose import read_pose

EXTENSIONS = (".png", ".jpg", ".jpeg", ".JPG", ".PNG")
TRAIN = "transforms_train.json"
SPLIT_FILES = ("transforms_train", "transforms_val", "transforms_test")


@dataclass(frozen=True)
class Entry:
    """One posed image, its lens still unread; `fields` are its own, `shared` those of the file's top level.

    `native` is the image that intrinsics without a size refer to: `picture`, unless that is a reduced copy.
    """

    fields: Document
    shared: Document
    picture: Picture
    native: Picture
    alpha: tuple[Picture, ...]  # none or one: the alpha channel as a file of its own
    masks: tuple[tuple[Picture, Ignore], ...]
    world_from_camera: Float[Tensor, "row=4 column=4"]
    time: float


def read_entries(document: Document) -> list[Entry]:
    """All frames in the file's order. Raises ValueError where one lacks a field or is not posed rigidly."""
    entries = [read_entry(fields, document) for fields in document.objects("frames")]
    if not entries:
        raise document.error("frames", "is empty")
    return entries


def read_entry(fields: Document, shared: Document) -> Entry:
    """Raises ValueError where it lacks a field or is not posed rigidly."""
    picture = Picture(
        _find_image(shared.file.parent / clean_path(fields.text("file_path"))), fields.locate("file_path")
    )
    time = fields.number_or("time", 0.0)
    if not 0 <= time <= 1:
        raise fields.error("time", f"is {time:g}, but must lie between 0 and 1")
    return Entry(
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


def read_entries_of_split(folder: Path, reading: Reading) -> tuple[Document, list[Entry], list[Entry]]:
    """Fields and frames of `transforms_train.json`, and the frames to test on.

    These are of `transforms_test.json`, else of `transforms_val.json`, else every 8th of the training frames, or every
    so many-th that `reading` says.
    """
    document = read_document(folder / TRAIN)
    entries = read_entries(document)
    for name in ("transforms_test.json", "transforms_val.json"):
        if (folder / name).is_file():
            reading.refuse_test_every(folder / name)
            return document, entries, read_entries(read_document(folder / name))
    return document, *hold_out(entries, reading.test_every or TEST_EVERY)


def sort_naturally(entries: list[Entry]) -> list[Entry]:
    """By path, with numbers in the order of their value: 2.jpg before 10.jpg."""
    return sorted(entries, key=lambda entry: _natural_key(clean_path(entry.fields.text("file_path"))))


def prefer_reduced(entries: list[Entry], downscale: int) -> tuple[list[Entry], int]:
    """Those of `images_N` for a downscale of N where it holds them all, and the downscale left to do."""
    reduced = [_reduced(entry, downscale) for entry in entries]
    if downscale == 1 or not all(os.path.isfile(entry.picture.path) for entry in reduced):
        return entries, downscale
    return reduced, 1


def names_of(entries: list[Entry]) -> list[str]:
    """Those of one file are all different; sets that come in several files may share theirs."""
    files: dict[tuple[Path, str], list[int]] = {}
    for i, entry in enumerate(entries):
        files.setdefault((entry.shared.file, entry.shared.place), []).append(i)
    names = [""] * len(entries)
    for places in files.values():
        for i, name in zip(places, distinct_names([entries[i].native.path for i in places]), strict=True):
            names[i] = name
    return names


def check_times(entries: list[Entry]) -> None:
    """Raises ValueError where some entries have a time and others do not: when those were taken is unknown."""
    timed = [entry for entry in entries if "time" in entry.fields]
    for entry in entries if timed else []:
        if "time" not in entry.fields:
            raise entry.fields.error("time", f"is missing, though {timed[0].fields.locate('time')} is there")


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


def _reduced(entry: Entry, factor: int) -> Entry:
    parent = entry.picture.path.parent
    path = parent.with_name(f"{parent.name}_{factor}") / entry.picture.path.name
    picture = replace(entry.picture, path=path)
    return replace(entry, picture=picture, alpha=_alpha_beside(picture))


def _natural_key(text: str) -> list[tuple[int, str]]:
    # Digits sort by value and before letters; the text itself settles "01" against "1".
    pieces = re.split(r"(\d+)", text)
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in pieces] + [(-1, text)]
