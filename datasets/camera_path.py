"""Camera paths that people have: the JSON of nerfstudio's viewer and of its Blender add-on, and the cameras of a
`transforms.json`."""

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from ..scenes import Cameras, Lens
from ..scenes.camera_groups import camera_count, commonest
from ..scenes.world_frames import SAME, WorldFrames, moved
from .capture import read_cameras
from .document import Document, read_document
from .path_frame import PathFrame, scene_from_path
from .pose import RIGID_TOLERANCE
from .transforms_entries import read_entries
from .transforms_frames import frames_of

LARGEST_SIDE = 16384  # pixels
USUAL_FPS = 30.0


@dataclass(frozen=True)
class CameraPath:
    """Cameras in a field's own frame, in the order of a film's pictures, and how many of them are shown per second.
    `said` is what somebody should know of the file that they came from."""

    cameras: Cameras
    fps: float
    said: str = ""


def from_nerfstudio(
    file: Path, *, near: float, frames: WorldFrames = SAME, asked: PathFrame = "input"
) -> CameraPath:
    """The path in nerfstudio's JSON, or the cameras of a `transforms.json` one after the other, in the scene's frame.

    `asked` is the frame of a path that says none (see `scene_from_path`). As in nerfstudio the `fov` is vertical, the
    `aspect` gives way to the size of the pictures, and they are shown in `seconds` if that is there, else at
    `fps`. The cameras see nothing nearer than `near` (world units). Raises FileNotFoundError, or ValueError that
    names the file and the field, where something is missing, malformed, or not a perspective camera's.
    """
    document = read_document(file)
    if "frames" in document and "camera_path" not in document:
        return _of_transforms(document, near, frames)
    _refuse_others(document)
    width, height = _side(document, "render_width"), _side(document, "render_height")
    keys = document.objects("camera_path")
    if not keys:
        raise document.error("camera_path", "is empty")
    way, said = scene_from_path(document, frames, asked)
    focal = torch.tensor([_focal(key, height) for key in keys])
    cameras = Cameras(
        world_from_camera=torch.stack([_pose(key) for key in keys]),
        focal=focal[:, None].expand(-1, 2),
        principal=torch.tensor([width / 2, height / 2]).expand(len(keys), 2),
        distortion=torch.zeros(len(keys), 6),
        time=torch.tensor([_time(key) for key in keys]),
        width=width,
        height=height,
        lens=Lens.PERSPECTIVE,
        near=near,
    )
    fps = len(keys) / document.positive("seconds") if "seconds" in document else document.positive("fps")
    return CameraPath(moved(cameras, way), fps, said)


def _of_transforms(document: Document, near: float, frames: WorldFrames) -> CameraPath:
    """With the lens of the data. Their pictures have to be there: they tell the size."""
    groups = read_cameras(frames_of(read_entries(document)))
    cameras, count = dataclasses.replace(commonest(groups), near=near), camera_count(groups)
    which = f"{len(cameras)} cameras of {document.file}"
    if len(groups) > 1:  # a film has one size
        size = f"{cameras.width}×{cameras.height}, {cameras.lens.value}"
        which = f"{len(cameras)} of the {count} cameras of {document.file}, those of its most common kind ({size})"
    said = f"The path leads through the {which}, in their order."
    return CameraPath(moved(cameras, frames.scene_from_input), USUAL_FPS, said)


def _refuse_others(document: Document) -> None:
    kind = document.text("camera_type") if "camera_type" in document else "perspective"
    if kind.lower() != "perspective":
        raise document.error("camera_type", f"is {kind!r}; only perspective paths can be rendered")
    if "crop" in document:
        raise document.error("crop", "is set, and cropping is not supported: set it to null")


def _side(document: Document, field: str) -> int:
    length = document.positive(field)
    if length != int(length) or not 2 <= length <= LARGEST_SIDE:
        raise document.error(field, f"is {length:g}, not a whole number of pixels from 2 to {LARGEST_SIDE}")
    return int(length)


def _focal(frame: Document, height: int) -> float:
    fov = frame.positive("fov")
    if fov >= 180:
        raise frame.error("fov", f"is {fov:g}, but must be less than 180 degrees")
    return height / 2 / math.tan(math.radians(fov) / 2)


def _time(frame: Document) -> float:
    time = frame.number_or("render_time", 0.0)
    if not 0 <= time <= 1:
        raise frame.error("render_time", f"is {time:g}, but must lie between 0 and 1")
    return time


def _pose(frame: Document) -> Float[Tensor, "row=3 column=4"]:
    """Kept as it is written, so that a path read and written stays the same; only checked to be rigid."""
    field = "camera_to_world"
    values = frame.values.get(field)
    if not isinstance(values, list) or len(values) != 16:
        raise frame.error(field, "is missing" if values is None else "is not a list of 16 numbers")
    rows = [values[start : start + 4] for start in range(0, 16, 4)]
    pose = Document({field: rows}, frame.file, frame.place).matrix(field)[:3]
    rotation = pose[:, :3]
    skew = (rotation.T @ rotation - torch.eye(3)).abs().max()
    if torch.linalg.det(rotation) < 0:
        raise frame.error(field, "is not a rigid pose: it mirrors (its determinant is negative)")
    if skew > RIGID_TOLERANCE:
        raise frame.error(field, "is not a rigid pose: its axes must be of length 1 and at right angles")
    return pose
