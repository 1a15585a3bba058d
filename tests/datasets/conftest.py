"""Small datasets, written on the spot."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image


@dataclass
class Dataset:
    """A dataset in `folder`: `files` maps a name to its JSON, which a test may spoil before `write`."""

    folder: Path
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    def write(self) -> Path:
        for name, content in self.files.items():
            (self.folder / name).write_text(json.dumps(content))
        return self.folder

    def save(self, name: str, pixels: np.ndarray) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        return path

    def frame(self, name: str, index: int) -> dict[str, Any]:
        return self.files[name]["frames"][index]


def ring_pose(angle: float, distance: float, height: float) -> list[list[float]]:
    """Camera to world, OpenGL axes, on a ring around the z axis, looking at the origin."""
    position = np.array([distance * math.cos(angle), distance * math.sin(angle), height])
    back = position / np.linalg.norm(position)
    right = np.cross([0.0, 0.0, 1.0], back)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3] = np.stack([right, np.cross(back, right), back, position], 1)
    return pose.tolist()


def disc(width: int, height: int, seed: int) -> np.ndarray:
    """RGBA noise, transparent but for a disc in the middle."""
    rgba = np.random.default_rng(seed).integers(0, 256, (height, width, 4), dtype=np.uint8)
    y, x = np.mgrid[:height, :width]
    inside = (x - width / 2 + 0.5) ** 2 + (y - height / 2 + 0.5) ** 2 < (0.3 * min(width, height)) ** 2
    rgba[..., 3] = np.where(inside, 255, 0)
    return rgba


@pytest.fixture
def blender(tmp_path: Path) -> Dataset:
    """Four training and two test views of 16x16, in NeRF-synthetic's layout."""
    dataset = Dataset(tmp_path / "lego")
    for split, count in (("train", 4), ("test", 2)):
        frames = []
        for i in range(count):
            dataset.save(f"{split}/r_{i}.png", disc(16, 16, i))
            pose = ring_pose(2 * math.pi * i / count, 3.5, 2.0)
            frames.append({"file_path": f"./{split}/r_{i}", "rotation": 0.1, "transform_matrix": pose})
        dataset.files[f"transforms_{split}.json"] = {"camera_angle_x": 0.6911112070083618, "frames": frames}
    return dataset


@pytest.fixture
def photographs(tmp_path: Path) -> Dataset:
    """Twelve opaque photographs of 24x16 in nerfstudio's layout, in an order that is not the natural one."""
    dataset = Dataset(tmp_path / "garden")
    frames = []
    for i in range(12):
        dataset.save(f"images/{i}.png", disc(24, 16, i)[..., :3])
        pose = ring_pose(2 * math.pi * i / 12, 3.0, 1.0)
        frames.append({"file_path": f"images/{i}.png", "transform_matrix": pose})
    lens = {"camera_model": "OPENCV", "fl_x": 20.0, "fl_y": 21.0, "cx": 11.5, "cy": 8.25, "w": 24, "h": 16}
    frames.sort(key=lambda frame: frame["file_path"])
    dataset.files["transforms.json"] = {**lens, "frames": frames}
    return dataset
