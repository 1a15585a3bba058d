"""The lens of one frame, from the many ways in which `transforms.json` may state it."""

import math
from dataclasses import dataclass

from .cameras import Lens
from .document import Document

PERSPECTIVE_MODELS = ("SIMPLE_PINHOLE", "PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV")
FISHEYE_MODEL = "OPENCV_FISHEYE"
COEFFICIENTS = ("k1", "k2", "k3", "k4", "p1", "p2")
UNSUPPORTED_LENSES = ("latlong", "equirectangular", "orthographic", "ftheta_p0")  # instant-ngp's other lenses


@dataclass(frozen=True)
class Intrinsics:
    """Pixels of an image of `size` (width, height); `distortion` in the order of `COEFFICIENTS`."""

    size: tuple[float, float]
    focal: tuple[float, float]
    principal: tuple[float, float]
    distortion: tuple[float, ...]
    lens: Lens

    def resized(self, size: tuple[int, int]) -> "Intrinsics":
        """The same lens for the same picture at another size."""
        x, y = size[0] / self.size[0], size[1] / self.size[1]
        focal, principal = self.focal, self.principal
        return Intrinsics(
            size=(float(size[0]), float(size[1])),
            focal=(focal[0] * x, focal[1] * y),
            principal=(principal[0] * x, principal[1] * y),
            distortion=self.distortion,
            lens=self.lens,
        )

    def is_resize_of(self, size: tuple[int, int]) -> bool:
        """Whether the aspect agrees to within the two pixels that rounding may cost."""
        error = abs(self.size[0] * size[1] - self.size[1] * size[0])
        return error <= 2 * max(self.size)


def states_size(frame: Document, shared: Document) -> bool:
    return "w" in _holder(frame, shared, "w") and "h" in _holder(frame, shared, "h")


def read_intrinsics(frame: Document, shared: Document, image_size: tuple[int, int]) -> Intrinsics:
    """The frame's own fields go before the file's. `image_size` stands in where w and h are not stated."""
    stated = states_size(frame, shared)
    size = float(image_size[0]), float(image_size[1])
    if stated:
        size = _positive(frame, shared, "w"), _positive(frame, shared, "h")
    coefficients = tuple(_holder(frame, shared, name).number_or(name, 0.0) for name in COEFFICIENTS)
    return Intrinsics(
        size=size,
        focal=_focal(frame, shared, size),
        principal=(
            _holder(frame, shared, "cx").number_or("cx", size[0] / 2),
            _holder(frame, shared, "cy").number_or("cy", size[1] / 2),
        ),
        distortion=coefficients,
        lens=_lens(frame, shared),
    )


def _lens(frame: Document, shared: Document) -> Lens:
    for field in UNSUPPORTED_LENSES:
        holder = _holder(frame, shared, field)
        if field in holder and holder.values[field] is not False:
            raise holder.error(field, "asks for a lens that is not supported")
    if _holder(frame, shared, "is_fisheye").flag("is_fisheye"):
        return Lens.FISHEYE
    holder = _holder(frame, shared, "camera_model")
    model = holder.text("camera_model") if "camera_model" in holder else "OPENCV"
    if model == FISHEYE_MODEL:
        return Lens.FISHEYE
    if model not in PERSPECTIVE_MODELS:
        known = ", ".join((*PERSPECTIVE_MODELS, FISHEYE_MODEL))
        raise holder.error("camera_model", f"is {model!r}, which is not supported; these are: {known}")
    return Lens.PERSPECTIVE


def _focal(frame: Document, shared: Document, size: tuple[float, float]) -> tuple[float, float]:
    x = _focal_along(frame, shared, "x", size[0])
    y = _focal_along(frame, shared, "y", size[1])
    if x == 0 and y == 0:
        raise shared.error(
            "fl_x", "is missing, and so are camera_angle_x and x_fov: the focal length is unknown"
        )
    return x or y, y or x


def _focal_along(frame: Document, shared: Document, axis: str, length: float) -> float:
    """The focal length in pixels along an axis of `length` pixels; zero where no field states it."""
    if f"fl_{axis}" in _holder(frame, shared, f"fl_{axis}"):
        return _positive(frame, shared, f"fl_{axis}")
    for field, unit in ((f"camera_angle_{axis}", 1.0), (f"{axis}_fov", math.pi / 180)):
        holder = _holder(frame, shared, field)
        if field in holder:
            angle = holder.positive(field) * unit
            if angle >= math.pi:
                raise holder.error(field, f"is {holder.number(field):g}, which is not less than half a turn")
            return 0.5 * length / math.tan(0.5 * angle)
    return 0.0


def _positive(frame: Document, shared: Document, field: str) -> float:
    return _holder(frame, shared, field).positive(field)


def _holder(frame: Document, shared: Document, field: str) -> Document:
    return frame if field in frame else shared
