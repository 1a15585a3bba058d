"""A mip pyramid over sparse voxels: every coarser level is filtered from the finer one, inside the forward pass."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..ops import VoxelLayout
from .blocks import ROWS, SIDE, Blocks, flat

HALF = SIDE // 2


class Pyramid:
    """The coarser levels of some blocks: which blocks they have, and how their values are made.

    A voxel is the mean of the 2×2×2 voxels it covers; where there is no block, they count as zero. The index
    of all levels, fine to coarse, is what `ops.voxel_lookup` takes.
    """

    def __init__(self, blocks: Blocks, levels: int) -> None:
        self.steps: list[tuple[Int[Tensor, "block"], int]] = []  # octant of the coarser level, and its blocks
        sizes, indices, corners = [blocks.size], [blocks.index], blocks.corners()
        before = len(corners)  # blocks of the finer levels
        for _ in range(levels - 1):
            size = sizes[-1] // 2
            if size % SIDE:
                break
            octant, number, index = _coarser(corners, size // SIDE)
            self.steps.append((number * 8 + octant, int(index.max()) + 1))
            corners = corners.new_empty(self.steps[-1][1], 3).index_copy(0, number, corners // 2)
            sizes.append(size)
            indices.append(torch.where(index < 0, index, index + before))
            before += self.steps[-1][1]
        self.layout = VoxelLayout(tuple(sizes))
        self.index = torch.cat(indices)

    def values(self, table: Float[Tensor, "row channel"]) -> Float[Tensor, "all_rows channel"]:
        """The values of every level, one after the other, finest first; differentiable with respect to the finest."""
        return _Filtered.apply(table, self.steps)

    @property
    def coarser_rows(self) -> int:
        return ROWS * sum(blocks for _, blocks in self.steps)


def _coarser(
    corners: Int[Tensor, "block xyz=3"], size: int
) -> tuple[Int[Tensor, "block"], Int[Tensor, "block"], Int[Tensor, "entry"]]:
    """Where each block lies in its parent, the parent's number, and the index of the parents."""
    x, y, z = (corners % 2).unbind(-1)
    place = flat(corners // 2, size)
    parents, number = place.unique(return_inverse=True)
    index = torch.full((size**3,), -1, dtype=torch.int32, device=corners.device)
    index[parents] = torch.arange(len(parents), dtype=torch.int32, device=corners.device)
    return x + 2 * (y + 2 * z), number, index


def _down(fine: Tensor, octants: Int[Tensor, "block"], blocks: int) -> Tensor:
    channels = fine.shape[1]
    total = fine
    # Pairs along x, then y, then z: strides that vectors like, unlike a mean over all.
    for below in (1, HALF, HALF**2):
        pairs = total.reshape(-1, 2, below, channels)
        total = pairs[:, 0] + pairs[:, 1]
    means = (total / 8).reshape(-1, HALF, HALF, HALF, channels)
    coarse = fine.new_zeros(blocks * 8, HALF, HALF, HALF, channels).index_copy_(0, octants, means)
    z, y, x = 1, 2, 3
    split = coarse.reshape(blocks, 2, 2, 2, HALF, HALF, HALF, channels)
    return split.permute(0, z, z + 3, y, y + 3, x, x + 3, 7).reshape(-1, channels)


def _up(coarse: Tensor, octants: Int[Tensor, "block"]) -> Tensor:
    """The transpose of `_down`."""
    channels = coarse.shape[1]
    joined = coarse.reshape(-1, 2, HALF, 2, HALF, 2, HALF, channels)
    split = joined.permute(0, 1, 3, 5, 2, 4, 6, 7).reshape(-1, HALF, HALF, HALF, channels)
    shared = split.index_select(0, octants) / 8
    for below in (HALF**2, HALF, 1):
        shared = shared.reshape(-1, 1, below, channels).expand(-1, 2, -1, -1).reshape(-1, channels)
    return shared


class _Filtered(torch.autograd.Function):
    """Saves no tensors, so that one pyramid serves every lookup of a step, and more than one backward pass."""

    @staticmethod
    def forward(ctx, table, steps):
        ctx.steps = steps
        levels = [table]
        for octants, blocks in steps:
            levels.append(_down(levels[-1], octants, blocks))
        return torch.cat(levels)

    @staticmethod
    def backward(ctx, grad):
        sizes = [ROWS * len(octants) for octants, _ in ctx.steps]
        sizes.append(len(grad) - sum(sizes))
        *finer, total = grad.split(sizes)
        for (octants, _), level in zip(reversed(ctx.steps), reversed(finer), strict=True):
            total = _up(total, octants).add_(level)
        return total, None
