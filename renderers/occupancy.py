"""Samples only where something is: a grid of bits, kept up to date from the field while it is trained."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int, Int32, UInt8
from torch import Tensor, nn

from ..fields import Points
from ..ops import MarchGrid, ray_march, ray_march_on
from ..scenes import Domain, Rays
from .samples import Sampler, Samples, jitter, span
from .uniform import STEPS_PER_SIDE, march_grid

RESOLUTION = 128
DECAY = 0.7  # what remembered density loses at every visit
OPAQUE = 0.01  # opacity of one step from which on a cell is always kept (instant-ngp's threshold)


class OccupancyGrid(nn.Module, Sampler):
    """`resolution`³ cells over the domain's unit cube. A cell remembers the thickest it was lately, and is occupied if
    that is above the mean, or opaque; or as long as nobody has looked.

    Buffers travel with `state_dict`: `thickness`, the optical depth of one step through a cell (NaN before the first
    look), the packed `bits`, and how many cells were `visited`.
    """

    thickness: Float[Tensor, "cell"]
    bits: UInt8[Tensor, "byte"]
    visited: Int[Tensor, ""]

    def __init__(
        self, domain: Domain, resolution: int = RESOLUTION, steps_per_side: int = STEPS_PER_SIDE
    ) -> None:
        super().__init__()
        self.domain = domain
        self.resolution = resolution
        self.steps_per_side = steps_per_side
        self.grid = march_grid(domain, resolution, steps_per_side)
        self.register_buffer("thickness", torch.full((resolution**3,), torch.nan))
        self.register_buffer("bits", torch.full((resolution**3 // 8,), 255, dtype=torch.uint8))
        self.register_buffer("visited", torch.zeros((), dtype=torch.int64))
        self.restrict(torch.ones(resolution**3, dtype=torch.bool))

    def restrict(self, possible: Bool[Tensor, "cell"]) -> None:
        """From now on only these cells can be occupied: `update` visits no others."""
        cells = possible.nonzero()[:, 0]
        shuffle = torch.randperm(len(cells), generator=torch.Generator().manual_seed(0)).to(cells.device)
        self.order = cells[shuffle]
        self.thickness = torch.where(possible.to(self.thickness.device), self.thickness, 0)
        self.set_occupied(self.thickness != 0)

    def sample(self, rays: Rays, generator: torch.Generator | None) -> Samples:
        return self.march(rays, self.grid, generator)

    def march(self, rays: Rays, grid: MarchGrid, generator: torch.Generator | None) -> Samples:
        start = jitter(rays, generator)
        return Samples(*ray_march(rays.origins, rays.directions, span(rays), start, self.bits, grid))

    def next(
        self, rays: Rays, place: Int32[Tensor, "ray"], most: int
    ) -> tuple[Samples, Int32[Tensor, "ray"]]:
        return self.march_on(rays, self.grid, place, most)

    def march_on(
        self, rays: Rays, grid: MarchGrid, place: Int32[Tensor, "ray"], most: int
    ) -> tuple[Samples, Int32[Tensor, "ray"]]:
        *samples, place = ray_march_on(
            rays.origins, rays.directions, span(rays), self.bits, place, grid, most
        )
        return Samples(*samples), place

    @property
    def occupied(self) -> Bool[Tensor, "cell"]:
        return (self.bits[:, None] >> torch.arange(8, device=self.bits.device) & 1).bool().reshape(-1)

    def contains(self, position: Float[Tensor, "n xyz=3"]) -> Bool[Tensor, "n"]:
        """Whether the cell around each world position is occupied; outside the domain nothing is."""
        unit = self.domain.unit_from_world(position)
        x, y, z = (unit * self.resolution).long().clamp(0, self.resolution - 1).unbind(-1)
        cell = x + self.resolution * (y + self.resolution * z)
        bit = self.bits[cell // 8] >> (cell % 8) & 1
        return bit.bool() & ((unit >= 0) & (unit <= 1)).all(-1)

    @torch.no_grad()
    def update(
        self,
        density: Callable[[Points], Float[Tensor, "n"]],
        cells: int,
        generator: torch.Generator | None = None,
    ) -> None:
        """Visit the next `cells` cells, in an order that repeats only after all of them, and set the bits anew.

        A few cells at a time keep the grid fresh without ever holding training up.
        """
        if len(self.order) == 0:
            return
        turn = int(self.visited) + torch.arange(min(cells, len(self.order)), device=self.bits.device)
        cell = self.order[turn % len(self.order)]
        points = self._points(cell, generator)
        found = density(points) * self._step_at(points.position)
        self.thickness[cell] = torch.fmax(self.thickness[cell] * DECAY, found)  # fmax passes over NaN
        self.visited += len(cell)
        mean = self.thickness.nansum() / self.visited.clamp_max(len(self.order))
        self.set_occupied(~(self.thickness <= mean.clamp_max(OPAQUE)))

    def _step_at(self, position: Float[Tensor, "n xyz=3"]) -> Float[Tensor, "n"]:
        """The length of a march's steps there, for a camera in the middle of the box: far away they grow."""
        lo, hi = self.domain.corners(position)
        return ((position - (lo + hi) / 2).norm(dim=-1) * self.grid.cone).clamp_min(self.grid.step)

    def set_occupied(self, occupied: Bool[Tensor, "cell"]) -> None:
        place = 2 ** torch.arange(8, dtype=torch.uint8, device=self.bits.device)
        self.bits = (occupied.reshape(-1, 8) * place).sum(-1, dtype=torch.uint8)

    def _points(self, cell: Int[Tensor, "n"], generator: torch.Generator | None) -> Points:
        """A point in each cell, anywhere in it if there is a generator, else its centre."""
        device, n, size = cell.device, len(cell), self.resolution
        corner = torch.stack([cell % size, cell // size % size, cell // size**2], -1)
        inside, time = torch.full((n, 3), 0.5, device=device), torch.zeros(n, device=device)
        direction = torch.tensor([0.0, 0.0, 1.0], device=device).expand(n, 3)
        if generator is not None:
            inside.uniform_(generator=generator)
            time.uniform_(generator=generator)
            direction = torch.randn(n, 3, generator=generator, device=device)
        return Points(
            position=self.domain.world_from_unit((corner + inside) / size),
            direction=torch.nn.functional.normalize(direction, dim=-1),
            footprint=torch.zeros(n, device=device),
            time=time,
        )


@dataclass(frozen=True)
class LongerSteps(Sampler):
    """The same cells in steps `factor` times as long: a young field has no detail to miss."""

    occupancy: OccupancyGrid
    factor: float

    def sample(self, rays: Rays, generator: torch.Generator | None) -> Samples:
        return self.occupancy.march(rays, self.grid, generator)

    def next(
        self, rays: Rays, place: Int32[Tensor, "ray"], most: int
    ) -> tuple[Samples, Int32[Tensor, "ray"]]:
        return self.occupancy.march_on(rays, self.grid, place, most)

    @property
    def grid(self) -> MarchGrid:
        grid = self.occupancy.grid
        return dataclasses.replace(grid, step=grid.step * self.factor)
