"""Where a teacher is anything, as cells: what is occupied, the shell around that, and the rest."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..renderers import OccupancyGrid
from ..scenes import Domain


class Space:
    """Cells of an occupancy grid: `occupied`, `shell` (beside an occupied one), `empty` (all others).

    Each is a list of cell numbers x + R·(y + R·z).
    """

    def __init__(self, occupancy: OccupancyGrid) -> None:
        self.domain: Domain = occupancy.domain
        self.resolution = occupancy.resolution
        here, near = occupancy.occupied, dilated(occupancy.occupied, occupancy.resolution)
        self.near = near
        self.occupied, self.shell, self.empty = (
            cells.nonzero()[:, 0] for cells in (here, near & ~here, ~near)
        )

    def points_in(
        self, cells: Int[Tensor, "cell"], count: int, generator: torch.Generator
    ) -> Float[Tensor, "n xyz=3"]:
        """World positions anywhere in some of the cells, all as likely; none where there are no cells."""
        if len(cells) == 0:
            return torch.empty(0, 3, device=cells.device)
        number = cells[torch.randint(len(cells), (count,), generator=generator, device=cells.device)]
        size = self.resolution
        corner = torch.stack([number % size, number // size % size, number // size**2], -1)
        inside = torch.rand(count, 3, generator=generator, device=cells.device)
        return self.domain.world_from_unit((corner + inside) / size)

    def is_near(self, position: Float[Tensor, "n xyz=3"]) -> Bool[Tensor, "n"]:
        """Whether world positions lie in an occupied cell or its shell; outside the domain nothing does."""
        unit = self.domain.unit_from_world(position)
        x, y, z = (unit * self.resolution).long().clamp(0, self.resolution - 1).unbind(-1)
        inside = ((unit >= 0) & (unit <= 1)).all(-1)
        return self.near[x + self.resolution * (y + self.resolution * z)] & inside


def dilated(occupied: Bool[Tensor, "cell"], resolution: int) -> Bool[Tensor, "cell"]:
    """Those cells and all 26 neighbours of each."""
    grid = occupied.reshape(1, *[resolution] * 3).to(torch.uint8)
    for axis in (1, 2, 3):  # a cube is a line along each axis in turn
        grid = grid | grid.roll(1, axis) | grid.roll(-1, axis)
    return grid.bool().reshape(-1)
