"""Cameras as COLMAP's text files."""

from collections.abc import Sequence
from pathlib import Path

import torch
from scipy.spatial.transform import Rotation

from ..scenes import Cameras, Lens
from ..train.files import write_text
from .cameras_file import picture_name

AXES = torch.diag(
    torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64)
)  # COLMAP's cameras look along +z, y down


def to_colmap(folder: Path, groups: Sequence[Cameras]) -> None:
    """cameras.txt, images.txt and an empty points3D.txt, which COLMAP wants to be there. Views of one lens share it.

    Raises ValueError where they cannot be written, or a lens is none of COLMAP's.
    """
    lenses: dict[str, int] = {}
    images, number = [], 0
    for cameras in groups:
        for view in range(len(cameras)):
            number += 1
            lens = lenses.setdefault(_lens(folder, cameras, view), len(lenses) + 1)
            images += [f"{number} {_pose(cameras, view)} {lens} {Path(picture_name(number - 1)).name}", ""]
    write_text(folder / "cameras.txt", "".join(f"{number} {lens}\n" for lens, number in lenses.items()))
    write_text(folder / "images.txt", "\n".join([*images, ""]))
    write_text(folder / "points3D.txt", "")


def _lens(folder: Path, cameras: Cameras, view: int) -> str:
    """Model, size and parameters."""
    k1, k2, k3, k4, p1, p2 = cameras.distortion[view].tolist()
    pinhole = (*cameras.focal[view].tolist(), *cameras.principal[view].tolist())
    if cameras.lens is Lens.FISHEYE:
        model, values = "OPENCV_FISHEYE", (*pinhole, k1, k2, k3, k4)
    elif not cameras.distortion[view].any():
        model, values = "PINHOLE", pinhole
    elif k3 == k4 == 0:
        model, values = "OPENCV", (*pinhole, k1, k2, p1, p2)
    elif k4 == 0:
        model, values = "FULL_OPENCV", (*pinhole, k1, k2, p1, p2, k3, 0.0, 0.0, 0.0)
    else:
        raise ValueError(
            f"{folder} was not written: COLMAP has no lens with four radial coefficients. "
            "Name a transforms.json with --output."
        )
    return f"{model} {cameras.width} {cameras.height} {' '.join(f'{value:.17g}' for value in values)}"


def _pose(cameras: Cameras, view: int) -> str:
    """The rotation as a quaternion, and the translation, into the camera."""
    pose = cameras.world_from_camera[view].double()
    camera_from_world = (pose[:, :3] @ AXES).T
    shift = -camera_from_world @ pose[:, 3]
    quaternion = Rotation.from_matrix(camera_from_world.numpy()).as_quat(scalar_first=True)
    return " ".join(f"{value:.17g}" for value in [*quaternion.tolist(), *shift.tolist()])
