"""A camera path as a file: the JSON that nerfstudio's viewer and its Blender add-on read."""

import math
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from ..scenes import Cameras, Lens
from ..scenes.world_frames import SAME, WorldFrames, moved_poses
from ..train.files import write_json


def to_nerfstudio(file: Path, cameras: Cameras, fps: float, frames: WorldFrames = SAME) -> None:
    """Write cameras of which `fps` are shown in a second, their poses in the frame of the data, like all that leaves
    the program, and said to be.

    Raises ValueError where the file cannot be written, or cannot describe the cameras' lens.
    """
    _refuse_lens(file, cameras)
    poses = moved_poses(cameras.world_from_camera.cpu(), frames.input_from_scene)
    content = {
        "frame": "input",
        "camera_type": "perspective",
        "render_width": cameras.width,
        "render_height": cameras.height,
        "fps": fps,
        "seconds": len(cameras) / fps,
        "is_cycle": False,
        "smoothness_value": 0.5,
        "keyframes": [],
        "camera_path": [_frame(cameras, view, poses[view]) for view in range(len(cameras))],
        "crop": None,
    }
    write_json(file, content)


def _frame(
    cameras: Cameras, view: int, world_from_camera: Float[Tensor, "row=3 column=4"]
) -> dict[str, list[float] | float]:
    pose = [*world_from_camera.flatten().tolist(), 0.0, 0.0, 0.0, 1.0]
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
