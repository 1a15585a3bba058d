"""Asking a field along rays from near to far, and no further than one can see."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..fields import Field, Probe
from ..ops import STOP, accumulate, ray_rows
from ..scenes import Rays
from .samples import Samples

FIRST_ROUND = 16  # samples of a ray that are asked at once; every round asks twice as many


def probe_until_opaque(field: Field, rays: Rays, samples: Samples) -> tuple[Samples, Probe]:
    """The samples of each ray up to where its transmittance falls below STOP, and the field's answers for them.

    In a solid scene most samples lie behind the first surface, and are never looked at. What is left out would have
    had neither weight nor gradient: the picture is the same.
    """
    depth = torch.zeros_like(rays.near)  # optical depth so far
    begin, end = samples.offsets[:-1].clone(), samples.offsets[1:]
    alive = (begin < end).nonzero()[:, 0]
    rounds: list[tuple[Int[Tensor, "_"], Probe]] = []
    size = FIRST_ROUND
    while len(alive) or not rounds:
        count = (end[alive] - begin[alive]).clamp_max(size)
        ends = torch.nn.functional.pad(count.cumsum(0), (1, 0))
        rows = ray_rows(begin[alive], ends)
        probe = field.probe(samples.points_of(rays, rows))
        rounds.append((rows, probe))
        depth[alive] += accumulate(probe.density.detach()[:, None], samples.dt[rows], ends)[:, 0]
        begin[alive] += count
        alive = alive[(depth[alive] < -math.log(STOP)) & (begin[alive] < end[alive])]
        size *= 2
    return _in_order(samples, begin - samples.offsets[:-1], rounds)


def _in_order(
    samples: Samples, asked: Int[Tensor, "ray"], rounds: list[tuple[Int[Tensor, "_"], Probe]]
) -> tuple[Samples, Probe]:
    """The first `asked` samples of each ray, one ray after another, and what the rounds found out about them."""
    offsets = torch.nn.functional.pad(asked.cumsum(0), (1, 0))
    rows = ray_rows(samples.offsets[:-1], offsets)
    t, dt, ray = (each.index_select(0, rows) for each in (samples.t, samples.dt, samples.ray))
    kept = Samples(t, dt, ray, offsets)
    if len(rounds) == 1:
        return kept, rounds[0][1]
    found = torch.cat([rows for rows, _ in rounds])
    place = found + (offsets[:-1] - samples.offsets[:-1])[samples.ray[found]]
    density = torch.cat([probe.density for _, probe in rounds])
    carry = torch.cat([probe.carry for _, probe in rounds])
    return kept, Probe(_Reorder.apply(density, place), _Reorder.apply(carry, place))


class _Reorder(torch.autograd.Function):
    """Row i goes to place[i], a permutation. Its gradient is a gather: torch's would add up, one row after another."""

    @staticmethod
    def forward(ctx, x: Float[Tensor, "n *columns"], place: Int[Tensor, "n"]) -> Float[Tensor, "n *columns"]:
        ctx.save_for_backward(place)
        return torch.empty_like(x).index_copy_(0, place, x)

    @staticmethod
    def backward(ctx, grad):
        (place,) = ctx.saved_tensors
        return grad.index_select(0, place), None
