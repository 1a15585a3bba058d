"""COLMAP's camera models as lenses of ours. Both have the first pixel's centre at (0.5, 0.5)."""

from pathlib import Path

from ..scenes.cameras import Lens
from .colmap_model import ModelCamera
from .intrinsics import Intrinsics

ONE_FOCAL = (
    "SIMPLE_PINHOLE",
    "SIMPLE_RADIAL",
    "RADIAL",
    "SIMPLE_FISHEYE",
    "SIMPLE_RADIAL_FISHEYE",
    "RADIAL_FISHEYE",
)
# What each model's parameters behind the principal point are.
COEFFICIENTS = {
    "SIMPLE_PINHOLE": (),
    "PINHOLE": (),
    "SIMPLE_RADIAL": ("k1",),
    "RADIAL": ("k1", "k2"),
    "OPENCV": ("k1", "k2", "p1", "p2"),
    "FULL_OPENCV": ("k1", "k2", "p1", "p2", "k3", "below1", "below2", "below3"),
    "SIMPLE_FISHEYE": (),
    "FISHEYE": (),
    "SIMPLE_RADIAL_FISHEYE": ("k1",),
    "RADIAL_FISHEYE": ("k1", "k2"),
    "OPENCV_FISHEYE": ("k1", "k2", "k3", "k4"),
}
BELOW = ("below1", "below2", "below3")  # of the rational model: k4, k5, k6 of its denominator


def lens_of(camera: ModelCamera, file: Path) -> Intrinsics:
    """Raises ValueError that names camera and model where no lens of ours bends light so."""
    where = f"{file}: camera {camera.number} has the model {camera.model}"
    if camera.model not in COEFFICIENTS:
        raise ValueError(f"{where}, which is not supported; these are: {', '.join(COEFFICIENTS)}.")
    split = 3 if camera.model in ONE_FOCAL else 4
    *focal, x, y = camera.parameters[:split]
    given = dict(zip(COEFFICIENTS[camera.model], camera.parameters[split:], strict=True))
    if any(given.get(name) for name in BELOW):
        raise ValueError(f"{where} with k4, k5 or k6 other than zero, which is not supported.")
    if min(focal) <= 0:
        raise ValueError(f"{where} with the focal length {min(focal):g}, which must be greater than zero.")
    return Intrinsics(
        size=camera.size,
        focal=(focal[0], focal[-1]),
        principal=(x, y),
        distortion=tuple(given.get(name, 0.0) for name in ("k1", "k2", "k3", "k4", "p1", "p2")),
        lens=Lens.FISHEYE if camera.model.endswith("FISHEYE") else Lens.PERSPECTIVE,
    )
