"""A sparse model of COLMAP in memory, and what is asked of every one whatever kind of file it came from."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

# COLMAP's numbers for its camera models: their names, and how many parameters each has.
MODELS = {
    0: ("SIMPLE_PINHOLE", 3),
    1: ("PINHOLE", 4),
    2: ("SIMPLE_RADIAL", 4),
    3: ("RADIAL", 5),
    4: ("OPENCV", 8),
    5: ("OPENCV_FISHEYE", 8),
    6: ("FULL_OPENCV", 12),
    7: ("FOV", 5),
    8: ("SIMPLE_RADIAL_FISHEYE", 4),
    9: ("RADIAL_FISHEYE", 5),
    10: ("THIN_PRISM_FISHEYE", 12),
    11: ("RAD_TAN_THIN_PRISM_FISHEYE", 16),
    12: ("SIMPLE_DIVISION", 4),
    13: ("DIVISION", 5),
    14: ("SIMPLE_FISHEYE", 3),
    15: ("FISHEYE", 4),
    16: ("EUCM", 6),
    17: ("EQUIRECTANGULAR", 2),
}
LARGEST_SIDE = 10**6  # pixels


@dataclass(frozen=True)
class ModelCamera:
    number: int
    model: str
    size: tuple[int, int]  # width, height
    parameters: tuple[float, ...]


@dataclass(frozen=True)
class ModelImage:
    """`camera_from_world` has OpenCV's axes. A keypoint (x, y in pixels from the corner of the picture) is of the point
    whose number is in `point`, or of none (-1)."""

    number: int
    name: str
    camera: int
    camera_from_world: Float[Tensor, "row=4 column=4"]
    keypoints: Float[np.ndarray, "keypoint xy=2"]
    point: Int64[np.ndarray, "keypoint"]


@dataclass(frozen=True)
class Points:
    """Sparse points, by the numbers that keypoints name, in ascending order of those."""

    number: Int64[np.ndarray, "point"]
    position: Float[np.ndarray, "point xyz=3"]
    color: UInt8[np.ndarray, "point rgb=3"]


@dataclass(frozen=True)
class Model:
    """`file` is the one that lists the images, for complaints."""

    file: Path
    cameras: dict[int, ModelCamera]
    images: list[ModelImage]  # in the order of their names
    points: Points


def checked_camera(
    file: Path, number: int, model: str, size: tuple[int, int], parameters: tuple[float, ...]
) -> ModelCamera:
    """Raises ValueError on a size or a parameter that no camera has."""
    where = f"{file}: camera {number} ({model})"
    if not all(0 < side <= LARGEST_SIDE for side in size):
        raise ValueError(f"{where} states a size of {size[0]}x{size[1]} pixels.")
    if not np.isfinite(parameters).all():
        raise ValueError(f"{where} has a parameter that is not a finite number.")
    return ModelCamera(number, model, size, parameters)


def rigid(
    where: str, quaternion: Float[np.ndarray, "wxyz=4"], translation: Float[np.ndarray, "xyz=3"]
) -> Float[Tensor, "row=4 column=4"]:
    """The map of a rotation, whose quaternion may have any length but zero, and a move after it; ValueError where there
    is none."""
    if not (np.isfinite(quaternion).all() and np.isfinite(translation).all()):
        raise ValueError(f"{where} has a pose that is not made of finite numbers.")
    length = float(np.linalg.norm(quaternion))
    if length < 1e-6:
        raise ValueError(f"{where} has the quaternion 0 0 0 0, which is no rotation.")
    w, x, y, z = (quaternion / length).tolist()
    matrix = torch.eye(4, dtype=torch.float64)
    matrix[:3, :3] = torch.tensor(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ],
        dtype=torch.float64,
    )
    matrix[:3, 3] = torch.from_numpy(np.array(translation, np.float64))
    return matrix


def by_number(number: np.ndarray, position: np.ndarray, color: np.ndarray) -> Points:
    """Points that are not finite are left out: they only ever help."""
    kept = np.isfinite(position).all(-1)
    number, position, color = number[kept], position[kept], color[kept]
    order = np.argsort(number, kind="stable")
    return Points(number[order], position[order], color[order].astype(np.uint8))


def depths(image: ModelImage, points: Points) -> Float[np.ndarray, "seen"]:
    """Distances along the viewing axis of the points that the picture sees and that lie before it."""
    if not len(points.number):
        return np.empty(0)
    place = np.searchsorted(points.number, image.point).clip(max=len(points.number) - 1)
    seen = points.position[place[points.number[place] == image.point]]
    along = image.camera_from_world[2].numpy()
    depth = seen @ along[:3] + along[3]
    return depth[depth > 0]
