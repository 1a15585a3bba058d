"""Ray marching's CPU cell: two calls, because the number of samples is known only after the first."""

import torch

from .. import _cpu
from ..ray_march import check_bits, ray_march


@ray_march.kernel("cpu", torch.float32)
def _ray_march(origins, directions, span, jitter, occupied, grid):
    check_bits(occupied, grid)
    offsets = torch.empty(len(origins) + 1, dtype=torch.int64)
    march = _cpu.RayMarch(
        origins.contiguous(),
        directions.contiguous(),
        span.contiguous(),
        jitter.contiguous(),
        occupied,
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
