"""A reconstruction as a data set: nerfstudio's `transforms.json` with its sparse points, and COLMAP's model."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..datasets.colmap import read_model
from ..datasets.colmap_lens import lens_of
from ..datasets.colmap_model import Model, ModelCamera
from ..datasets.intrinsics import Intrinsics
from ..datasets.posed import opengl_pose
from ..scenes.cameras import Lens
from .prepared import Prepared
from .world import moved, upright_world

POINTS = "sparse_pc.ply"
MODEL = "colmap/sparse/0"
COEFFICIENTS = ("k1", "k2", "k3", "k4", "p1", "p2")
AABB_SCALE = 16  # instant-ngp's: how far a scene without walls goes on, in its units


def write_scene(scene: Path, output: Path, pictures: Sequence[Prepared]) -> None:
    """Into the folder `scene`, which has the pictures already: what the child has left in `output`."""
    model, table = read_model(output / "largest"), np.load(output / "points.npy", allow_pickle=False)
    poses = torch.stack([opengl_pose(image.camera_from_world) for image in model.images])
    rotation, middle, scale = upright_world(poses, torch.from_numpy(table[:, :3]))
    by_name = {picture.name: picture for picture in pictures}
    shared = len({image.camera for image in model.images}) == 1
    lenses = {number: _lens_fields(model, camera) for number, camera in model.cameras.items()}
    frames = [
        _frame(by_name[image.name], pose.tolist()) | ({} if shared else lenses[image.camera])
        for image, pose in zip(model.images, moved(poses, rotation, middle, scale), strict=True)
    ]
    applied = torch.cat([rotation, -(rotation @ middle)[:, None]], 1)
    content = {
        **(lenses[model.images[0].camera] if shared else {}),
        "orientation_override": "none",
        "aabb_scale": AABB_SCALE,
        "applied_transform": applied.tolist(),
        "applied_scale": scale,
        "ply_file_path": POINTS,
        "frames": frames,
    }
    (scene / "transforms.json").write_text(json.dumps(content, indent=1), encoding="utf-8")
    _write_points(scene / POINTS, scale * (table[:, :3] - middle.numpy()) @ rotation.numpy().T, table[:, 3:6])
    shutil.copytree(output / "largest", scene / MODEL, dirs_exist_ok=True)


def _frame(picture: Prepared, pose: list[list[float]]) -> dict[str, Any]:
    mask = {"mask_path": f"masks/{picture.mask}"} if picture.mask else {}
    return {"file_path": f"images/{picture.name}", **mask, "transform_matrix": pose}


def _lens_fields(model: Model, camera: ModelCamera) -> dict[str, Any]:
    lens = lens_of(camera, model.file.with_stem("cameras"))
    coefficients = dict(zip(COEFFICIENTS, lens.distortion, strict=True))
    return {
        "camera_model": "OPENCV_FISHEYE" if lens.lens is Lens.FISHEYE else "OPENCV",
        "w": int(lens.size[0]),
        "h": int(lens.size[1]),
        **dict(zip(("fl_x", "fl_y"), lens.focal, strict=True)),
        **dict(zip(("cx", "cy"), lens.principal, strict=True)),
        **{name: value for name, value in coefficients.items() if value or name in _usual(lens)},
    }


def _usual(lens: Intrinsics) -> tuple[str, ...]:
    """Coefficients that readers expect, zero or not."""
    return ("k1", "k2", "k3", "k4") if lens.lens is Lens.FISHEYE else ("k1", "k2", "p1", "p2")


def _write_points(file: Path, positions: np.ndarray, colors: np.ndarray) -> None:
    """In text, as nerfstudio writes them."""
    fields = [f"property float {name}" for name in "xyz"]
    fields += [f"property uint8 {name}" for name in ("red", "green", "blue")]
    header = "\n".join(("ply", "format ascii 1.0", f"element vertex {len(positions)}", *fields, "end_header"))
    rows = np.concatenate([positions, colors], 1)
    np.savetxt(file, rows, fmt=["%.8g"] * 3 + ["%d"] * 3, header=header, comments="")
