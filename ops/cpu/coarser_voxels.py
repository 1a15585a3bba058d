"""The CPU cell of `coarser_voxels`."""

import torch

from .. import _cpu
from ..coarser_voxels import check_parents, coarser_voxels
from ..kept_gradient import gradient_sink
from ..once_differentiable import once_differentiable
from ..voxel_lookup import BLOCK


class _CoarserVoxels(torch.autograd.Function):
    """Saves no tensors, as the reference: more than one backward pass may go through one pyramid."""

    @staticmethod
    def forward(ctx, values, parents):
        ctx.parents, ctx.values = parents, values
        rows = [BLOCK * level.blocks for level in parents]
        coarser = torch.zeros(sum(rows), values.shape[1])
        below = values.detach().contiguous()
        for level, of_level in zip(parents, coarser.split(rows), strict=True):
            _cpu.coarser_voxels_forward(level.slots, below, of_level)
            below = of_level
        return coarser

    @staticmethod
    @once_differentiable("coarser_voxels")
    def backward(ctx, grad):
        values, rows = ctx.values, [BLOCK * level.blocks for level in ctx.parents]
        into, grad_values = gradient_sink(values)
        sums = [into, *grad.clone(memory_format=torch.contiguous_format).split(rows)]
        for number in reversed(range(len(rows))):
            _cpu.coarser_voxels_backward(ctx.parents[number].slots, sums[number + 1], sums[number])
        return grad_values, None


@coarser_voxels.kernel("cpu", torch.float32)
def _coarser_voxels(values, parents):
    check_parents(values, parents)
    return _CoarserVoxels.apply(values, parents)
