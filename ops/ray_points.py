"""From packed samples to the points in space that they stand for."""

from typing import NamedTuple

from jaxtyping import Float, Int64
from torch import Tensor

from .backend import Op
from .check import check_shape


class PointsOfRays(NamedTuple):
    """What `ray_points` finds, a row for each sample."""

    position: Float[Tensor, "n xyz=3"]
    direction: Float[Tensor, "n xyz=3"]
    footprint: Float[Tensor, "n"]
    time: Float[Tensor, "n"]


def check_ray_points(
    origins: Tensor, directions: Tensor, footprint: Tensor, time: Tensor, t: Tensor, ray: Tensor
) -> None:
    check_shape("ray_points", "origins", origins, (None, 3))
    check_shape("ray_points", "directions", directions, (len(origins), 3))
    check_shape("ray_points", "footprint", footprint, (len(origins),))
    check_shape("ray_points", "time", time, (len(origins),))
    check_shape("ray_points", "t", t, (None,))
    check_shape("ray_points", "ray", ray, (len(t),))


@Op
def ray_points(
    origins: Float[Tensor, "ray xyz=3"],
    directions: Float[Tensor, "ray xyz=3"],
    footprint: Float[Tensor, "ray"],
    time: Float[Tensor, "ray"],
    t: Float[Tensor, "n"],
    ray: Int64[Tensor, "n"],
) -> PointsOfRays:
    """Position o + t·d, direction d, footprint r·t and time of each sample, of the ray that it names.

    Gradients go to origins, directions and footprint, as a refined pose needs them; times and t are data, and get
    none. Raises ValueError on a wrong shape, IndexError for a ray that does not exist.
    """
    check_ray_points(origins, directions, footprint, time, t, ray)
    t = t.detach()
    direction = directions.index_select(0, ray)
    return PointsOfRays(
        position=origins.index_select(0, ray) + t[:, None] * direction,
        direction=direction,
        footprint=footprint.index_select(0, ray) * t,
        time=time.detach().index_select(0, ray),
    )
