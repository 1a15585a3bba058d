"""The CPU cells of rounds along rays: of each ray a piece is copied, and no sample has a number."""

import math

import torch

from .. import _cpu
from ..composite import STOP
from ..once_differentiable import once_differentiable
from ..rounds import (
    Round,
    check_in_order,
    check_next_round,
    check_pass_round,
    first_samples,
    in_order,
    next_round,
    pass_round,
)


@next_round.kernel("cpu", torch.float32)
def _next_round(depth, asked, t, dt, offsets, most, stop=STOP):
    check_next_round(depth, asked, t, dt, offsets)
    depth, asked, t, dt, offsets = (x.detach().contiguous() for x in (depth, asked, t, dt, offsets))
    rays = len(depth)
    ray, before, ends = (torch.empty(rays + extra, dtype=torch.int64) for extra in (0, 0, 1))
    found = _cpu.next_round_find(depth, asked, offsets, len(t), most, -math.log(stop), ray, before, ends)
    ray, before, ends = ray[:found], before[:found], ends[: found + 1]
    count = int(ends[-1])
    round = Round(
        ray, before, ends, torch.empty(count), torch.empty(count), torch.empty(count, dtype=torch.int64)
    )
    _cpu.next_round_fill(t, dt, offsets, *round)
    return round


@pass_round.kernel("cpu", torch.float32)
def _pass_round(density, round, depth, asked):
    check_pass_round(density, round, depth, asked)
    depth, asked = (x.detach().clone(memory_format=torch.contiguous_format) for x in (depth, asked))
    _cpu.pass_round(density.detach().contiguous(), round.dt, round.ray, round.ends, depth, asked)
    return depth, asked


@first_samples.kernel("cpu", torch.float32)
def _first_samples(t, dt, offsets, asked):
    ends = torch.nn.functional.pad(asked.cumsum(0), (1, 0))
    count = int(ends[-1])
    found = (torch.empty(count), torch.empty(count), torch.empty(count, dtype=torch.int64))
    _cpu.first_samples(t.contiguous(), dt.contiguous(), offsets.contiguous(), ends, *found)
    return *found, ends


class _InOrder(torch.autograd.Function):
    @staticmethod
    def forward(ctx, rounds, offsets, *values):
        ctx.rounds, ctx.offsets = rounds, offsets
        ordered = torch.empty(sum(map(len, values)), values[0].shape[1])
        for round, value in zip(rounds, values, strict=True):
            _cpu.put_round(value.detach().contiguous(), round.ray, round.before, round.ends, offsets, ordered)
        return ordered

    @staticmethod
    @once_differentiable("in_order")
    def backward(ctx, grad):
        grad, gradients = grad.contiguous(), []
        for round in ctx.rounds:
            gradients.append(torch.empty(len(round.t), grad.shape[1]))
            _cpu.take_round(grad, round.ray, round.before, round.ends, ctx.offsets, gradients[-1])
        return None, None, *gradients


@in_order.kernel("cpu", torch.float32)
def _in_order(first, others, rounds, offsets):
    values = [first, *others]
    check_in_order(values, rounds, offsets)
    return _InOrder.apply(rounds, offsets.contiguous(), *values)
