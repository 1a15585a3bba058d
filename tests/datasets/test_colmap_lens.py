"""COLMAP's camera models: by their own formulas, and by the points of real models."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from omnifield.datasets.colmap import read_largest
from omnifield.datasets.colmap_lens import COEFFICIENTS, lens_of
from omnifield.datasets.colmap_model import MODELS, Model, ModelCamera
from omnifield.datasets.intrinsics import Intrinsics
from omnifield.ops.distortion import Lens, distort

SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "colmap"
Formula = Callable[..., tuple[float, float]]


def bent(
    u: float, v: float, k: tuple[float, ...], p: tuple[float, float] = (0.0, 0.0)
) -> tuple[float, float]:
    r2 = u * u + v * v
    radial = 1 + sum(each * r2**power for power, each in enumerate(k, 1))
    x = u * radial + 2 * p[0] * u * v + p[1] * (r2 + 2 * u * u)
    return x, v * radial + 2 * p[1] * u * v + p[0] * (r2 + 2 * v * v)


def angle(u: float, v: float, k: tuple[float, ...]) -> tuple[float, float]:
    r = math.hypot(u, v)
    theta = math.atan(r)
    bend = theta * (1 + sum(each * theta ** (2 * power) for power, each in enumerate(k, 1)))
    return u / r * bend, v / r * bend


# What COLMAP's documentation says that the parameters behind the principal point do.
FORMULAS: dict[str, Formula] = {
    "SIMPLE_PINHOLE": lambda u, v: (u, v),
    "PINHOLE": lambda u, v: (u, v),
    "SIMPLE_RADIAL": lambda u, v, k: bent(u, v, (k,)),
    "RADIAL": lambda u, v, k1, k2: bent(u, v, (k1, k2)),
    "OPENCV": lambda u, v, k1, k2, p1, p2: bent(u, v, (k1, k2), (p1, p2)),
    "FULL_OPENCV": lambda u, v, k1, k2, p1, p2, k3, *_: bent(u, v, (k1, k2, k3), (p1, p2)),
    "SIMPLE_FISHEYE": lambda u, v: angle(u, v, ()),
    "FISHEYE": lambda u, v: angle(u, v, ()),
    "SIMPLE_RADIAL_FISHEYE": lambda u, v, k: angle(u, v, (k,)),
    "RADIAL_FISHEYE": lambda u, v, k1, k2: angle(u, v, (k1, k2)),
    "OPENCV_FISHEYE": lambda u, v, *k: angle(u, v, k),
}


def projected(lens: Intrinsics, in_camera: np.ndarray) -> np.ndarray:
    """Pixels of points (OpenCV's axes), by our own forward model."""
    ideal = in_camera[:, :2] / in_camera[:, 2:]
    if lens.lens is Lens.FISHEYE:
        radius = np.linalg.norm(ideal, axis=1, keepdims=True)
        ideal = ideal / radius * np.arctan(radius)
    coefficients = torch.tensor(lens.distortion, dtype=torch.float64).expand(len(ideal), 6)
    return distort(torch.from_numpy(ideal), coefficients, lens.lens).numpy() * lens.focal + lens.principal


@pytest.mark.parametrize("model", COEFFICIENTS)
def test_every_model_bends_as_its_formula(model: str) -> None:
    focal, principal = ((300.0, 310.0), (160.5, 118.25))
    count = dict(MODELS.values())[model]
    one = count - 2 - len(COEFFICIENTS[model]) == 1
    rest = [0.05, -0.03, 0.002, 0.004, 0.01][: len(COEFFICIENTS[model])]
    rest += [0.0] * (len(COEFFICIENTS[model]) - len(rest))
    camera = ModelCamera(1, model, (320, 240), (*focal[: 1 if one else 2], *principal, *rest))
    assert len(camera.parameters) == count
    lens = lens_of(camera, Path("cameras.bin"))
    points = np.array([[0.4, 0.3, 1.0], [-0.5, 0.1, 1.2], [0.2, -0.6, 1.5]])
    for point, pixel in zip(points, projected(lens, points), strict=True):
        x, y = FORMULAS[model](*(point[:2] / point[2]).tolist(), *rest)
        expected = (focal[0] * x + principal[0], focal[0 if one else 1] * y + principal[1])
        assert pixel == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("path", ["banana/sparse/0", "lund_door/sparse/0", "lund_door/sparse_txt"])
def test_points_fall_onto_their_keypoints(path: str) -> None:
    if not SAMPLES.is_dir():
        pytest.skip("the sample scenes are not beside this folder, as shared/data")
    errors = reprojection_errors(read_largest(SAMPLES / path))
    assert len(errors) > 1000 and errors.mean() < 1.0


def reprojection_errors(model: Model) -> np.ndarray:
    errors = []
    for image in model.images:
        lens = lens_of(model.cameras[image.camera], model.file)
        place = np.searchsorted(model.points.number, image.point).clip(max=len(model.points.number) - 1)
        found = model.points.number[place] == image.point
        world_to_camera = image.camera_from_world.numpy()
        in_camera = model.points.position[place[found]] @ world_to_camera[:3, :3].T + world_to_camera[:3, 3]
        errors.append(np.linalg.norm(projected(lens, in_camera) - image.keypoints[found], axis=1))
    return np.concatenate(errors)
