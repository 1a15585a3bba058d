"""Photograph sets with a `transforms.json`, as nerfstudio and instant-ngp write it."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from ..scenes.placement import place, placed
from ..scenes.scene import Scene
from ..scenes.views import has_transparency
from .document import Document, read_document
from .format import Format, Reading
from .held_out_frames import hold_out
from .points_file import named_points
from .posed import from_nearest, nearest_seen
from .stated import read_stated
from .transforms_entries import (
    TRAIN,
    Entry,
    clean_path,
    prefer_reduced,
    read_entries,
    read_entries_of_split,
    sort_naturally,
    split_folder,
)
from .transforms_frames import capture_of

ALL = "transforms.json"
METADATA = "metadata.json"  # Mip-NeRF's
TRAIN_FRACTION = 0.9  # nerfstudio's default split


@dataclass(frozen=True)
class Split:
    document: Document  # the fields that hold for the whole scene
    train: list[Entry]
    test: list[Entry]


def is_transforms(path: Path) -> bool:
    if path.is_dir():
        return (path / ALL).is_file()
    return path.suffix.lower() == ".json" and path.name != METADATA and split_folder(path) is None


def load_transforms(path: Path, reading: Reading) -> Scene:
    """One file for all frames, or the folder that it is in. Raises FileNotFoundError or ValueError that names the file
    and the field."""
    file = path / ALL if path.is_dir() else path
    document = read_document(file)
    entries = sort_naturally(read_entries(document))
    return _scene(Split(document, *split(document, entries, reading.test_every)), reading)


def is_split(path: Path) -> bool:
    return (path / TRAIN).is_file() if path.is_dir() else split_folder(path) is not None


def load_transforms_of_split(path: Path, reading: Reading) -> Scene:
    """`transforms_train.json` beside `transforms_test.json`, with the same fields as a `transforms.json`: the folder,
    or one of the files."""
    folder = path if path.is_dir() else path.parent
    document, train, test = read_entries_of_split(folder, reading)
    return _scene(Split(document, sort_naturally(train), sort_naturally(test)), reading)


def split(
    document: Document, entries: list[Entry], test_every: int | None = None
) -> tuple[list[Entry], list[Entry]]:
    """Training and test frames as nerfstudio has them: by the file's lists, else 90% equally spaced; or every so
    many-th for testing, whatever the file says."""
    if test_every is not None:
        return hold_out(entries, test_every)
    listed = [name for name in ("train_filenames", "test_filenames", "val_filenames") if name in document]
    if not listed:
        return _split_by_fraction(entries)
    by_path = {clean_path(entry.fields.text("file_path")): entry for entry in entries}
    chosen = {name: _chosen(document, name, by_path) for name in listed}
    test = chosen.get("test_filenames") or chosen.get("val_filenames") or []
    train = chosen.get("train_filenames") or _others(entries, test)
    return train, test or _others(entries, train)


def _split_by_fraction(entries: list[Entry]) -> tuple[list[Entry], list[Entry]]:
    count = math.ceil(len(entries) * TRAIN_FRACTION)
    if count == len(entries):  # fewer than ten: nerfstudio would test on nothing
        return hold_out(entries)
    kept = set(torch.linspace(0, len(entries) - 1, count, dtype=torch.float64).long().tolist())
    train = [entry for i, entry in enumerate(entries) if i in kept]
    return train, [entry for i, entry in enumerate(entries) if i not in kept]


def _chosen(document: Document, name: str, by_path: dict[str, Entry]) -> list[Entry]:
    paths = {clean_path(path) for path in document.texts(name)}
    for path in sorted(paths):
        if path not in by_path:
            raise document.error(name, f"names {path}, which no frame has as its file_path")
    return [entry for path, entry in by_path.items() if path in paths]


def _others(entries: list[Entry], chosen: list[Entry]) -> list[Entry]:
    taken = {id(entry) for entry in chosen}
    return [entry for entry in entries if id(entry) not in taken]


def _scene(parts: Split, reading: Reading) -> Scene:
    entries, left = prefer_reduced(parts.train + parts.test, reading.downscale)
    capture = capture_of(
        entries[: len(parts.train)], entries[len(parts.train) :], replace(reading, downscale=left)
    )
    points = named_points(parts.document)
    nearest = nearest_seen(points, (*capture.train, *capture.test))
    placement = from_nearest(place(capture, read_stated(parts.document)), nearest)
    return Scene(
        name=parts.document.file.resolve().parent.name,
        domain=placement.domain,
        train=placed(capture.train, placement),
        test=placed(capture.test, placement),
        has_alpha=has_transparency(capture.train),
        scene_from_input=placement.scene_from_input,
        source="nerfstudio or instant-ngp transforms.json",
        input_from_original=_input_from_original(parts.document),
        points=points and points.moved(placement.scene_from_input),
    )


def _input_from_original(document: Document) -> Float[Tensor, "row=4 column=4"]:
    """What processing did to the poses before they came into the file, as a map."""
    applied = torch.eye(4, dtype=torch.float64)
    if "applied_transform" in document:
        applied = document.matrix("applied_transform")
    applied[:3] *= document.positive("applied_scale") if "applied_scale" in document else 1.0
    return applied


TRANSFORMS = Format("transforms.json (nerfstudio, instant-ngp)", is_transforms, load_transforms)
SPLIT = Format("", is_split, load_transforms_of_split)
