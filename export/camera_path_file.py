"""Camera paths as files: the JSON that nerfstudio's viewer and its Blender add-on read and write."""

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from ..scenes import Cameras, Lens
from ..scenes.document import Document, read_document
from ..scenes.poses import RIGID_TOLERANCE
from ..train.files import write_json

LARGEST_SIDE = 16384  # pixels


@dataclass(frozen=True)
class CameraPath:
    """Pinhole cameras in the order of their frames, and how many of them are shown per second."""

    cameras: Cameras
    fps: float


def from_nerfstudio(file: Path, *, near: float) -> CameraPath:
    """The path in nerfstudio's JSON, its poses taken to be in the scene's world frame.

    As in nerfstudio a frame's `fov` is vertical, its `aspect` gives way to the size of the pictures, and the
    frames are shown in `seconds` if that is there, else at `fps`. The cameras see nothing nearer than `near`
    (world units). Raises FileNotFoundError, or ValueError that names the file and the field, where something
    is missing, malformed, or not a perspective camera's.
    """
    document = read_document(file)
    _refuse_others(document)
    width, height = _side(document, "render_width"), _side(document, "render_height")
    frames = document.objects("camera_path")
    if not frames:
        raise document.error("camera_path", "is empty")
    focal = torch.tensor([_focal(frame, height) for frame in frames])
    cameras = Cameras(
        world_from_camera=torch.stack([_pose(frame) for frame in frames]).float(),
        focal=focal[:, None].expand(-1, 2),
        principal=torch.tensor([width / 2, height / 2]).expand(len(frames), 2),
        distortion=torch.zeros(len(frames), 6),
        time=torch.tensor([_time(frame) for frame in frames]),
        width=width,
        height=height,
        lens=Lens.PERSPECTIVE,
        near=near,
    )
    if "seconds" in document:
        return CameraPath(cameras, len(frames) / document.positive("seconds"))
    return CameraPath(cameras, document.positive("fps"))


def to_nerfstudio(file: Path, path: CameraPath) -> None:
    """Write the path, its poses in the scene's world frame; read again it gives the same cameras, bit by bit.

    Raises ValueError where the file cannot be written, or cannot describe the cameras' lens.
    """
    cameras = path.cameras
    _refuse_lens(file, cameras)
    content = {
        "camera_type": "perspective",
        "render_width": cameras.width,
        "render_height": cameras.height,
        "fps": path.fps,
        "seconds": len(cameras) / path.fps,
        "is_cycle": False,
        "smoothness_value": 0.5,
        "keyframes": [],
        "camera_path": [_frame(cameras, view) for view in range(len(cameras))],
        "crop": None,
    }
    write_json(file, content)


def _frame(cameras: Cameras, view: int) -> dict[str, list[float] | float]:
    pose = [*cameras.world_from_camera[view].flatten().tolist(), 0.0, 0.0, 0.0, 1.0]
    half = math.atan(cameras.height / 2 / cameras.focal[view, 1].item())
    frame = {"camera_to_world": pose, "fov": math.degrees(2 * half), "aspect": cameras.width / cameras.height}
    time = cameras.time[view].item()
    return {**frame, "render_time": time} if cameras.time.any() else frame


def _refuse_lens(file: Path, cameras: Cameras) -> None:
    centre = torch.tensor([cameras.width / 2, cameras.height / 2]).to(cameras.principal)
    square = torch.allclose(cameras.focal[:, 0], cameras.focal[:, 1], rtol=1e-6)
    pinhole = cameras.lens is Lens.PERSPECTIVE and not cameras.distortion.any()
    if not (square and pinhole and torch.allclose(cameras.principal, centre.expand_as(cameras.principal))):
        raise ValueError(
            f"{file} was not written: a camera path holds cameras without distortion whose axis goes through "
            "the middle of the picture, and these are others."
        )


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
