"""Sparse voxels in blocks of 8³, with a pyramid of coarser levels: looked up trilinearly, and between levels."""

import itertools
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .backend import Op
from .cell_order import cell_number
from .check import check_dtype, check_shape

SIDE = 8  # voxels along an edge of a block
BLOCK = SIDE**3
MOST_CHANNELS = 64


@dataclass(frozen=True)
class VoxelLayout:
    """`resolutions`: voxels per axis of each level, from fine to coarse, each a multiple of 8.

    Raises ValueError for no level, and for a resolution that is not a positive multiple of 8.
    """

    resolutions: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.resolutions or any(r < SIDE or r % SIDE for r in self.resolutions):
            raise ValueError(f"VoxelLayout: resolutions are multiples of {SIDE}, not {self.resolutions}.")

    @property
    def levels(self) -> int:
        return len(self.resolutions)

    @cached_property
    def blocks_per_axis(self) -> tuple[int, ...]:
        return tuple(resolution // SIDE for resolution in self.resolutions)

    @cached_property
    def index_offsets(self) -> tuple[int, ...]:
        """First entry of each level in the index, and at the end the number of entries of the whole index."""
        return tuple(itertools.accumulate((blocks**3 for blocks in self.blocks_per_axis), initial=0))

    @property
    def entries(self) -> int:
        return self.index_offsets[-1]

    def check(
        self, positions: Tensor, level: Tensor, values: Tensor, index: Tensor, coarser: Tensor | None
    ) -> None:
        check_shape("voxel_lookup", "positions", positions, (None, 3))
        check_shape("voxel_lookup", "level", level, (len(positions),))
        check_shape("voxel_lookup", "index", index, (self.entries,))
        check_dtype("voxel_lookup", "index", index, torch.int32)
        check_shape("voxel_lookup", "values", values, (None, None))
        for name, rows in {"values": values, "coarser": values if coarser is None else coarser}.items():
            if len(rows) % BLOCK or not 1 <= values.shape[1] <= MOST_CHANNELS:
                raise ValueError(
                    f"voxel_lookup: {name} has shape {tuple(rows.shape)}, but needs {BLOCK} rows for each block "
                    f"and 1 to {MOST_CHANNELS} columns."
                )
            check_shape("voxel_lookup", name, rows, (None, values.shape[1]))

    def check_index(self, values: Tensor, index: Tensor, coarser: Tensor | None) -> None:
        """Raises ValueError where the index names a block that is not there, or belongs to other levels."""
        if coarser is None or len(coarser) == 0:
            return _check_numbers(index, 0, len(values) // BLOCK)
        finest, total = len(values) // BLOCK, (len(values) + len(coarser)) // BLOCK
        _check_numbers(index[: self.index_offsets[1]], 0, finest)
        _check_numbers(index[self.index_offsets[1] :], finest, total)


def _check_numbers(index: Tensor, first: int, last: int) -> None:
    numbers = index[index != -1]
    if len(numbers) and (numbers.min() < first or numbers.max() >= last):
        raise ValueError(
            f"voxel_lookup: index names blocks {int(numbers.min())} to {int(numbers.max())}, "
            f"but must be −1 (no block) or {first} to {last - 1}."
        )


@Op
def voxel_lookup(
    positions: Float[Tensor, "n xyz=3"],
    level: Float[Tensor, "n"],
    values: Float[Tensor, "row channel"],
    index: Int[Tensor, "entry"],
    layout: VoxelLayout,
    coarser: Float[Tensor, "coarser_row channel"] | None = None,
) -> Float[Tensor, "n channel"]:
    """Values of sparse voxels at positions in the unit cube, on levels of a pyramid: Σ_l max(0, 1 − |λ − l|)·V_l(x).

    λ is `level`, clamped to 0 … levels − 1, so that at most two levels have a share. V_l interpolates trilinearly
    between the centres of R³ voxels, voxel i at (i + ½) / R; beyond the outermost centres they are continued as
    constants, and positions are clamped to the cube; what is no number counts as 0.

    Voxels are stored in blocks of 8³: of the block (bx, by, bz), B = R/8 to an axis, index[index_offsets[l] + bx +
    B·(by + B·bz)] is the number, or −1 where there is none and its voxels are zero; its voxel
    (x, y, z) is row number·512 + x + 8·(y + 8·z) of `values`; or of both one after the other, where `values` holds the
    finest level alone and `coarser` all others. Gradients go to positions, values and coarser, none to level.
    Raises ValueError if shapes do not fit, or the index names a block that is not there.
    """
    layout.check(positions, level, values, index, coarser)
    layout.check_index(values, index, coarser)
    values = values if coarser is None else torch.cat([values, coarser])
    inside = positions.nan_to_num(0).clamp(0, 1)
    on_level = level.detach().nan_to_num(0).clamp(0, layout.levels - 1)
    found = torch.zeros(len(positions), values.shape[1]).to(values)
    for step, resolution in enumerate(layout.resolutions):
        share = (1 - (on_level - step).abs()).clamp(min=0)
        (rows,) = share.nonzero(as_tuple=True)
        numbers = index[layout.index_offsets[step] : layout.index_offsets[step + 1]]
        value = _interpolate(inside[rows], values, numbers, resolution)
        found = found.index_add(0, rows, share[rows, None] * value)
    return found


def _interpolate(
    inside: Float[Tensor, "n xyz=3"],
    values: Float[Tensor, "row channel"],
    numbers: Int[Tensor, "block"],
    r: int,
) -> Float[Tensor, "n channel"]:
    p = inside * r - 0.5
    cell = p.detach().floor()
    fraction = p - cell
    value = torch.zeros(len(p), values.shape[1]).to(values)
    for corner in itertools.product((0, 1), repeat=3):
        offset = torch.tensor(corner, device=p.device)
        weight = torch.where(offset.bool(), fraction, 1 - fraction).prod(-1)
        row = _rows((cell.long() + offset).clamp(0, r - 1), numbers, r // SIDE)
        (there,) = (row >= 0).nonzero(as_tuple=True)
        value = value.index_add(0, there, weight[there, None] * values[row[there]])
    return value


def _rows(voxel: Int[Tensor, "n xyz=3"], numbers: Int[Tensor, "block"], blocks: int) -> Int[Tensor, "n"]:
    """Row of each voxel; negative where its block is not there."""
    block = numbers[cell_number(voxel // SIDE, blocks)]
    return block.long() * BLOCK + cell_number(voxel % SIDE, SIDE)
