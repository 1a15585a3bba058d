"""Mip-NeRF's multiscale data sets: a `metadata.json` that lists, column by column, every image of every scale."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..scenes.cameras import Cameras
from ..scenes.multiscale import names_at_scales
from ..scenes.placement import placed
from ..scenes.scene import Scene
from ..scenes.views import Views, has_transparency, names_of
from .blender import place
from .document import Document, read_document
from .format import Format, Reading
from .transforms import METADATA
from .transforms_entries import Entry, read_entry
from .transforms_frames import capture_of

# The file's columns, and what a frame of a transforms.json calls the same. `pix2cam` says once more what `focal`,
# `width` and `height` do; `near`, `far` and `lossmult` follow from the scene and the scale.
COLUMNS = {
    "file_path": "file_path",
    "cam2world": "transform_matrix",
    "focal": "fl_x",
    "width": "w",
    "height": "h",
}
SAME_POSE = 1e-5


def is_multiscale(path: Path) -> bool:
    return (path / METADATA).is_file() if path.is_dir() else path.name == METADATA


def load_multiscale(path: Path, reading: Reading) -> Scene:
    """The scales as the files have them. Raises FileNotFoundError or ValueError that names the file and the field."""
    file = path / METADATA if path.is_dir() else path
    reading.refuse_test_every(file)
    if reading.downscale != 1:
        raise ValueError(f"--downscale is for images of one size; those of {file} come in several.")
    document = read_document(file)
    train_levels, test_levels = _levels(document.object("train")), _levels(document.object("test"))
    if len(train_levels) != len(test_levels):
        have = f"{len(test_levels)} scales, and train.label {len(train_levels)}"
        raise document.error("test.label", f"has {have}: both must have the same")
    captures = [capture_of(*entries, reading) for entries in zip(train_levels, test_levels, strict=True)]
    placement = place(captures[0], document)
    train = _scales([placed(capture.train, placement) for capture in captures], document)
    test = _scales([placed(capture.test, placement) for capture in captures], document)
    return Scene(
        name=file.resolve().parent.name,
        domain=placement.domain,
        train=train,
        test=test,
        has_alpha=has_transparency(train),
        scene_from_input=placement.scene_from_input,
        source="multiscale NeRF-synthetic",
    )


def _levels(columns: Document) -> list[list[Entry]]:
    """The frames of each scale, full size first."""
    entries, labels = _entries(columns), columns.items("label")
    count = len({str(label) for label in labels})
    if {str(label) for label in labels} != {str(level) for level in range(count)}:
        raise columns.error("label", "does not number the scales 0, 1, 2 and so on")
    return [
        [entry for entry, label in zip(entries, labels, strict=True) if str(label) == str(level)]
        for level in range(count)
    ]


def _entries(columns: Document) -> list[Entry]:
    count = len(columns.items("file_path"))
    for name in (*COLUMNS, "label"):
        if len(columns.items(name)) != count:
            have = f"{len(columns.items(name))} entries where file_path has {count}"
            raise columns.error(name, f"has {have}: each image must have one")
    rows = [{ours: columns.values[theirs][i] for theirs, ours in COLUMNS.items()} for i in range(count)]
    return [
        read_entry(Document(row, columns.file, f"{columns.place}image {i}: "), columns)
        for i, row in enumerate(rows)
    ]


def _scales(scales: Sequence[tuple[Views, ...]], document: Document) -> tuple[Views, ...]:
    """The coarser views are named after the full-size ones, which they must show at 1/2, 1/4 and so on of the size."""
    full = scales[0]
    all_names = [names_of(full), *names_at_scales(names_of(full), len(scales) - 1)]
    for level, groups in enumerate(scales):
        if len(groups) != len(full):
            raise document.error(
                "label", f"{level} is on images of {len(groups)} sizes, and 0 on {len(full)}"
            )
        for views, larger in zip(groups, full, strict=True):
            _check_coarser(level, views.cameras, larger.cameras, document)
    return tuple(
        replace(views, names=names[views.first : views.first + len(views)], reduced=2**level)
        for level, (groups, names) in enumerate(zip(scales, all_names, strict=True))
        for views in groups
    )


def _check_coarser(level: int, cameras: Cameras, full: Cameras, document: Document) -> None:
    expected = full.reduced(2**level)
    size = (cameras.width, cameras.height)
    if size != (expected.width, expected.height) or len(cameras) != len(full):
        raise document.error(
            "label",
            f"{level} is on {len(cameras)} images of {size[0]}x{size[1]} pixels, but as many as at 0 "
            f"({len(full)}) are needed, of {expected.width}x{expected.height}",
        )
    if (cameras.world_from_camera - full.world_from_camera).abs().max() > SAME_POSE:
        raise document.error(
            "cam2world", f"of the images with label {level} is not that of those with label 0"
        )


MULTISCALE = Format(f"{METADATA} (Mip-NeRF)", is_multiscale, load_multiscale)
