"""Where a teacher is anything, as cells: what is occupied, the shell around that, and the rest."""

import dataclasses

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..fields.base import Occupied
from ..ops import cell_number, cell_place
from ..renderers import OccupancyConfig, OccupancyGrid, Sampler
from ..scenes import Domain
from ..scenes.cells import dilated
from ..train import TrainedField

LOOKS = 3  # at every cell that is left after the first, of a teacher that keeps no cells


class Space:
    """Cells of an occupancy grid: `occupied`, `shell` (beside an occupied one), `empty` (all others).

    Each is a list of cell numbers. Cells whose centre is not `allowed` belong to no shell.
    """

    def __init__(self, grid: OccupancyGrid, allowed: Occupied | None = None) -> None:
        self.grid = grid
        self.domain: Domain = grid.domain
        self.resolution = grid.resolution
        here = grid.occupied
        beside = (dilated(here) & ~here).nonzero()[:, 0]
        if allowed is not None:
            centre = (cell_place(beside, self.resolution) + 0.5) / self.resolution
            beside = beside[allowed(self.domain.world_from_unit(centre))]
        self.near = here.index_fill(0, beside, True)
        self.occupied, self.shell, self.empty = here.nonzero()[:, 0], beside, (~self.near).nonzero()[:, 0]

    def for_a_student(self) -> OccupancyGrid:
        """Wherever the teacher is and one cell further; a student is never looked for anywhere else."""
        config = dataclasses.replace(self.grid.config, resolution=self.resolution)
        grid = config.build(self.domain).to(self.grid.bits.device)
        grid.restrict(self.near)
        return grid

    def in_common(self, sampler: Sampler) -> float:
        """Of the cells that are occupied here or by a student's sampler, how many are so by both."""
        every = torch.arange(self.resolution**3, device=self.near.device)
        centre = (cell_place(every, self.resolution) + 0.5) / self.resolution
        ours, theirs = self.grid.occupied, sampler.contains(self.domain.world_from_unit(centre))
        return ((ours & theirs).sum() / (ours | theirs).sum()).item()

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


def cells_of(trained: TrainedField, generator: torch.Generator) -> OccupancyGrid:
    """Those that the field's sampler keeps; if it keeps none, those in which the field is found to be something."""
    sampler = trained.sampler
    if isinstance(sampler, OccupancyGrid):
        return sampler
    grid = cells_where(sampler.domain, sampler.contains, generator.device)
    grid.look_at_the_rest(trained.field.density, generator)
    for _ in range(LOOKS):
        grid.visit(trained.field.density, len(grid.order), generator)
    return grid


def cells_where(domain: Domain, contains: Occupied, device: torch.device) -> OccupancyGrid:
    """Cells that may hold something: at their centre, or at one of their corners."""
    grid = OccupancyConfig().build(domain).to(device)
    size = grid.resolution
    corners = _ask(domain, contains, torch.arange(size + 1, device=device) / size)
    there = _ask(domain, contains, (torch.arange(size, device=device) + 0.5) / size)
    for shift in range(8):
        x, y, z = shift & 1, shift >> 1 & 1, shift >> 2
        there |= corners[z : z + size, y : y + size, x : x + size]
    grid.restrict(there.reshape(-1))
    return grid


def _ask(domain: Domain, contains: Occupied, ticks: Float[Tensor, "n"]) -> Bool[Tensor, "n n n"]:
    """Slice by slice along z, at all places of a lattice over the unit cube."""
    y, x = torch.meshgrid(ticks, ticks, indexing="ij")
    slices = []
    for z in ticks:
        unit = torch.stack([x, y, z.expand_as(x)], -1).reshape(-1, 3)
        slices.append(contains(domain.world_from_unit(unit)).reshape(x.shape))
    return torch.stack(slices)
