"""The CPU cell of dense grids: C++ forward and backward behind one autograd function."""

import torch

from .. import _cpu
from ..grid_lookup import GridLayout, grid_lookup
from ..kept_gradient import gradient_sink
from ..once_differentiable import once_differentiable


def _native(layout: GridLayout) -> "_cpu.GridLayout":
    grids = layout.grids
    return _cpu.GridLayout(
        [grid.axes for grid in grids], [grid.shape for grid in grids], [grid.slot for grid in grids]
    )


class _GridLookup(torch.autograd.Function):
    @staticmethod
    def forward(ctx, positions, table, layout):
        positions, table = positions.contiguous(), table.contiguous()
        ctx.save_for_backward(positions, table)
        ctx.layout = layout
        found = torch.empty(len(positions), layout.width)
        _cpu.grid_lookup_forward(_native(layout), positions.detach(), table.detach(), found)
        return found

    @staticmethod
    @once_differentiable("grid_lookup")
    def backward(ctx, grad_found):
        positions, table = ctx.saved_tensors
        native, grad_found = _native(ctx.layout), grad_found.contiguous()
        positions = positions.detach()
        grad_positions = grad_table = None
        if ctx.needs_input_grad[0]:
            grad_positions = torch.empty_like(positions)
            _cpu.grid_lookup_backward_positions(native, positions, table.detach(), grad_found, grad_positions)
        if ctx.needs_input_grad[1]:
            into, grad_table = gradient_sink(table)
            _cpu.grid_lookup_backward_table(native, positions, grad_found, into)
        return grad_positions, grad_table, None


@grid_lookup.kernel("cpu", torch.float32)
def _grid_lookup(positions, table, layout):
    layout.check(positions, table)
    return _GridLookup.apply(positions, table, layout)
