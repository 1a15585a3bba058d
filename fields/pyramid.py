"""A mip pyramid over sparse voxels: every coarser level is filtered from the finer one, inside the forward pass."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..ops import Parents, VoxelLayout, cell_number, coarser_voxels
from ..ops.voxel_lookup import SIDE
from .blocks import Blocks


class Pyramid:
    """The coarser levels of some blocks: which blocks they have, and how their values are made.

    A voxel is the mean of the 2×2×2 voxels it covers; where there is no block, they count as zero. The index
    of all levels, fine to coarse, is what `ops.voxel_lookup` takes.
    """

    def __init__(self, blocks: Blocks, levels: int) -> None:
        self.parents: list[Parents] = []  # of each level but the last
        sizes, indices, corners = [blocks.size], [blocks.index], blocks.corners()
        before = len(corners)  # blocks of the finer levels
        for _ in range(levels - 1):
            size = sizes[-1] // 2
            if size % SIDE:
                break
            octant, number, index = _coarser(corners, size // SIDE)
            self.parents.append(Parents(number * 8 + octant, int(index.max()) + 1))
            corners = corners.new_empty(self.parents[-1].blocks, 3).index_copy(0, number, corners // 2)
            sizes.append(size)
            indices.append(torch.where(index < 0, index, index + before))
            before += self.parents[-1].blocks
        self.layout = VoxelLayout(tuple(sizes))
        self.index = torch.cat(indices)

    def coarser(self, table: Float[Tensor, "row channel"]) -> Float[Tensor, "coarser_row channel"]:
        """The values of all levels but the finest, which is the table; differentiable."""
        return coarser_voxels(table, self.parents)


def _coarser(
    corners: Int[Tensor, "block xyz=3"], size: int
) -> tuple[Int[Tensor, "block"], Int[Tensor, "block"], Int[Tensor, "entry"]]:
    """Where each block lies in its parent, the parent's number, and the index of the parents."""
    place = cell_number(corners // 2, size)
    parents, number = place.unique(return_inverse=True)
    index = torch.full((size**3,), -1, dtype=torch.int32, device=corners.device)
    index[parents] = torch.arange(len(parents), dtype=torch.int32, device=corners.device)
    return cell_number(corners % 2, 2), number, index
