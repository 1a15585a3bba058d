"""Small folders of COLMAP's, written on the spot in either kind of file, from one description."""

import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from omnifield.datasets.colmap_model import MODELS

from .conftest import Dataset, disc, ring_pose

SIZE = (24, 16)
NUMBERS = {name: (number, count) for number, (name, count) in MODELS.items()}


@dataclass
class Camera:
    model: str = "PINHOLE"
    parameters: tuple[float, ...] = (20.0, 21.0, 11.5, 8.25)
    size: tuple[int, int] = SIZE


@dataclass
class Image:
    name: str
    pose: np.ndarray  # world from camera, OpenGL's axes
    camera: int = 1
    keypoints: list[tuple[float, float, int]] = field(default_factory=list)

    def numbers(self) -> list[float]:
        """Quaternion (w, x, y, z) and translation of camera_from_world in OpenCV's axes."""
        world_from_camera = self.pose @ np.diag([1.0, -1.0, -1.0, 1.0])
        inverse = np.linalg.inv(world_from_camera)
        return [*quaternion(inverse[:3, :3]), *inverse[:3, 3].tolist()]


@dataclass
class Model:
    """`cameras`, `images` and `points` by COLMAP's numbers."""

    cameras: dict[int, Camera]
    images: dict[int, Image]
    points: dict[int, tuple[float, float, float]] = field(default_factory=dict)

    def write(self, folder: Path, kind: str = "bin") -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        (self.write_bin if kind == "bin" else self.write_txt)(folder)
        return folder

    def write_bin(self, folder: Path) -> None:
        data = struct.pack("<Q", len(self.cameras))
        for number, camera in self.cameras.items():
            model, count = NUMBERS[camera.model]
            data += struct.pack(f"<iiQQ{count}d", number, model, *camera.size, *camera.parameters)
        (folder / "cameras.bin").write_bytes(data)
        data = struct.pack("<Q", len(self.images))
        for number, image in self.images.items():
            data += struct.pack("<I7dI", number, *image.numbers(), image.camera) + image.name.encode() + b"\0"
            data += struct.pack("<Q", len(image.keypoints))
            data += b"".join(struct.pack("<ddq", *each) for each in image.keypoints)
        (folder / "images.bin").write_bytes(data)
        data = struct.pack("<Q", len(self.points))
        for number, point in self.points.items():
            data += struct.pack("<q3d3BdQii", number, *point, 1, 2, 3, 0.5, 1, 1, 0)
        (folder / "points3D.bin").write_bytes(data)

    def write_txt(self, folder: Path) -> None:
        cameras = [
            f"{number} {each.model} {each.size[0]} {each.size[1]} {words(each.parameters)}"
            for number, each in self.cameras.items()
        ]
        images = [
            line
            for number, each in self.images.items()
            for line in (
                f"{number} {words(each.numbers())} {each.camera} {each.name}",
                " ".join(f"{x!r} {y!r} {point}" for x, y, point in each.keypoints),
            )
        ]
        points = [f"{number} {words(point)} 1 2 3 0.5 1 0" for number, point in self.points.items()]
        for name, lines in (("cameras", cameras), ("images", images), ("points3D", points)):
            (folder / f"{name}.txt").write_text("\n".join(["# a comment", *lines, ""]))


def words(numbers) -> str:
    return " ".join(repr(float(each)) for each in numbers)


def quaternion(rotation: np.ndarray) -> list[float]:
    """By the eigenvector of Bar-Itzhack's symmetric matrix: another way than the one that is tested."""
    r = rotation
    matrix = np.array(
        [
            [r[0, 0] - r[1, 1] - r[2, 2], 0, 0, 0],
            [r[1, 0] + r[0, 1], r[1, 1] - r[0, 0] - r[2, 2], 0, 0],
            [r[2, 0] + r[0, 2], r[2, 1] + r[1, 2], r[2, 2] - r[0, 0] - r[1, 1], 0],
            [r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1], r[0, 0] + r[1, 1] + r[2, 2]],
        ]
    )
    x, y, z, w = np.linalg.eigh(matrix)[1][:, -1].tolist()
    return [w, x, y, z]


def pose(i: int, count: int = 12) -> np.ndarray:
    return np.array(ring_pose(2 * np.pi * i / count, 3.0, 1.0))


def ring(names: list[str]) -> Model:
    return Model({1: Camera()}, {i + 1: Image(name, pose(i)) for i, name in enumerate(names)})


def save_pictures(root: Path, names: list[str], size: tuple[int, int] = SIZE, folder: str = "images") -> Path:
    for i, name in enumerate(names):
        Dataset(root).save(f"{folder}/{name}", disc(*size, i)[..., :3])
    return root
