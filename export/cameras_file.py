"""Cameras as a transforms.json, as nerfstudio and instant-ngp read it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..scenes import Cameras, Lens
from ..train.files import write_json

MODELS = {Lens.PERSPECTIVE: "OPENCV", Lens.FISHEYE: "OPENCV_FISHEYE"}


def picture_name(number: int) -> str:
    """A field's file does not know what its pictures were called."""
    return f"images/frame_{number:05d}.png"


def to_transforms(path: Path, groups: Sequence[Cameras], frame: str) -> None:
    """Camera-to-world, OpenGL axes, in the coordinates that `frame` names. What all cameras have in common is said
    once. Raises ValueError if the file cannot be written."""
    each = [entry for cameras in groups for entry in _entries(cameras)]
    shared = {name: value for name, value in each[0].items() if all(e.get(name) == value for e in each)}
    frames = [
        {"file_path": picture_name(number)} | {n: v for n, v in entry.items() if n not in shared}
        for number, entry in enumerate(each)
    ]
    if "transform_matrix" in shared:  # of a single camera
        frames[0]["transform_matrix"] = shared.pop("transform_matrix")
    write_json(path, {"frame": frame, **shared, "frames": frames})


def _entries(cameras: Cameras) -> list[dict[str, Any]]:
    names = ("k1", "k2", "k3", "k4", "p1", "p2")
    found = []
    for view in range(len(cameras)):
        (fl_x, fl_y), (cx, cy) = cameras.focal[view].tolist(), cameras.principal[view].tolist()
        entry = {
            "camera_model": MODELS[cameras.lens],
            "w": cameras.width,
            "h": cameras.height,
            "fl_x": fl_x,
            "fl_y": fl_y,
            "cx": cx,
            "cy": cy,
            **dict(zip(names, cameras.distortion[view].tolist(), strict=True)),
            "transform_matrix": [*cameras.world_from_camera[view].tolist(), [0.0, 0.0, 0.0, 1.0]],
        }
        found.append(entry | ({"time": cameras.time[view].item()} if cameras.time.any() else {}))
    return found
