"""Mip-NeRF's multiscale data sets: a `metadata.json` that lists, column by column, every image of every scale."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ..scenes.multiscale import names_at_scales
from ..scenes.placement import Placement, placed
from ..scenes.scene import Scene, Views, has_transparency
from .blender import place
from .capture import read_capture
from .document import Document, read_document
from .format import Format
from .frames import Frame, read_frame
from .transforms import METADATA

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


def load_multiscale(path: Path, downscale: int) -> Scene:
    """The scales as the files have them. Raises FileNotFoundError or ValueError that names the file and the field."""
    file = path / METADATA if path.is_dir() else path
    if downscale != 1:
        raise ValueError(f"--downscale is for images of one size; those of {file} come in several.")
    document = read_document(file)
    train_levels, test_levels = _levels(document.object("train")), _levels(document.object("test"))
    if len(train_levels) != len(test_levels):
        have = f"{len(test_levels)} scales, and train.label {len(train_levels)}"
        raise document.error("test.label", f"has {have}: both must have the same")
    captures = [read_capture(*frames, downscale=1) for frames in zip(train_levels, test_levels, strict=True)]
    placement = place(captures[0], document)
    train, *coarser_train = _scales([capture.train for capture in captures], placement, document)
    test, *coarser_test = _scales([capture.test for capture in captures], placement, document)
    return Scene(
        name=file.resolve().parent.name,
        domain=placement.domain,
        train=train,
        test=test,
        has_alpha=has_transparency(train),
        scene_from_input=placement.scene_from_input,
        source="multiscale NeRF-synthetic",
        coarser_train=tuple(coarser_train),
        coarser_test=tuple(coarser_test),
    )


def _levels(columns: Document) -> list[list[Frame]]:
    """The frames of each scale, full size first."""
    frames, labels = _frames(columns), columns.items("label")
    count = len({str(label) for label in labels})
    if {str(label) for label in labels} != {str(level) for level in range(count)}:
        raise columns.error("label", "does not number the scales 0, 1, 2 and so on")
    return [
        [frame for frame, label in zip(frames, labels, strict=True) if str(label) == str(level)]
        for level in range(count)
    ]


def _frames(columns: Document) -> list[Frame]:
    count = len(columns.items("file_path"))
    for name in (*COLUMNS, "label"):
        if len(columns.items(name)) != count:
            have = f"{len(columns.items(name))} entries where file_path has {count}"
            raise columns.error(name, f"has {have}: each image must have one")
    rows = [{ours: columns.values[theirs][i] for theirs, ours in COLUMNS.items()} for i in range(count)]
    return [
        read_frame(Document(row, columns.file, f"{columns.place}image {i}: "), columns)
        for i, row in enumerate(rows)
    ]


def _scales(scales: list[Views], placement: Placement, document: Document) -> Iterator[Views]:
    """The coarser views are named after the full-size ones, which they must show at 1/2, 1/4 and so on of the size."""
    full = scales[0].cameras
    all_names = [scales[0].names, *names_at_scales(scales[0].names, len(scales) - 1)]
    for level, (views, names) in enumerate(zip(scales, all_names, strict=True)):
        expected = full.reduced(2**level)
        size = (views.cameras.width, views.cameras.height)
        if size != (expected.width, expected.height) or len(views) != len(full):
            raise document.error(
                "label",
                f"{level} is on {len(views)} images of {size[0]}x{size[1]} pixels, but as many as at 0 "
                f"({len(full)}) are needed, of {expected.width}x{expected.height}",
            )
        if (views.cameras.world_from_camera - full.world_from_camera).abs().max() > SAME_POSE:
            raise document.error(
                "cam2world", f"of the images with label {level} is not that of those with label 0"
            )
        yield replace(placed(views, placement.scene_from_input, placement.near), names=names)


MULTISCALE = Format(f"{METADATA} (Mip-NeRF)", is_multiscale, load_multiscale)
