"""The CPU cell of sparse voxels: C++ forward and backward behind one autograd function."""

import torch

from .. import _cpu
from ..kept_gradient import gradient_sink
from ..once_differentiable import once_differentiable
from ..voxel_lookup import VoxelLayout, voxel_lookup


def _native(layout: VoxelLayout) -> "_cpu.VoxelLayout":
    return _cpu.VoxelLayout(layout.resolutions)


class _VoxelLookup(torch.autograd.Function):
    @staticmethod
    def forward(ctx, positions, level, values, coarser, index, layout):
        given = [x.contiguous() for x in (positions, level, values, coarser, index)]
        ctx.save_for_backward(*given)
        ctx.layout = layout
        found = torch.empty(len(positions), values.shape[1])
        _cpu.voxel_lookup_forward(_native(layout), *(x.detach() for x in given), found)
        return found

    @staticmethod
    @once_differentiable("voxel_lookup")
    def backward(ctx, grad_found):
        positions, level, values, coarser, index = ctx.saved_tensors
        native, grad_found = _native(ctx.layout), grad_found.contiguous()
        samples = (positions.detach(), level.detach())
        grad_positions = grad_values = grad_coarser = None
        if ctx.needs_input_grad[0]:
            grad_positions = torch.empty_like(samples[0])
            _cpu.voxel_lookup_backward_positions(
                native, *samples, values.detach(), coarser.detach(), index, grad_found, grad_positions
            )
        if ctx.needs_input_grad[2] or ctx.needs_input_grad[3]:
            into, grad_values = gradient_sink(values)
            grad_coarser = torch.zeros_like(coarser)
            _cpu.voxel_lookup_backward_values(native, *samples, index, grad_found, into, grad_coarser)
        return grad_positions, None, grad_values, grad_coarser, None, None


@voxel_lookup.kernel("cpu", torch.float32)
def _voxel_lookup(positions, level, values, index, layout, coarser=None):
    layout.check(positions, level, values, index, coarser)
    coarser = values.new_empty(0, values.shape[1]) if coarser is None else coarser
    return _VoxelLookup.apply(positions, level, values, coarser, index, layout)
