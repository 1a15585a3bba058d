"""Samples along rays in rounds, near to far: each round goes on where the one before it ended, along the rays through
which there is still something to see.

A round is packed as all samples are, by the rays that take part in it: their numbers, how many samples of each came
before, and where theirs begin in the round.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from .backend import Op
from .check import check_dtype, check_shape
from .composite import STOP


class Round(NamedTuple):
    """The next samples of some rays."""

    ray: Int64[Tensor, "taking_part"]
    before: Int64[Tensor, "taking_part"]
    ends: Int64[Tensor, "taking_part_1"]
    t: Float[Tensor, "m"]
    dt: Float[Tensor, "m"]
    ray_of_sample: Int64[Tensor, "m"]


def check_next_round(depth: Tensor, asked: Tensor, t: Tensor, dt: Tensor, offsets: Tensor) -> None:
    check_shape("next_round", "depth", depth, (None,))
    check_shape("next_round", "asked", asked, (len(depth),))
    check_shape("next_round", "t", t, (None,))
    check_shape("next_round", "dt", dt, (len(t),))
    check_shape("next_round", "offsets", offsets, (len(depth) + 1,))
    check_dtype("next_round", "asked", asked, torch.int64)
    check_dtype("next_round", "offsets", offsets, torch.int64)


def check_pass_round(density: Tensor, round: Round, depth: Tensor, asked: Tensor) -> None:
    check_shape("pass_round", "density", density, (len(round.dt),))
    check_shape("pass_round", "depth", depth, (None,))
    check_shape("pass_round", "asked", asked, (len(depth),))


def check_in_order(values: Sequence[Tensor], rounds: Sequence[Round], offsets: Tensor) -> None:
    if len(values) != len(rounds):
        raise ValueError("in_order: every round has its values.")
    for value, round in zip(values, rounds, strict=True):
        check_shape("in_order", "values", value, (len(round.t), values[0].shape[1]))
    if sum(map(len, values)) != int(offsets[-1]):
        raise ValueError("in_order: the rounds have all samples, each once.")


@Op
@torch.no_grad()
def next_round(
    depth: Float[Tensor, "rays"],
    asked: Int64[Tensor, "rays"],
    t: Float[Tensor, "n"],
    dt: Float[Tensor, "n"],
    offsets: Int64[Tensor, "rays_1"],
    most: int,
    stop: float = STOP,
) -> Round:
    """The next `most` samples, or as many as are left, of each ray of whose samples `asked` are known, if their optical
    `depth` leaves a transmittance exp(−depth) above `stop`. Raises ValueError if shapes do not fit, or if a ray was
    asked for more than it has."""
    check_next_round(depth, asked, t, dt, offsets)
    left = offsets.diff() - asked
    if bool((asked < 0).any()) or bool((left < 0).any()):
        raise ValueError("next_round: no ray was asked for more samples than it has.")
    ray = ((left > 0) & (depth < -math.log(stop))).nonzero()[:, 0]
    before = asked[ray]
    ends = torch.nn.functional.pad(left[ray].clamp_max(most).cumsum(0), (1, 0))
    rows = _rows_of(ends, offsets[ray] + before)
    return Round(ray, before, ends, t[rows], dt[rows], torch.repeat_interleave(ray, ends.diff()))


@Op
@torch.no_grad()
def pass_round(
    density: Float[Tensor, "m"], round: Round, depth: Float[Tensor, "rays"], asked: Int64[Tensor, "rays"]
) -> tuple[Float[Tensor, "rays"], Int64[Tensor, "rays"]]:
    """The optical depth of each ray behind a round, and how many of its samples are then known."""
    check_pass_round(density, round, depth, asked)
    through = torch.zeros_like(depth).index_add(0, round.ray_of_sample, density * round.dt)
    return depth + through, asked.index_add(0, round.ray, round.ends.diff())


@Op
@torch.no_grad()
def first_samples(
    t: Float[Tensor, "n"],
    dt: Float[Tensor, "n"],
    offsets: Int64[Tensor, "rays_1"],
    asked: Int64[Tensor, "rays"],
) -> tuple[Float[Tensor, "m"], Float[Tensor, "m"], Int64[Tensor, "m"], Int64[Tensor, "rays_1"]]:
    """The first samples of each ray, as many as were `asked`: t, dt, their rays, and where those of each ray begin."""
    ends = torch.nn.functional.pad(asked.cumsum(0), (1, 0))
    rows = _rows_of(ends, offsets[:-1])
    return t[rows], dt[rows], torch.repeat_interleave(asked), ends


@Op
def in_order(
    first: Float[Tensor, "m channel"],
    others: Sequence[Float[Tensor, "_ channel"]],
    rounds: Sequence[Round],
    offsets: Int64[Tensor, "rays_1"],
) -> Float[Tensor, "n channel"]:
    """What rounds found out about their samples, the `first` and the `others`, ray by ray: those of ray i are then at
    offsets[i] to offsets[i + 1]. Differentiable. Raises ValueError unless the rounds have all samples."""
    values = [first, *others]
    check_in_order(values, rounds, offsets)
    rows = torch.cat([_rows_of(round.ends, offsets[round.ray] + round.before) for round in rounds])
    joined = torch.cat(values)
    return torch.zeros_like(joined).index_copy(0, rows, joined)


def _rows_of(ends: Int64[Tensor, "some_1"], begin: Int64[Tensor, "some"]) -> Int64[Tensor, "m"]:
    """begin, begin + 1, … of each ray in turn, as many as `ends` leave it."""
    shift = torch.repeat_interleave(begin - ends[:-1], ends.diff())
    return torch.arange(len(shift), device=shift.device) + shift
