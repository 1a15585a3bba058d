"""The CPU cell of `ray_points`."""

import torch

from .. import _cpu
from ..ray_points import check_ray_points, ray_points


@ray_points.kernel("cpu", torch.float32)
def _ray_points(rays, t, ray):
    check_ray_points(rays, t, ray)
    n = len(t)
    points = torch.empty(n, 3), torch.empty(n, 3), torch.empty(n), torch.empty(n)
    _cpu.ray_points(rays.detach().contiguous(), t.contiguous(), ray.contiguous(), *points)
    return points
