"""Dropping what lies behind: the samples of a ray after it has become opaque."""

import torch
from jaxtyping import Int
from torch import Tensor

from ..fields import Field
from ..ops import ray_weights
from ..scenes import Rays
from .samples import Samples

STOP = 1e-4  # transmittance below which a ray has ended; also that of `ops.ray_weights`
FIRST_ROUND = 16  # samples of a ray that are asked at once; every round asks twice as many


@torch.no_grad()
def until_opaque(field: Field, rays: Rays, samples: Samples) -> Samples:
    """The samples of each ray up to where its transmittance falls below STOP, by rounds from near to far.

    In a solid scene most samples lie behind the first surface, and are never looked at. What is left out would have
    had neither weight nor gradient: the picture is the same.
    """
    depth = torch.zeros_like(rays.near)  # optical depth so far
    begin, end = samples.offsets[:-1].clone(), samples.offsets[1:]
    kept = begin.clone()
    alive = (begin < end).nonzero()[:, 0]
    opaque = -torch.log(torch.tensor(STOP))
    size = FIRST_ROUND
    while len(alive):
        count = (end[alive] - begin[alive]).clamp_max(size)
        size *= 2
        rows, ray = _rows(begin[alive], count)
        points = Samples(samples.t[rows], samples.dt[rows], samples.ray[rows], samples.offsets).points(rays)
        depth.index_add_(0, alive[ray], field.density(points) * samples.dt[rows])
        begin[alive] += count
        kept[alive] = begin[alive]
        alive = alive[(depth[alive] < opaque) & (begin[alive] < end[alive])]
    rows, _ = _rows(samples.offsets[:-1], kept - samples.offsets[:-1])
    return samples.take(rows)


def _rows(begin: Int[Tensor, "ray"], count: Int[Tensor, "ray"]) -> tuple[Int[Tensor, "n"], Int[Tensor, "n"]]:
    """The numbers begin, …, begin + count − 1 of every ray one after another, and whose each is."""
    ray = torch.repeat_interleave(count)
    first = count.cumsum(0) - count
    return torch.arange(len(ray), device=ray.device) + (begin - first)[ray], ray
