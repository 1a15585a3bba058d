"""The CPU cell of `ray_points`: an autograd function only where a gradient is asked for."""

import torch

from .. import _cpu
from ..once_differentiable import once_differentiable
from ..ray_points import PointsOfRays, check_ray_points, ray_points


def _points(origins, directions, footprint, time, t, ray):
    n = len(t)
    found = PointsOfRays(
        position=torch.empty(n, 3), direction=torch.empty(n, 3), footprint=torch.empty(n), time=torch.empty(n)
    )
    _cpu.ray_points_forward(
        origins=origins.detach().contiguous(),
        directions=directions.detach().contiguous(),
        footprint=footprint.detach().contiguous(),
        time=time.detach().contiguous(),
        t=t.detach().contiguous(),
        ray=ray.contiguous(),
        position=found.position,
        direction=found.direction,
        footprint_there=found.footprint,
        time_there=found.time,
    )
    return found


class _RayPoints(torch.autograd.Function):
    @staticmethod
    def forward(ctx, origins, directions, footprint, time, t, ray):
        found = _points(origins, directions, footprint, time, t, ray)
        ctx.save_for_backward(t.detach().contiguous(), ray.contiguous())
        ctx.rays = len(origins)
        ctx.mark_non_differentiable(found.time)
        return found.position, found.direction, found.footprint, found.time

    @staticmethod
    @once_differentiable("ray_points")
    def backward(ctx, grad_position, grad_direction, grad_footprint, _):
        t, ray = ctx.saved_tensors
        to_origins, to_directions = torch.zeros(ctx.rays, 3), torch.zeros(ctx.rays, 3)
        to_footprint = torch.zeros(ctx.rays)
        _cpu.ray_points_backward(
            t=t,
            ray=ray,
            grad_position=grad_position.contiguous(),
            grad_direction=grad_direction.contiguous(),
            grad_footprint=grad_footprint.contiguous(),
            grad_origins=to_origins,
            grad_directions=to_directions,
            grad_footprint_of_ray=to_footprint,
        )
        return to_origins, to_directions, to_footprint, None, None, None


@ray_points.kernel("cpu", torch.float32)
def _ray_points(origins, directions, footprint, time, t, ray):
    check_ray_points(origins, directions, footprint, time, t, ray)
    moved = any(x.requires_grad for x in (origins, directions, footprint))
    if not (moved and torch.is_grad_enabled()):
        return _points(origins, directions, footprint, time, t, ray)
    position, direction, radius, moment = _RayPoints.apply(origins, directions, footprint, time, t, ray)
    return PointsOfRays(position=position, direction=direction, footprint=radius, time=moment)
