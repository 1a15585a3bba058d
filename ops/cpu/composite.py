"""The CPU cells of the ops on packed rays: C++ forward and backward behind one autograd function each."""

import torch

from .. import _cpu
from ..composite import (
    STOP,
    accumulate,
    check_accumulate,
    check_pass_through,
    check_ray_weights,
    check_take_rows,
    pass_through,
    ray_weights,
    take_rows,
)
from ..once_differentiable import once_differentiable
from ..visible_weights import VisibleWeights, check_visible_weights, visible_weights


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


class _VisibleWeights(torch.autograd.Function):
    @staticmethod
    def forward(ctx, density, t, dt, offsets, visible, stop):
        t, dt, offsets = t.detach().contiguous(), dt.detach().contiguous(), offsets.contiguous()
        weights, after = torch.empty_like(dt), torch.empty_like(dt)
        _cpu.ray_weights_forward(density.detach().contiguous(), dt, offsets, stop, weights, after)
        rows, weight_of_row = torch.empty(len(dt), dtype=torch.int64), torch.empty_like(dt)
        ends, sums = torch.empty(len(offsets), dtype=torch.int64), torch.empty(max(len(offsets) - 1, 0), 3)
        _cpu.find_visible(weights, t, offsets, visible, sums, ends, rows, weight_of_row)
        count = int(ends[-1])
        rows, weight_of_row = rows[:count], weight_of_row[:count].clone()
        ctx.save_for_backward(t, dt, offsets, weights, after, rows, ends)
        ctx.mark_non_differentiable(rows, ends)
        ctx.set_materialize_grads(False)
        return weights, rows, weight_of_row, ends, sums

    @staticmethod
    @once_differentiable("visible_weights")
    def backward(ctx, grad_weights, _rows, grad_of_row, _ends, grad_sums):
        t, dt, offsets, weights, after, rows, ends = (x.detach() for x in ctx.saved_tensors)
        asked = [None if g is None else g.contiguous() for g in (grad_weights, grad_of_row, grad_sums)]
        grad_density = torch.empty_like(dt)
        _cpu.visible_weights_backward(t, dt, offsets, weights, after, rows, ends, *asked, grad_density)
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


@visible_weights.kernel("cpu", torch.float32)
def _visible_weights(density, t, dt, offsets, visible, stop=STOP):
    check_visible_weights(density, t, dt, offsets, visible)
    return VisibleWeights(*_VisibleWeights.apply(density, t, dt, offsets, visible, stop))


@pass_through.kernel("cpu", torch.float32)
def _pass_through(density, t, dt, offsets, light, visible, stop=STOP):
    check_pass_through(density, t, dt, offsets, light=light, visible=visible)
    given = [x.detach().contiguous() for x in (density, t, dt, offsets)]
    light = light.detach().clone(memory_format=torch.contiguous_format)
    sums, ends = torch.empty(len(light), 3), torch.empty(len(light) + 1, dtype=torch.int64)
    rows = torch.empty(len(t), dtype=torch.int64)
    every, weights = torch.empty_like(t), torch.empty_like(t)
    _cpu.pass_through(*given, visible, stop, light, sums, every, ends, rows, weights)
    count = int(ends[-1])
    return rows[:count], weights[:count], ends, sums, light


@accumulate.kernel("cpu", torch.float32)
def _accumulate(values, weights, offsets):
    check_accumulate(values, weights, offsets)
    return _Accumulate.apply(values, weights, offsets)


@take_rows.kernel("cpu", torch.float32)
def _take_rows(values, rows):
    check_take_rows(values, rows)
    return _TakeRows.apply(values, rows)
