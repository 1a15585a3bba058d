"""NeRF-synthetic (Blender) datasets: `transforms_{train,val,test}.json` and RGBA pictures of an object.

D-NeRF's are the same, and each frame has a `time`."""

import re
from pathlib import Path

import torch

from ..scenes.camera_groups import all_poses, any_moving
from ..scenes.domain import Box, Contraction
from ..scenes.placement import (
    Capture,
    Placement,
    cube,
    half_width_of_object,
    in_box,
    in_contraction,
    inner_cube,
    looks_inward,
    near_origin,
    notice_poses,
    placed,
    visible_half_width,
)
from ..scenes.poses import look_at
from ..scenes.scene import Scene
from ..scenes.views import cameras_of, has_transparency
from .document import Document, read_document
from .format import Format, Reading
from .transforms_entries import TRAIN, Entry, read_entries_of_split, split_folder
from .transforms_frames import capture_of

# Fields that a NeRF-synthetic file never has; one of them makes the pair a photograph set.
PHOTOGRAPH_FIELDS = (
    "fl_x",
    "fl_y",
    "camera_model",
    "w",
    "h",
    "aabb_scale",
    "is_fisheye",
    "k1",
    "applied_transform",
)
USUAL_HALF_SIDE = 1.5
USUAL_FACTOR = (
    1.5  # how far what the pictures cover may be from the usual box before the scale is another one
)
AUXILIARY = re.compile(r"_(depth|normal)_\d+$")  # Blender writes these beside the test pictures


def is_blender(path: Path) -> bool:
    folder = split_folder(path)
    if folder is None or not (folder / TRAIN).is_file():
        return False
    document = read_document(folder / TRAIN)
    return "camera_angle_x" in document and not any(field in document for field in PHOTOGRAPH_FIELDS)


def load_blender(path: Path, reading: Reading) -> Scene:
    """The folder, or one of the files in it. Raises FileNotFoundError or ValueError that names the file and the field
    on bad input."""
    folder = path if path.is_dir() else path.parent
    document, train, test = read_entries_of_split(folder, reading)
    capture = capture_of(_pictures(train), _pictures(test), reading)
    placement = place(capture, document)
    return Scene(
        name=folder.resolve().name,
        domain=placement.domain,
        train=placed(capture.train, placement),
        test=placed(capture.test, placement),
        has_alpha=has_transparency(capture.train),
        scene_from_input=placement.scene_from_input,
        source="D-NeRF" if any_moving(cameras_of(capture.train)) else "NeRF-synthetic",
    )


def place(capture: Capture, document: Document) -> Placement:
    """The box ±1.5 of NeRF-synthetic, whose cameras stand 4 units off and cover ±1.45 there.

    Where the cameras evidently have another scale or another middle, or stand inside that box: a cube around
    the point they look at, as large as the object in the pictures; where they look all around: a contraction.
    """
    told = notice_poses(capture, str(document.file))
    cameras = cameras_of(capture.train)
    poses = all_poses(cameras)
    target = look_at(poses)
    inward = looks_inward(target, told)
    outside = bool((poses[:, :, 3].abs().amax(-1) > USUAL_HALF_SIDE).all())
    about_origin = outside and bool(target.point.abs().max() < USUAL_HALF_SIDE / 2)
    if not inward and not about_origin:
        centre, half = inner_cube(cameras, target, told)
        scene_from_input = near_origin(centre, half)
        return in_contraction(scene_from_input, Contraction(*cube(scene_from_input, centre, half)))
    covered = visible_half_width(cameras, target)
    usual = USUAL_HALF_SIDE / USUAL_FACTOR < covered < USUAL_HALF_SIDE * USUAL_FACTOR
    if about_origin and (usual or not inward):
        centre, half = torch.zeros(3, dtype=torch.float64), USUAL_HALF_SIDE
    else:
        centre, half = target.point, half_width_of_object(capture.train, target)
    scene_from_input = near_origin(centre, half)
    return in_box(scene_from_input, Box(*cube(scene_from_input, centre, half)))


def _pictures(entries: list[Entry]) -> list[Entry]:
    pictures = [entry for entry in entries if not AUXILIARY.search(entry.picture.path.stem)]
    if not pictures:
        raise entries[0].shared.error("frames", "names depth and normal pictures only")
    return pictures


BLENDER = Format("transforms_train.json (NeRF-synthetic)", is_blender, load_blender)
