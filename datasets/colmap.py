"""COLMAP's folders: a sparse model, binary or text, beside the pictures that it was made of."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from ..scenes.names import distinct_names
from ..scenes.notice import notice
from ..scenes.placement import Stated
from ..scenes.scene import Scene
from ..scenes.sparse_points import SparsePoints
from . import colmap_bin, colmap_txt
from .colmap_lens import lens_of
from .colmap_model import Model, ModelCamera, ModelImage, Points, by_number, depths
from .exif import AS_STORED
from .format import Format, Reading
from .frame import Frame
from .images import Picture, picture_header
from .photographs import Photographs, choose, find, has_photographs, mask_of
from .posed import PERCENTILE, Surfaces, opengl_pose, scene_of
from .upright import UPPER_EDGE

PLACES = (".", "sparse", "colmap/sparse", "colmap")  # where models are looked for
READERS = ((".bin", colmap_bin), (".txt", colmap_txt))
Kept = TypeVar("Kept", ModelCamera, ModelImage)


def is_colmap(path: Path) -> bool:
    return path.is_dir() and bool(_folders(path))


def load_colmap(path: Path, reading: Reading) -> Scene:
    """The folder that has `sparse`, or one in it that has a model. Poses are of the stored pixels, whatever EXIF says.

    Raises FileNotFoundError or ValueError that names the file and what is wrong in it."""
    model = read_largest(path)
    root = _root(path)
    photographs = choose(root, reading.downscale, [image.name for image in model.images])
    frames = frames_of(model, photographs)
    nearest = [float(np.percentile(seen, PERCENTILE)) for seen in _depths(model) if len(seen)]
    points = SparsePoints.of(model.points.position, model.points.color)
    return scene_of(
        frames,
        Stated(str(model.file), up=_up(frames)),
        reading=replace(reading, downscale=photographs.left),
        name=root.resolve().name,
        source="COLMAP",
        surfaces=Surfaces(min(nearest, default=0.0), points),
    )


def read_largest(path: Path) -> Model:
    """The model with most pictures; where there are several it is said which. Raises ValueError on a damaged file."""
    models = [read_model(folder) for folder in _folders(path)]
    largest = max(models, key=lambda model: len(model.images))  # the first of equals
    if models[1:]:
        others = ", ".join(f"{len(each.images)}" for each in models if each is not largest)
        notice(
            f"{path}: of {len(models)} models {largest.file.parent.name} is taken, which has most pictures "
            f"({len(largest.images)}; the others have {others})."
        )
    return largest


def read_model(folder: Path) -> Model:
    """`cameras`, `images` and, if it is there, `points3D`, binary before text. Raises ValueError on a damaged one."""
    suffix, reader = next(each for each in READERS if _has_model(folder, each[0]))
    cameras_file, file, points_file = (folder / (name + suffix) for name in ("cameras", "images", "points3D"))
    cameras = _numbered(reader.read_cameras(cameras_file), cameras_file, "camera")
    images = _numbered(reader.read_images(file), file, "image")
    for image in images.values():
        if image.camera not in cameras:
            raise ValueError(
                f"{file}: image {image.number} ({image.name}) is of camera {image.camera}, which {cameras_file.name} "
                "does not have."
            )
    if not images:
        raise ValueError(f"{file} lists no image.")
    by_name = sorted(images.values(), key=lambda image: image.name.encode())
    points = reader.read_points(points_file) if points_file.is_file() else _no_points()
    return Model(file, cameras, by_name, points)


def frames_of(model: Model, photographs: Photographs) -> list[Frame]:
    """In the order of the model's images. Raises FileNotFoundError where one has no picture, and ValueError where a
    lens cannot be had."""
    found = {image.number: find(photographs.folder, image.name) for image in model.images}
    missing = [image.name for image in model.images if found[image.number] is None]
    if missing:
        raise FileNotFoundError(
            f"{photographs.folder} lacks {len(missing)} of the {len(model.images)} pictures that {model.file} "
            f"lists, {missing[0]} first."
        )
    paths = [path for path in found.values() if path is not None]
    lenses = {
        number: lens_of(each, model.file.with_stem("cameras")) for number, each in model.cameras.items()
    }
    return [
        Frame(
            name=name,
            picture=Picture(path, f"{model.file}: image {image.number}"),
            intrinsics=lenses[image.camera],
            world_from_camera=opengl_pose(image.camera_from_world),
            masks=mask_of(photographs, image.name),
        )
        for image, path, name in zip(model.images, paths, distinct_names(paths), strict=True)
    ]


def _depths(model: Model) -> list[np.ndarray]:
    return [depths(image, model.points) for image in model.images]


def _up(frames: Sequence[Frame]) -> torch.Tensor | None:
    """The mean direction to the upper edges of the pictures as they were held; none where all were held level."""
    orientations = [picture_header(frame.picture).orientation for frame in frames]
    if all(each == AS_STORED for each in orientations):
        return None
    edges = [(frame, *UPPER_EDGE[each]) for frame, each in zip(frames, orientations, strict=True)]
    up = torch.stack([sign * frame.world_from_camera[:3, axis] for frame, axis, sign in edges]).mean(0)
    return up if up.norm() > 1e-3 else None


def _folders(path: Path) -> list[Path]:
    """Those with a model, of the first place that has any."""
    for place in PLACES:
        inner = path / place
        if inner.is_dir():
            numbered = sorted(
                (each for each in inner.iterdir() if each.name.isdecimal()), key=lambda each: int(each.name)
            )
            here = [
                each for each in (inner, *numbered) if any(_has_model(each, suffix) for suffix, _ in READERS)
            ]
            if here:
                return here
    return []


def _has_model(folder: Path, suffix: str) -> bool:
    return all((folder / (name + suffix)).is_file() for name in ("cameras", "images"))


def _root(path: Path) -> Path:
    """Where the pictures are: here, or up to three folders up, as from colmap/sparse/0."""
    full = path.resolve()
    up = {path: full, **{parent: parent for parent in list(full.parents)[:3]}}
    return next((each for each in up if has_photographs(each)), path)


def _numbered(items: Sequence[Kept], file: Path, what: str) -> dict[int, Kept]:
    found: dict[int, Kept] = {}
    for item in items:
        if item.number in found:
            raise ValueError(f"{file} has two of the number {item.number}: each {what} must have its own.")
        found[item.number] = item
    return found


def _no_points() -> Points:
    return by_number(np.empty(0, np.int64), np.empty((0, 3)), np.empty((0, 3)))


COLMAP = Format("sparse/0 (COLMAP)", is_colmap, load_colmap)
