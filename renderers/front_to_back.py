"""Compositing without gradients: samples are forgotten as soon as they are seen, and nothing behind matter is asked."""

import torch
from jaxtyping import Int
from torch import Tensor

from ..fields import Field
from ..ops import STOP, accumulate, pass_through
from ..scenes import Rays
from ..scenes.columns import each_column
from .sampler import Sampler
from .samples import points_at
from .shading import SHADING, VISIBLE, Seen

FIRST_ROUND = 4  # samples of a ray that are asked at once; every other round asks twice as many


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
    part, place = part.of(hit), place[hit]
    rays = each_column(lambda column: column.index_select(0, hit), rays)
    shading, round = SHADING[field.shading], 1
    light, asked = torch.ones_like(rays.near), torch.zeros_like(hit)
    total = light.new_zeros(len(hit), 3)  # weight, weight · t, visible weight
    total_values = light.new_zeros(len(hit), shading.width(field))
    while len(part):
        probe = field.probe(part.points(rays))
        visible, weights, ends, sums, light = pass_through(
            probe.density, part.t, part.dt, part.offsets, light, VISIBLE, STOP
        )
        t, ray = part.t.index_select(0, visible), part.ray.index_select(0, visible)
        values = shading.values(field, points_at(rays, t, ray), probe.take(visible))
        total += sums
        total_values += accumulate(values, weights, ends)
        asked += part.counts
        place = torch.where(light < STOP, -1, place)
        part, place = sampler.next(field.density, rays, place, FIRST_ROUND << round // 2)
        round += 1
    return hit, rays, Seen.of(total, total_values), asked
