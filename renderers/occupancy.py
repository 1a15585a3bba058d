"""Samples only where something is: a grid of bits, kept up to date from the field while it is trained."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int, Int32, UInt8
from torch import Tensor, nn

from ..fields import Points
from ..ops import MarchGrid, cell_number, cell_place, ray_march, ray_march_on
from ..scenes import Domain, Rays
from ..scenes.cells import dilated, finer, packed, unpacked
from .samples import Sampler, Samples, jitter, span
from .uniform import STEPS_PER_SIDE, march_grid, step_at

RESOLUTION = 128
DECAY = 0.7  # what remembered density loses at every visit
OPAQUE = 0.01  # opacity of one step from which on a cell is always kept (instant-ngp's threshold)
MIDDLE = 0x00808080  # of a cell, at time 0
AT_ONCE = 1 << 18  # cells looked at by one call of a field


class OccupancyGrid(nn.Module, Sampler):
    """`resolution`³ cells over the domain's unit cube. A cell remembers the thickest it was lately, and where; it is
    occupied if that is above the mean, or opaque; or as long as nobody has looked.

    Buffers travel with `state_dict`: which cells are `possible`; `thickness`, the optical depth of one step through a
    cell (NaN before the first look), and the `place` where it was found: x, y, z and the time, a byte each; the packed
    `bits`; how many visits went to cells `in_turn`, and the occupied cell that is `next_again`.
    """

    possible: Bool[Tensor, "cell"]
    thickness: Float[Tensor, "cell"]
    place: Int32[Tensor, "cell"]
    bits: UInt8[Tensor, "byte"]
    in_turn: Int[Tensor, ""]
    next_again: Int[Tensor, ""]
    order: Int[Tensor, "possible"]

    def __init__(
        self, domain: Domain, resolution: int = RESOLUTION, steps_per_side: int = STEPS_PER_SIDE
    ) -> None:
        super().__init__()
        self.domain = domain
        self.steps_per_side = steps_per_side
        self._make(resolution)

    def _make(self, resolution: int, device: torch.device | None = None) -> None:
        """Full, and nobody has looked."""
        count = resolution**3
        self.resolution = resolution
        self.grid = march_grid(self.domain, resolution, self.steps_per_side)
        self.register_buffer("possible", torch.ones(count, dtype=torch.bool, device=device))
        self.register_buffer("thickness", torch.full((count,), torch.nan, device=device))
        self.register_buffer("place", torch.full((count,), MIDDLE, dtype=torch.int32, device=device))
        self.register_buffer("bits", torch.full((count // 8,), 255, dtype=torch.uint8, device=device))
        self.register_buffer("in_turn", torch.zeros((), dtype=torch.int64, device=device))
        self.register_buffer("next_again", torch.zeros((), dtype=torch.int64, device=device))
        self.register_buffer("order", _shuffled(self.possible), persistent=False)

    def restrict(self, possible: Bool[Tensor, "cell"]) -> None:
        """From now on only these cells can be occupied: `update` visits no others."""
        self.possible = possible.to(self.bits.device)
        self.order = _shuffled(self.possible)
        self.thickness = torch.where(self.possible, self.thickness, 0)
        self.set_occupied(self.thickness != 0)

    def refine(self) -> None:
        """Go on with cells of half the side. In and around occupied ones nobody has looked; others are as they were."""
        device = self.bits.device
        unknown = finer(dilated(self.occupied) & self.possible, 2)
        possible, thickness = finer(self.possible, 2), finer(self.thickness, 2)
        self._make(2 * self.resolution, device)
        self.restrict(possible)
        self.thickness = torch.where(unknown, torch.nan, thickness)
        self.set_occupied(unknown)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False):
        """Of a grid of any resolution over the same domain."""
        resolution = round(len(state_dict["possible"]) ** (1 / 3))
        if resolution != self.resolution:
            self._make(resolution, self.bits.device)
        keys = super().load_state_dict(state_dict, strict, assign)
        self.order = _shuffled(self.possible)
        return keys

    def sample(self, rays: Rays, generator: torch.Generator | None) -> Samples:
        start = jitter(rays, generator)
        return Samples(*ray_march(rays.origins, rays.directions, span(rays), start, self.bits, self.grid))

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
        return unpacked(self.bits)

    def set_occupied(self, occupied: Bool[Tensor, "cell"]) -> None:
        self.bits = packed(occupied)

    @property
    def sweeps(self) -> float:
        """How many visits in turn there were to each cell."""
        return int(self.in_turn) / max(len(self.order), 1)

    @property
    def looked_at(self) -> int:
        """How many of the possible cells anybody has looked at, or at a larger one around them in which was nothing."""
        return len(self.order) - int(self.thickness.isnan().count_nonzero())

    def contains(self, position: Float[Tensor, "n xyz=3"]) -> Bool[Tensor, "n"]:
        """Whether the cell around each world position is occupied; outside the domain nothing is."""
        unit = self.domain.unit_from_world(position)
        cell = cell_number((unit * self.resolution).long().clamp(0, self.resolution - 1), self.resolution)
        bit = self.bits[cell // 8] >> (cell % 8) & 1
        return bit.bool() & ((unit >= 0) & (unit <= 1)).all(-1)

    @torch.no_grad()
    def update(
        self,
        density: Callable[[Points], Float[Tensor, "n"]],
        cells: int,
        generator: torch.Generator | None = None,
    ) -> None:
        """Visit `cells` cells and set the bits anew.

        Half of the visits go to occupied cells, as in instant-ngp, and ask again at the place where the matter was
        found: a surface that fills but a little of its cell is not forgotten because other places are empty. The others
        go to all cells in an order that repeats only after all of them, and ask at any place. A few cells at a time
        keep the grid fresh without ever holding training up.
        """
        if len(self.order) == 0:
            return
        again = self._next_occupied(cells // 2)
        turn = int(self.in_turn) + torch.arange(
            min(cells - len(again), len(self.order)), device=self.bits.device
        )
        self.in_turn += len(turn)
        self._visit(density, (again, self.order[turn % len(self.order)]), generator)
        self._set_bits()

    @torch.no_grad()
    def look_at_the_rest(
        self, density: Callable[[Points], Float[Tensor, "n"]], generator: torch.Generator | None = None
    ) -> None:
        """Visit all cells that nobody has looked at: they count as occupied, and would be marched through for ever."""
        rest = self.thickness.isnan().nonzero()[:, 0]
        if len(rest):
            for cell in rest.split(AT_ONCE):
                self._visit(density, (cell[:0], cell), generator)
            self._set_bits()

    def _next_occupied(self, count: int) -> Int[Tensor, "n"]:
        """The next occupied cells in the order of their numbers, none of them twice."""
        first, total = int(self.next_again), len(self.possible)
        occupied, found = self.occupied, []
        for part in torch.cat([occupied[first:], occupied[:first]]).split(-(-total // 4)):
            found.append((part.nonzero()[:, 0] + first) % total)
            first, count = first + len(part), count - len(found[-1])
            if count <= 0:
                break
        cell = torch.cat(found)
        cell = cell[: len(cell) + min(count, 0)]
        if len(cell):
            self.next_again.copy_((cell[-1] + 1) % total)
        return cell

    def _visit(
        self,
        density: Callable[[Points], Float[Tensor, "n"]],
        cells: tuple[Int[Tensor, "again"], Int[Tensor, "in_turn"]],
        generator: torch.Generator | None,
    ) -> None:
        """Ask cells again where something was found, if ever, and others at any place."""
        cell, device = torch.cat(cells), self.bits.device
        place = self.place[cell]
        if generator is not None:
            anywhere = torch.randint(
                -(1 << 31), 1 << 31, place.shape, generator=generator, dtype=torch.int32, device=device
            )
            known = (torch.arange(len(cell), device=device) < len(cells[0])) & ~self.thickness[cell].isnan()
            place = torch.where(known, place, anywhere)
        points = self._points(cell, place, generator)
        found = density(points) * self._step_at(points.position)
        parts = [len(each) for each in cells]  # a cell may be in both, and is visited twice then
        for each in zip(cells, place.split(parts), found.split(parts), strict=True):
            self._remember(*each)

    def _remember(self, cell: Int[Tensor, "n"], place: Int32[Tensor, "n"], found: Float[Tensor, "n"]) -> None:
        before = self.thickness[cell] * DECAY
        self.thickness[cell] = torch.fmax(before, found)  # fmax passes over NaN
        self.place[cell] = torch.where(before >= found, self.place[cell], place)

    def _set_bits(self) -> None:
        mean = self.thickness.nansum() / max(self.looked_at, 1)
        self.set_occupied(~(self.thickness <= mean.clamp_max(OPAQUE)))

    def _step_at(self, position: Float[Tensor, "n xyz=3"]) -> Float[Tensor, "n"]:
        """The length of a march's steps there, for a camera in the middle of the box: far away they grow."""
        lo, hi = self.domain.corners(position)
        return step_at(self.grid, (position - (lo + hi) / 2).norm(dim=-1))

    def _points(
        self, cell: Int[Tensor, "n"], place: Int32[Tensor, "n"], generator: torch.Generator | None
    ) -> Points:
        """Points at places in cells, seen from anywhere if there is a generator."""
        size = self.resolution
        x, y, z, time = (place >> shift & 255 for shift in (0, 8, 16, 24))
        corner = cell_place(cell, size)
        # On no wall of the cell: rounding would put it into the next one.
        inside = torch.stack([x, y, z], -1).clamp_min(1) / 256
        direction = torch.tensor([0.0, 0.0, 1.0], device=cell.device).expand(len(cell), 3)
        if generator is not None:
            direction = torch.randn(len(cell), 3, generator=generator, device=cell.device)
        return Points(
            position=self.domain.world_from_unit((corner + inside) / size),
            direction=torch.nn.functional.normalize(direction, dim=-1),
            footprint=torch.zeros(len(cell), device=cell.device),
            time=time / 255,
        )


def _shuffled(possible: Bool[Tensor, "cell"]) -> Int[Tensor, "n"]:
    """The cells that are possible, in an order that is always the same."""
    cells = possible.nonzero()[:, 0]
    return cells[torch.randperm(len(cells), generator=torch.Generator().manual_seed(0)).to(cells.device)]


@dataclass(frozen=True)
class LongerSteps(Sampler):
    """The same cells in steps `factor` times as long: a young field has no detail to miss."""

    occupancy: OccupancyGrid
    factor: float

    def sample(self, rays: Rays, generator: torch.Generator | None) -> Samples:
        start, bits = jitter(rays, generator), self.occupancy.bits
        return Samples(*ray_march(rays.origins, rays.directions, span(rays), start, bits, self.grid))

    def next(
        self, rays: Rays, place: Int32[Tensor, "ray"], most: int
    ) -> tuple[Samples, Int32[Tensor, "ray"]]:
        return self.occupancy.march_on(rays, self.grid, place, most)

    @property
    def grid(self) -> MarchGrid:
        grid = self.occupancy.grid
        return dataclasses.replace(grid, step=grid.step * self.factor)
