"""The coarser levels of sparse voxels, filtered from the finest: a mip pyramid in blocks of 8³."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .backend import Op
from .check import check_dtype, check_shape
from .voxel_lookup import BLOCK, SIDE

HALF = SIDE // 2


@dataclass(frozen=True)
class Parents:
    """Of the blocks of one level: where each lies in the next coarser one, which has so many `blocks`.

    A block fills an octant of its parent: `slots` are 8 · parent + x + 2·(y + 2·z), no two of them alike.
    """

    slots: Int[Tensor, "block"]
    blocks: int


@Op
def coarser_voxels(
    values: Float[Tensor, "row channel"], parents: Sequence[Parents]
) -> Float[Tensor, "coarser_row channel"]:
    """The rows of every coarser level, one level after the other (see `voxel_lookup` for how voxels are rows).

    V_{l+1} at a voxel is the mean of V_l over the 2×2×2 voxels that it covers; where there is no block they count as
    zero. `values` are those of the finest level. Raises ValueError where they do not have the blocks of the parents.
    """
    check_parents(values, parents)
    return _Coarser.apply(values, parents)


def check_parents(values: Tensor, parents: Sequence[Parents]) -> None:
    rows = [len(values), *(BLOCK * level.blocks for level in parents)]
    for below, level in zip(rows, parents, strict=False):
        check_shape("coarser_voxels", "slots", level.slots, (below // BLOCK,))
        check_dtype("coarser_voxels", "slots", level.slots, torch.int64)
    check_shape("coarser_voxels", "values", values, (None, None))
    if len(values) % BLOCK:
        raise ValueError(f"coarser_voxels: values has {len(values)} rows, but needs {BLOCK} for each block.")


class _Coarser(torch.autograd.Function):
    """Saves no tensors, so that one pyramid serves every lookup of a step, and more than one backward pass."""

    @staticmethod
    def forward(ctx, values, parents):
        ctx.parents, ctx.finest = parents, values.shape
        levels = [values]
        for level in parents:
            levels.append(_down(levels[-1], level))
        return torch.cat([values[:0], *levels[1:]])

    @staticmethod
    def backward(ctx, grad):
        finer = grad.split([BLOCK * level.blocks for level in ctx.parents])
        total = None
        for level, own in zip(reversed(ctx.parents), reversed(finer), strict=True):
            total = _up(own if total is None else total + own, level)
        return grad.new_zeros(ctx.finest) if total is None else total, None


def _down(fine: Float[Tensor, "row channel"], level: Parents) -> Float[Tensor, "coarser_row channel"]:
    channels = fine.shape[1]
    means = fine.reshape(-1, HALF, 2, HALF, 2, HALF, 2, channels).mean((2, 4, 6))
    octants = fine.new_zeros(level.blocks * 8, HALF, HALF, HALF, channels).index_copy(0, level.slots, means)
    z, y, x = 1, 2, 3
    split = octants.reshape(level.blocks, 2, 2, 2, HALF, HALF, HALF, channels)
    return split.permute(0, z, z + 3, y, y + 3, x, x + 3, 7).reshape(-1, channels)


def _up(coarse: Float[Tensor, "coarser_row channel"], level: Parents) -> Float[Tensor, "row channel"]:
    """The transpose of `_down`."""
    channels = coarse.shape[1]
    joined = coarse.reshape(-1, 2, HALF, 2, HALF, 2, HALF, channels)
    octants = joined.permute(0, 1, 3, 5, 2, 4, 6, 7).reshape(-1, HALF, HALF, HALF, channels)
    shared = octants.index_select(0, level.slots)[:, :, None, :, None, :, None] / 8
    return shared.expand(-1, -1, 2, -1, 2, -1, 2, -1).reshape(-1, channels)
