"""From pixels of posed cameras to rays."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from .backend import Op
from .check import check_shape
from .distortion import CONE_RADIUS_PER_PIXEL, Lens, direction_of, undistort


class Sensors(NamedTuple):
    """Of each view, in pixels: see `Cameras` in scenes/cameras.py."""

    focal: Float[Tensor, "view xy=2"]
    principal: Float[Tensor, "view xy=2"]
    distortion: Float[Tensor, "view coefficient=6"]
    time: Float[Tensor, "view"]
    lens: Lens


class RaysOfCameras(NamedTuple):
    """What `camera_rays` finds, a row for each ray; see `Rays` in scenes/rays.py."""

    origins: Float[Tensor, "ray xyz=3"]
    directions: Float[Tensor, "ray xyz=3"]
    footprint: Float[Tensor, "ray"]
    time: Float[Tensor, "ray"]


def check_camera_rays(poses: Tensor, sensors: Sensors, view: Tensor, x: Tensor, y: Tensor) -> None:
    views = len(poses)
    check_shape("camera_rays", "poses", poses, (None, 3, 4))
    check_shape("camera_rays", "focal", sensors.focal, (views, 2))
    check_shape("camera_rays", "principal", sensors.principal, (views, 2))
    check_shape("camera_rays", "distortion", sensors.distortion, (views, 6))
    check_shape("camera_rays", "time", sensors.time, (views,))
    check_shape("camera_rays", "view", view, (None,))
    check_shape("camera_rays", "x", x, (len(view),))
    check_shape("camera_rays", "y", y, (len(view),))


@Op
def camera_rays(
    poses: Float[Tensor, "view row=3 column=4"],
    sensors: Sensors,
    view: Int64[Tensor, "ray"],
    x: Float[Tensor, "ray"],
    y: Float[Tensor, "ray"],
) -> RaysOfCameras:
    """Rays through sensor positions in pixels from the top left corner: origin, unit direction, footprint and time.

    Differentiable by reference, as a refined pose needs it. Raises ValueError on a wrong shape, IndexError for a view
    that does not exist.
    """
    check_camera_rays(poses, sensors, view, x, y)
    poses, focal, principal, distortion, time = (each.index_select(0, view) for each in (poses, *sensors[:4]))
    u, v = (x - principal[:, 0]) / focal[:, 0], (y - principal[:, 1]) / focal[:, 1]
    if distortion.any():
        u, v = undistort(torch.stack([u, v], -1), distortion, sensors.lens).unbind(-1)
    across, along, away = direction_of(u, v, sensors.lens)
    right, up, back, origin = poses.unbind(-1)
    # Axis by axis: rows of three would be no vectors.
    direction = [right[:, i] * across + up[:, i] * along + back[:, i] * away for i in range(3)]
    length = torch.sqrt(sum((each * each for each in direction), torch.zeros_like(x)))
    return RaysOfCameras(
        origins=origin.contiguous(),
        directions=torch.stack([each / length for each in direction], -1),
        # The width of a pixel is that of its depth; along the ray a unit of depth is `length`. (1 in a fisheye.)
        footprint=CONE_RADIUS_PER_PIXEL / focal.mean(-1) / length,
        time=time,
    )
