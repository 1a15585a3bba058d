"""Asking a field along rays from near to far, and no further than one can see."""

import torch
from jaxtyping import Int
from torch import Tensor

from ..fields import Field, Probe
from ..ops import STOP, Round, first_samples, in_order, next_round, pass_round
from ..scenes import Rays
from .samples import Samples, points_at

FIRST_ROUND = 4  # samples of a ray that are asked at once; every round asks twice as many


def probe_until_opaque(
    field: Field, rays: Rays, samples: Samples, stop: float = STOP
) -> tuple[Samples, Probe]:
    """The samples of each ray up to where its transmittance falls below `stop`, and the field's answers for them.

    In a solid scene most samples lie behind the first surface, and are never looked at. What is left out behind STOP
    would have had neither weight nor gradient: the picture is the same.
    """
    depth, asked = torch.zeros_like(rays.near), torch.zeros_like(samples.offsets[:-1])
    rounds: list[tuple[Round, Probe]] = []
    size = FIRST_ROUND
    while True:
        round = next_round(depth, asked, samples.t, samples.dt, samples.offsets, size, stop)
        if rounds and len(round.t) == 0:
            return _in_order(samples, asked, rounds)
        probe = field.probe(points_at(rays, round.t, round.ray_of_sample))
        rounds.append((round, probe))
        depth, asked = pass_round(probe.density.detach(), round, depth, asked)
        size *= 2


def _in_order(
    samples: Samples, asked: Int[Tensor, "ray"], rounds: list[tuple[Round, Probe]]
) -> tuple[Samples, Probe]:
    """The first `asked` samples of each ray, one ray after another, and what the rounds found out about them."""
    kept = Samples(*first_samples(samples.t, samples.dt, samples.offsets, asked))
    if len(rounds) == 1:
        return kept, rounds[0][1]
    parts = [round for round, _ in rounds]
    density, *densities = (probe.density[:, None] for _, probe in rounds)
    carry, *carries = (probe.carry for _, probe in rounds)
    return kept, Probe(
        in_order(density, densities, parts, kept.offsets)[:, 0], in_order(carry, carries, parts, kept.offsets)
    )
