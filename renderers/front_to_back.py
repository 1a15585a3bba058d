"""Compositing without gradients: samples are forgotten as soon as they are seen, and nothing behind matter is asked."""

import math

import torch
from jaxtyping import Int
from torch import Tensor

from ..fields import Field, Points
from ..ops import accumulate, ray_points, ray_weights
from ..scenes import Rays
from .opaque import STOP
from .samples import Samples
from .shading import SHADING, VISIBLE, Seen

FIRST_ROUND = 8  # samples of a ray that are asked at once; every round asks twice as many


@torch.no_grad()
def see(field: Field, rays: Rays, samples: Samples) -> tuple[Seen, Int[Tensor, "ray"]]:
    """What each ray saw, and how many of its samples were asked. Rounds of ever more samples go along all rays that
    are not yet opaque, as in `probe_until_opaque`."""
    shading, packed = SHADING[field.shading], rays.packed()
    depth = torch.zeros_like(rays.near)  # optical depth so far
    total = depth.new_zeros(
        len(rays), 3 + shading.width(field)
    )  # weight, weight · t, visible weight, and · values
    begin, end = samples.offsets[:-1].clone(), samples.offsets[1:]
    alive = (begin < end).nonzero()[:, 0]
    size = FIRST_ROUND
    while len(alive):
        part = samples.next(alive, begin, (end - begin).index_select(0, alive).clamp_max(size))
        points = Points(*ray_points(packed, part.t, part.ray))
        probe = field.probe(points)
        weights = ray_weights(probe.density, part.dt, part.offsets)
        weights *= torch.exp(-depth).index_select(0, part.ray)
        rows = (weights > VISIBLE).nonzero()[:, 0]
        t, ray = part.t.index_select(0, rows), part.ray.index_select(0, rows)
        values = shading.values(field, Points(*ray_points(packed, t, ray)), probe.take(rows))
        every = torch.stack([torch.ones_like(part.t), part.t], -1)
        visible = torch.cat([torch.ones_like(values[:, :1]), values], -1)
        seen = (
            accumulate(every, weights, part.offsets),
            accumulate(visible, weights.index_select(0, rows), torch.searchsorted(rows, part.offsets)),
        )
        total.index_add_(0, alive, torch.cat(seen, -1))
        depth.index_add_(0, alive, accumulate(probe.density[:, None], part.dt, part.offsets)[:, 0])
        begin.index_add_(0, alive, part.counts)
        alive = alive[(depth[alive] < -math.log(STOP)) & (begin[alive] < end[alive])]
        size *= 2
    return Seen.of(total), begin - samples.offsets[:-1]
