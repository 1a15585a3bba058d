"""The lens of one frame, from the many ways in which `transforms.json` may state it."""

import math

from ..scenes.cameras import Lens
from ..scenes.notice import notice
from .document import Document
from .intrinsics import Intrinsics, Size

PERSPECTIVE_MODELS = ("SIMPLE_PINHOLE", "PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV")
FISHEYE_MODEL = "OPENCV_FISHEYE"
COEFFICIENTS = ("k1", "k2", "k3", "k4", "p1", "p2")
ANGLES = ("x_fov", "y_fov", "camera_angle_x", "camera_angle_y")
UNSUPPORTED_LENSES = ("latlong", "equirectangular", "orthographic", "ftheta_p0")  # instant-ngp's other lenses


def stated_size(frame: Document, shared: Document) -> tuple[float, float]:
    """w and h, in the pixels that the lens is given in."""
    return _positive(frame, shared, "w"), _positive(frame, shared, "h")


def stated_middle(frame: Document, shared: Document) -> tuple[float, float] | None:
    """cx and cy where both are stated, in the pixels that the lens is given in."""
    x, y = _holder(frame, shared, "cx"), _holder(frame, shared, "cy")
    return (x.number("cx"), y.number("cy")) if "cx" in x and "cy" in y else None


def states_size(frame: Document, shared: Document) -> bool:
    return "w" in _holder(frame, shared, "w") and "h" in _holder(frame, shared, "h")


def read_intrinsics(frame: Document, shared: Document, image_size: Size) -> Intrinsics:
    """The frame's own fields go before the file's. `image_size` is `stated_size`, or the picture's where none is."""
    size = float(image_size[0]), float(image_size[1])
    coefficients = tuple(_holder(frame, shared, name).number_or(name, 0.0) for name in COEFFICIENTS)
    return Intrinsics(
        size=size,
        focal=_focal(frame, shared, size),
        principal=(
            _principal_along(frame, shared, "x", size[0]),
            _principal_along(frame, shared, "y", size[1]),
        ),
        distortion=coefficients,
        lens=_lens(frame, shared),
    )


def say_principals_outside(frames: list[Document], lenses: list[Intrinsics]) -> None:
    """A principal point beside the picture is right for one cut out of a larger picture, but seldom meant."""
    outside = [
        (frame, lens)
        for frame, lens in zip(frames, lenses, strict=True)
        if not all(0 <= lens.principal[axis] <= lens.size[axis] for axis in (0, 1))
    ]
    if outside:
        frame, lens = outside[0]
        x, y, width, height = *lens.principal, *lens.size
        others = f" (and of {len(outside) - 1} more frames)" if outside[1:] else ""
        notice(
            f"{frame.file}: the principal point ({x:g}, {y:g}) of {frame.place.rstrip('.')}{others} lies outside of "
            f"its picture of {width:g}x{height:g} pixels, as it would where that is cut out of a larger one."
        )


def _lens(frame: Document, shared: Document) -> Lens:
    for field in UNSUPPORTED_LENSES:
        holder = _holder(frame, shared, field)
        if field in holder and holder.values[field] is not False:
            raise holder.error(field, "asks for a lens that is not supported")
    fisheye, holder = _holder(frame, shared, "is_fisheye"), _holder(frame, shared, "camera_model")
    # Two fields for one thing: a frame's model goes before the file's flag.
    if fisheye.flag("is_fisheye") and (fisheye is frame or holder is shared):
        return Lens.FISHEYE
    model = holder.text("camera_model") if "camera_model" in holder else "OPENCV"
    if model == FISHEYE_MODEL:
        return Lens.FISHEYE
    if model not in PERSPECTIVE_MODELS:
        known = ", ".join((*PERSPECTIVE_MODELS, FISHEYE_MODEL))
        raise holder.error("camera_model", f"is {model!r}, which is not supported; these are: {known}")
    return Lens.PERSPECTIVE


def _focal(frame: Document, shared: Document, size: tuple[float, float]) -> tuple[float, float]:
    """What the frame states, in any form, goes before what the file does."""
    x, y = _focal_along(frame, "x", size[0]), _focal_along(frame, "y", size[1])
    # In pixels each axis is a field of its own; an angle alone is a lens of square pixels, as in instant-ngp.
    if not any(angle in frame for angle in ANGLES):
        x, y = x or _focal_along(shared, "x", size[0]), y or _focal_along(shared, "y", size[1])
    if x == 0 and y == 0:
        raise shared.error(
            "fl_x", "is missing, and so are camera_angle_x and x_fov: the focal length is unknown"
        )
    return x or y, y or x


def _focal_along(level: Document, axis: str, length: float) -> float:
    """The focal length in pixels along an axis of `length` pixels; zero where no field states it.

    Of several fields instant-ngp's order decides: the angle in degrees, pixels, the angle in radians.
    """
    if f"{axis}_fov" in level:
        return _focal_of_angle(level, f"{axis}_fov", math.pi / 180, length)
    if f"fl_{axis}" in level:
        return level.positive(f"fl_{axis}")
    if f"camera_angle_{axis}" in level:
        return _focal_of_angle(level, f"camera_angle_{axis}", 1.0, length)
    return 0.0


def _focal_of_angle(level: Document, field: str, unit: float, length: float) -> float:
    angle = level.positive(field) * unit
    if angle >= math.pi:
        raise level.error(field, f"is {level.number(field):g}, which is not less than half a turn")
    return 0.5 * length / math.tan(0.5 * angle)


def _principal_along(frame: Document, shared: Document, axis: str, length: float) -> float:
    """In pixels; the middle where no field states it."""
    field = f"c{axis}"
    holder = _holder(frame, shared, field)
    principal = holder.number_or(field, length / 2)
    if 0 <= principal <= 1 < length / 4:
        raise holder.error(
            field,
            f"is {principal:g} where w or h is {length:g}: it must be in pixels from the top left corner, "
            "not a share of the picture nor an offset from its middle",
        )
    if not -length <= principal <= 2 * length:
        raise holder.error(field, f"is {principal:g}, far outside of a picture of {length:g} pixels")
    return principal


def _positive(frame: Document, shared: Document, field: str) -> float:
    return _holder(frame, shared, field).positive(field)


def _holder(frame: Document, shared: Document, field: str) -> Document:
    return frame if field in frame else shared
