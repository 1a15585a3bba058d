"""Where a teacher is anything, as cells: what is occupied, the shell around that, and the rest."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..fields.base import Occupied
from ..ops import cell_number, cell_place
from ..renderers import OccupancyGrid
from ..scenes import Domain
from ..scenes.cells import dilated


class Space:
    """Cells of an occupancy grid: `occupied`, `shell` (beside an occupied one), `empty` (all others).

    Each is a list of cell numbers. Cells whose centre is not `allowed` belong to no shell.
    """

    def __init__(self, occupancy: OccupancyGrid, allowed: Occupied | None = None) -> None:
        self.domain: Domain = occupancy.domain
        self.resolution = occupancy.resolution
        here = occupancy.occupied
        beside = (dilated(here) & ~here).nonzero()[:, 0]
        if allowed is not None:
            centre = (cell_place(beside, self.resolution) + 0.5) / self.resolution
            beside = beside[allowed(self.domain.world_from_unit(centre))]
        self.near = here.index_fill(0, beside, True)
        self.occupied, self.shell, self.empty = here.nonzero()[:, 0], beside, (~self.near).nonzero()[:, 0]

    def points_in(
        self, cells: Int[Tensor, "cell"], count: int, generator: torch.Generator
    ) -> Float[Tensor, "n xyz=3"]:
        """World positions anywhere in some of the cells, all as likely; none where there are no cells."""
        if len(cells) == 0:
            return torch.empty(0, 3, device=cells.device)
        number = cells[torch.randint(len(cells), (count,), generator=generator, device=cells.device)]
        inside = torch.rand(count, 3, generator=generator, device=cells.device)
        return self.domain.world_from_unit((cell_place(number, self.resolution) + inside) / self.resolution)

    def is_near(self, position: Float[Tensor, "n xyz=3"]) -> Bool[Tensor, "n"]:
        """Whether world positions lie in an occupied cell or its shell; outside the domain nothing does."""
        unit = self.domain.unit_from_world(position)
        cell = cell_number((unit * self.resolution).long().clamp(0, self.resolution - 1), self.resolution)
        inside = ((unit >= 0) & (unit <= 1)).all(-1)
        return self.near[cell] & inside
