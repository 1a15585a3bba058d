"""Compositing without gradients: samples are forgotten as soon as they are seen, and nothing behind matter is asked."""

import torch
from jaxtyping import Int
from torch import Tensor

from ..fields import Field, Points
from ..ops import accumulate, pass_through, ray_points
from ..scenes import Rays
from .opaque import STOP
from .sampler import Sampler
from .shading import SHADING, VISIBLE, Seen

FIRST_ROUND = 8  # samples of a ray that are asked at once; every other round asks twice as many


@torch.no_grad()
def see(
    field: Field, rays: Rays, sampler: Sampler
) -> tuple[Int[Tensor, "hit"], Rays, Seen, Int[Tensor, "hit"]]:
    """Which rays have any samples, those rays, what each of them saw, and how many of its samples were asked.

    Rounds of ever more samples go along all rays that are not yet opaque, as in `probe_until_opaque`; what lies
    further is not even marched through.
    """
    part, place = sampler.next(
        field.density, rays, torch.zeros_like(rays.near, dtype=torch.int32), FIRST_ROUND
    )
    hit = part.counts.nonzero()[:, 0]
    part, rays, place = part.of(hit), Rays(*(x.index_select(0, hit) for x in vars(rays).values())), place[hit]
    shading, packed, round = SHADING[field.shading], rays.packed(), 1
    light, asked = torch.ones_like(rays.near), torch.zeros_like(hit)
    total = light.new_zeros(len(hit), 3)  # weight, weight · t, visible weight
    total_values = light.new_zeros(len(hit), shading.width(field))
    while len(part):
        probe = field.probe(Points(*ray_points(packed, part.t, part.ray)))
        visible, weights, ends, sums, light = pass_through(
            probe.density, part.t, part.dt, part.offsets, light, VISIBLE, STOP
        )
        t, ray = part.t.index_select(0, visible), part.ray.index_select(0, visible)
        values = shading.values(field, Points(*ray_points(packed, t, ray)), probe.take(visible))
        total += sums
        total_values += accumulate(values, weights, ends)
        asked += part.counts
        place = torch.where(light < STOP, -1, place)
        part, place = sampler.next(field.density, rays, place, FIRST_ROUND << round // 2)
        round += 1
    return hit, rays, Seen.of(torch.cat([total, total_values], -1)), asked
