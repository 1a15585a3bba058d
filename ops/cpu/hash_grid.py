"""The hash grid's CPU cell: C++ forward and backward behind one autograd function."""

import torch

from .. import _cpu
from ..hash_grid import HashGridLayout, hash_grid
from ..kept_gradient import gradient_sink
from ..once_differentiable import once_differentiable


def _native(layout: HashGridLayout) -> "_cpu.HashGridLayout":
    return _cpu.HashGridLayout(layout.scales, layout.resolutions, layout.offsets)


class _HashGrid(torch.autograd.Function):
    @staticmethod
    def forward(ctx, positions, table, layout):
        positions, table = positions.contiguous(), table.contiguous()
        ctx.save_for_backward(positions, table)
        ctx.layout = layout
        encoded = torch.empty(len(positions), layout.width)
        _cpu.hash_grid_forward(_native(layout), positions.detach(), table.detach(), encoded)
        return encoded

    @staticmethod
    @once_differentiable("hash_grid")
    def backward(ctx, grad_encoded):
        positions, table = ctx.saved_tensors
        native, grad_encoded = _native(ctx.layout), grad_encoded.contiguous()
        grad_positions = grad_table = None
        if ctx.needs_input_grad[0]:
            grad_positions = torch.empty_like(positions)
            _cpu.hash_grid_backward_positions(native, positions, table.detach(), grad_encoded, grad_positions)
        if ctx.needs_input_grad[1]:
            into, grad_table = gradient_sink(table)
            _cpu.hash_grid_backward_table(native, positions, grad_encoded, into)
        return grad_positions, grad_table, None


@hash_grid.kernel("cpu", torch.float32)
def _hash_grid(positions, table, layout):
    layout.check(positions, table)
    return _HashGrid.apply(positions, table, layout)
