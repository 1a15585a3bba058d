"""Voxels stored in blocks of 8³, only where something is: what the voxel field and Mip-VoG share."""

from itertools import product

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..ops import VoxelLayout, cell_number, cell_place, voxel_lookup
from ..ops.voxel_lookup import BLOCK, SIDE
from ..scenes import Domain
from .base import Occupied
from .grids import some_rows, take_rows_of

EMPTY = -7.0  # log density where there is no block
FOG = 4.0  # above that at the beginning of a training
# Where a block is asked whether it is occupied, in voxels of its own.
LATTICE = (-0.5, 0.5, 2.5, 4.5, 6.5, 8.5)
CHUNK = 1 << 20  # voxels that are resampled at once


class Blocks(nn.Module):
    """Which blocks of a grid of `resolution`³ voxels there are. Rows of the owner's tables are voxels, block by block.

    `index` has the number of each block in the order of `cell_number`, or −1. At the beginning there are all of them.
    """

    index: Int[Tensor, "block"]
    resolution: Int[Tensor, ""]

    def __init__(self, resolution: int) -> None:
        super().__init__()
        index = torch.empty((resolution // SIDE) ** 3, dtype=torch.int32)
        if not index.is_meta:  # which has no values, and with which torch would take a second to find out
            torch.arange(len(index), out=index)
        self.register_buffer("index", index)
        self.register_buffer("resolution", torch.tensor(resolution))
        self.size = resolution  # the same as a number: asking the buffer would wait for a GPU

    @property
    def layout(self) -> VoxelLayout:
        return VoxelLayout((self.size,))

    @property
    def rows(self) -> int:
        return BLOCK * (int(self.index.max()) + 1)

    def lookup(self, unit: Float[Tensor, "n xyz=3"], table: Float[Tensor, "row channel"]) -> Tensor:
        return voxel_lookup(unit, torch.zeros_like(unit[:, 0]), table, self.index, self.layout)

    def corners(self) -> Int[Tensor, "block xyz=3"]:
        """Position of each block in the grid of blocks, in the order of their numbers."""
        place = self.index.new_empty(self.rows // BLOCK, dtype=torch.int64)
        (there,) = (self.index >= 0).nonzero(as_tuple=True)
        place[self.index[there].long()] = there
        return cell_place(place, self.size // SIDE)

    @torch.no_grad()
    def refine(
        self, domain: Domain, occupied: Occupied, tables: list[Tensor], most_blocks: int
    ) -> tuple["Blocks", list[Tensor]]:
        """Blocks at twice the resolution where something is occupied, and the tables' values at their voxels.

        If that were more than `most_blocks`, the resolution stays, and only empty blocks go.
        """
        corners = self.corners()
        finer = (2 * corners[:, None] + corners.new_tensor(list(product((0, 1), repeat=3)))).reshape(-1, 3)
        kept, size = finer[is_occupied(finer, 2 * self.size, domain, occupied)], 2 * self.size
        if len(kept) > most_blocks:
            kept, size = corners[is_occupied(corners, self.size, domain, occupied)], self.size
        kept = kept if len(kept) else finer[:1]  # an empty field is a field too
        blocks = Blocks(SIDE).to(self.index.device)
        blocks.size = size
        blocks.resolution.fill_(size)
        blocks.index = torch.full(((size // SIDE) ** 3,), -1, dtype=torch.int32, device=self.index.device)
        numbers = torch.arange(len(kept), dtype=torch.int32, device=self.index.device)
        blocks.index[cell_number(kept, size // SIDE)] = numbers
        return blocks, [self._resampled(table, kept, size) for table in tables]

    def _resampled(self, table: Tensor, corners: Int[Tensor, "block xyz=3"], size: int) -> Tensor:
        inside = cell_place(torch.arange(BLOCK, device=table.device), SIDE)
        parts = []
        for some in corners.split(CHUNK // BLOCK):
            voxel = (SIDE * some[:, None] + inside).reshape(-1, 3)
            parts.append(self.lookup((voxel + 0.5) / size, table))
        return torch.cat(parts)

    def take_shape_of(self, index: Int[Tensor, "block"], resolution: Int[Tensor, ""]) -> int:
        """Become saved blocks, and say how many rows they have. Raises ValueError if their numbers or their grid make
        no sense."""
        if index.dtype != torch.int32 or index.ndim != 1 or resolution.dtype != torch.int64:
            raise ValueError(f"blocks are counted in {index.dtype} of shape {tuple(index.shape)}")
        size = int(resolution)
        if size <= 0 or size % SIDE or len(index) != (size // SIDE) ** 3:
            raise ValueError(f"an index of {len(index)} blocks is none of {size}³ voxels")
        numbers = index[index >= 0].sort().values
        counted = torch.arange(len(numbers), dtype=torch.int32, device=numbers.device)
        if not torch.equal(numbers, counted) or bool((index < -1).any()):
            raise ValueError("the index does not count its blocks")
        self.size = size
        self.index = index.to(self.index.device, copy=True)
        return BLOCK * len(numbers)


def check_resolution(tag: str, resolution: int) -> None:
    """Raises ValueError unless whole blocks fill a configuration's coarsest grid."""
    if resolution % SIDE:
        raise ValueError(
            f"The setting coarsest_resolution of the {tag} field must be a multiple of {SIDE}, not {resolution}."
        )


def is_occupied(corners: Int[Tensor, "block xyz=3"], size: int, domain: Domain, occupied: Occupied) -> Tensor:
    """Of each block whether anything within it, or a voxel beside it, may be occupied."""
    lattice = torch.tensor(list(product(LATTICE, repeat=3)), device=corners.device)
    answers = []
    for some in corners.split(CHUNK // len(lattice)):
        unit = ((SIDE * some[:, None] + lattice) / size).clamp(0, 1)
        world = domain.world_from_unit(unit.reshape(-1, 3))
        answers.append(occupied(world).reshape(len(some), -1).any(-1))
    return torch.cat(answers)


def block_variation(
    table: Float[Tensor, "row channel"], generator: torch.Generator | None
) -> Float[Tensor, ""]:
    """Mean squared difference of voxels to the next ones within their block, summed over the axes (Plenoxels' TV)."""
    rows = some_rows(0, len(table), generator, table.device)
    here, total = take_rows_of(table, rows), torch.zeros((), device=table.device, dtype=table.dtype)
    for stride in (1, SIDE, SIDE**2):
        beyond = torch.where(rows // stride % SIDE < SIDE - 1, rows + stride, rows)
        total = total + (take_rows_of(table, beyond) - here).square().mean()
    return total
