"""The CPU cells of the ops on packed rays: C++ forward and backward behind one autograd function each."""

import torch

from .. import _cpu
from ..composite import (
    STOP,
    accumulate,
    check_accumulate,
    check_pass_through,
    check_ray_rows,
    check_ray_sums,
    check_ray_weights,
    check_take_rows,
    pass_through,
    ray_rows,
    ray_sums,
    ray_weights,
    take_rows,
)
from ..once_differentiable import once_differentiable


class _RayWeights(torch.autograd.Function):
    @staticmethod
    def forward(ctx, density, dt, offsets, stop):
        dt, offsets = dt.detach().contiguous(), offsets.contiguous()
        weights, after = torch.empty_like(dt), torch.empty_like(dt)
        _cpu.ray_weights_forward(density.detach().contiguous(), dt, offsets, stop, weights, after)
        ctx.save_for_backward(dt, offsets, weights, after)
        return weights

    @staticmethod
    @once_differentiable("ray_weights")
    def backward(ctx, grad_weights):
        dt, offsets, weights, after = ctx.saved_tensors
        grad_density = torch.empty_like(dt)
        _cpu.ray_weights_backward(
            dt, offsets, weights.detach(), after, grad_weights.contiguous(), grad_density
        )
        return grad_density, None, None, None


class _RaySums(torch.autograd.Function):
    @staticmethod
    def forward(ctx, density, t, dt, offsets, visible, stop):
        given = [x.detach().contiguous() for x in (density, t, dt, offsets)]
        _, t, dt, offsets = given
        light, after = torch.ones(max(len(offsets) - 1, 0)), torch.empty_like(t)
        every, rows, weights, ends, sums = _passed(given, light, after, visible, stop)
        ctx.save_for_backward(t, dt, offsets, every, after, ends, rows)
        ctx.mark_non_differentiable(rows, ends)
        return every, rows, weights, ends, sums

    @staticmethod
    @once_differentiable("ray_sums")
    def backward(ctx, grad_every, _rows, grad_weights, _ends, grad_sums):
        t, dt, offsets, every, after, ends, rows = ctx.saved_tensors
        grad_density = torch.empty_like(t)
        _cpu.ray_sums_backward(
            t,
            dt,
            offsets,
            every.detach(),
            after,
            ends,
            rows,
            grad_every.contiguous(),
            grad_weights.contiguous(),
            grad_sums.contiguous(),
            grad_density,
        )
        return grad_density, None, None, None, None, None


class _Accumulate(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values, weights, offsets):
        values, weights = values.detach().contiguous(), weights.detach().contiguous()
        offsets = offsets.contiguous()
        ctx.save_for_backward(values, weights, offsets)
        sums = torch.empty(max(len(offsets) - 1, 0), values.shape[1])
        _cpu.accumulate_forward(values, weights, offsets, sums)
        return sums

    @staticmethod
    @once_differentiable("accumulate")
    def backward(ctx, grad_sums):
        values, weights, offsets = ctx.saved_tensors
        grad_sums = grad_sums.contiguous()
        grad_values = grad_weights = None
        if ctx.needs_input_grad[0]:
            grad_values = torch.empty_like(values)
            _cpu.accumulate_backward_values(weights, offsets, grad_sums, grad_values)
        if ctx.needs_input_grad[1]:
            grad_weights = torch.empty_like(weights)
            _cpu.accumulate_backward_weights(values, offsets, grad_sums, grad_weights)
        return grad_values, grad_weights, None


class _TakeRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values, rows):
        rows = rows.contiguous()
        ctx.save_for_backward(rows)
        ctx.count = len(values)
        taken = torch.empty(len(rows), values.shape[1])
        _cpu.take_rows_forward(values.detach().contiguous(), rows, taken)
        return taken

    @staticmethod
    @once_differentiable("take_rows")
    def backward(ctx, grad_taken):
        (rows,) = ctx.saved_tensors
        grad_values = torch.empty(ctx.count, grad_taken.shape[1])
        _cpu.take_rows_backward(grad_taken.contiguous(), rows, grad_values)
        return grad_values, None


@ray_weights.kernel("cpu", torch.float32)
def _ray_weights(density, dt, offsets, stop=STOP):
    check_ray_weights(density, dt, offsets)
    return _RayWeights.apply(density, dt, offsets, stop)


@pass_through.kernel("cpu", torch.float32)
def _pass_through(density, t, dt, offsets, light, visible, stop=STOP):
    check_pass_through(density, t, dt, offsets, light=light, visible=visible)
    given = [x.detach().contiguous() for x in (density, t, dt, offsets)]
    light = light.detach().clone(memory_format=torch.contiguous_format)
    return *_passed(given, light, torch.empty(0), visible, stop)[1:], light


def _passed(given, light, after, visible, stop):
    """The weights of all samples, and the first four results of `pass_through`; `given` is density, t, dt and offsets,
    and `light` is changed in place."""
    t = given[1]
    sums, ends = torch.empty(len(light), 3), torch.empty(len(light) + 1, dtype=torch.int64)
    rows = torch.empty(len(t), dtype=torch.int64)
    every, weights = torch.empty_like(t), torch.empty_like(t)
    _cpu.pass_through(*given, visible, stop, light, sums, every, ends, rows, weights, after)
    count = int(ends[-1])
    return every, rows[:count], weights[:count], ends, sums


@ray_sums.kernel("cpu", torch.float32)
def _ray_sums(density, t, dt, offsets, visible, stop=STOP):
    check_ray_sums(density, t, dt, offsets, visible=visible)
    return _RaySums.apply(density, t, dt, offsets, visible, stop)


@accumulate.kernel("cpu", torch.float32)
def _accumulate(values, weights, offsets):
    check_accumulate(values, weights, offsets)
    return _Accumulate.apply(values, weights, offsets)


@ray_rows.kernel("cpu", torch.int64)
def _ray_rows(begin, ends):
    check_ray_rows(begin, ends)
    begin, ends = begin.contiguous(), ends.contiguous()
    rows = torch.empty(max(int(ends[-1]), 0) if len(ends) else 0, dtype=torch.int64)
    _cpu.ray_rows(begin, ends, rows)
    return rows


@take_rows.kernel("cpu", torch.float32)
def _take_rows(values, rows):
    check_take_rows(values, rows)
    return _TakeRows.apply(values, rows)
