"""Ray marching's CPU cells: two calls each, because the number of samples is known only after the first."""

import torch

from .. import _cpu
from ..ray_march import EVERY, check_bits, check_march_on, ray_march, ray_march_on


@ray_march.kernel("cpu", torch.float32)
def _ray_march(origins, directions, span, jitter, occupied, grid):
    check_bits(occupied, grid)
    place = torch.zeros(len(origins), dtype=torch.int32)
    return _march((origins, directions, span, jitter), occupied, grid, place=place, most=EVERY)


@ray_march_on.kernel("cpu", torch.float32)
def _ray_march_on(origins, directions, span, occupied, place, grid, most):
    check_march_on(len(origins), occupied, place, grid=grid, most=most)
    place = place.clone(memory_format=torch.contiguous_format)
    rays = origins, directions, span, torch.full((len(origins),), 0.5)
    return *_march(rays, occupied, grid, place=place, most=most), place


def _march(rays, occupied, grid, *, place, most):
    """Writes to `place`."""
    offsets = torch.empty(len(place) + 1, dtype=torch.int64)
    march = _cpu.RayMarch(
        *(each.detach().contiguous() for each in rays),
        occupied,
        place,
        most,
        offsets,
        (*grid.lo, *grid.hi),
        grid.contracted,
        grid.resolution,
        (grid.step, grid.cone, grid.horizon),
    )
    samples = int(offsets[-1])
    t, dt = torch.empty(samples), torch.empty(samples)
    ray = torch.empty(samples, dtype=torch.int64)
    march.fill(offsets, t, dt, ray)
    return t, dt, ray, offsets
