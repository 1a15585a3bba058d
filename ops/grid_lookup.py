"""Dense grids over some of the axes, interpolated linearly: the lines and planes of factored fields, and volumes.

Chan et al. 2022 (arXiv 2112.07945) add three planes, Chen et al. 2022 (TensoRF, arXiv 2203.09517) multiply planes with
lines, Fridovich-Keil et al. 2023 (K-Planes, arXiv 2301.10241) use planes of several sizes: what is done with the
values is theirs, to look them up is done here, for all grids at once.
"""

import itertools
import math
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from .backend import Op
from .check import check_shape

MOST_CHANNELS = 64


@dataclass(frozen=True)
class Grid:
    """One dense grid: `shape` nodes along `axes` of x, y, z = 0, 1, 2, the first of these fastest in memory.

    Its values are columns slot · C … (slot + 1) · C of what is looked up; grids of the same slot are added.
    Raises ValueError for axes that are not one to three different ones, or fewer than two nodes along one.
    """

    axes: tuple[int, ...]
    shape: tuple[int, ...]
    slot: int

    def __post_init__(self) -> None:
        if not self.axes or len(set(self.axes)) != len(self.axes) or not set(self.axes) <= {0, 1, 2}:
            raise ValueError(f"Grid: the axes are one to three different ones of 0, 1, 2, not {self.axes}.")
        if len(self.shape) != len(self.axes) or min(self.shape) < 2:
            raise ValueError(
                f"Grid: at least 2 nodes are needed along each of {self.axes}, not {self.shape}."
            )

    @property
    def nodes(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class GridLayout:
    """Grids of `channels` values per node, stored one after the other in one table of rows.

    Raises ValueError for no grids at all, for slots that are not 0, 1, … without a gap, and for channels beyond
    1 to 64.
    """

    grids: tuple[Grid, ...]
    channels: int

    def __post_init__(self) -> None:
        used = {grid.slot for grid in self.grids}
        if not used or used != set(range(len(used))):
            raise ValueError(f"GridLayout: slots count from 0 without a gap, not {sorted(used)}.")
        if not 1 <= self.channels <= MOST_CHANNELS:
            raise ValueError(f"GridLayout: channels is 1 to {MOST_CHANNELS}, not {self.channels}.")

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """First row of each grid, and at the end the number of rows of the whole table."""
        return tuple(itertools.accumulate((grid.nodes for grid in self.grids), initial=0))

    @property
    def rows(self) -> int:
        return self.offsets[-1]

    @cached_property
    def slots(self) -> int:
        return max(grid.slot for grid in self.grids) + 1

    @property
    def width(self) -> int:
        """Length of what is looked up: slots · channels."""
        return self.slots * self.channels

    def check(self, positions: Tensor, table: Tensor) -> None:
        check_shape("grid_lookup", "positions", positions, (None, 3))
        if tuple(table.shape) != (self.rows, self.channels):
            raise ValueError(
                f"grid_lookup: the table has shape {tuple(table.shape)}, "
                f"but this layout needs ({self.rows}, {self.channels})."
            )


@Op
def grid_lookup(
    positions: Float[Tensor, "n xyz=3"], table: Float[Tensor, "row channel"], layout: GridLayout
) -> Float[Tensor, "n slot_channel"]:
    """Values of all grids, (bi-, tri-)linearly interpolated, slot-major, at positions in the unit cube.

    Along an axis of R nodes, node i lies at i / (R − 1): p = x·(R − 1), the cell is min(⌊p⌋, R − 2), and the weights
    come from p − cell. Node (i, j, k) of a grid of shape (R, S, T) is its row i + R·(j + S·k). Positions are clamped
    to the cube, and what is no number counts as 0. Raises ValueError if the positions are not triples or the table
    does not fit the layout.
    """
    layout.check(positions, table)
    inside = positions.nan_to_num(0).clamp(0, 1)
    values = [torch.zeros(len(positions), layout.channels).to(table) for _ in range(layout.slots)]
    for grid, first in zip(layout.grids, layout.offsets, strict=False):
        values[grid.slot] = values[grid.slot] + _interpolate(inside, table, grid, first)
    return torch.cat(values, -1)


def _interpolate(
    inside: Float[Tensor, "n xyz=3"], table: Float[Tensor, "row channel"], grid: Grid, first: int
) -> Float[Tensor, "n channel"]:
    shape = torch.tensor(grid.shape, device=inside.device)
    strides = torch.tensor(
        [math.prod(grid.shape[:axis]) for axis in range(len(grid.shape))], device=inside.device
    )
    p = inside[:, grid.axes] * (shape - 1)
    cell = p.detach().floor().clamp(max=shape - 2)  # the last node belongs to the last cell
    fraction = p - cell
    value = torch.zeros(len(p), table.shape[1]).to(table)
    for corner in itertools.product((0, 1), repeat=len(grid.axes)):
        offset = torch.tensor(corner, device=p.device)
        weight = torch.where(offset.bool(), fraction, 1 - fraction).prod(-1, keepdim=True)
        value = value + weight * table[first + ((cell.long() + offset) * strides).sum(-1)]
    return value
