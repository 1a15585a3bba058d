"""From packed samples to the points in space that they stand for."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from .backend import Op
from .check import check_shape


def check_ray_points(rays: Tensor, t: Tensor, ray: Tensor) -> None:
    check_shape("ray_points", "rays", rays, (None, 8))
    check_shape("ray_points", "t", t, (None,))
    check_shape("ray_points", "ray", ray, (len(t),))


@Op
@torch.no_grad()
def ray_points(
    rays: Float[Tensor, "ray origin_direction_footprint_time=8"],
    t: Float[Tensor, "n"],
    ray: Int64[Tensor, "n"],
) -> tuple[Float[Tensor, "n xyz=3"], Float[Tensor, "n xyz=3"], Float[Tensor, "n"], Float[Tensor, "n"]]:
    """Position o + t·d, direction d, footprint r·t and time of each sample, read from its ray's eight numbers.

    Rays and samples are data: no gradient flows. Raises ValueError on a wrong shape, IndexError for a ray that does
    not exist.
    """
    check_ray_points(rays, t, ray)
    of_sample = rays.index_select(0, ray)
    origin, direction, footprint, time = of_sample.split([3, 3, 1, 1], -1)
    return (
        origin + t[:, None] * direction,
        direction.contiguous(),
        footprint[:, 0] * t,
        time[:, 0].contiguous(),
    )
