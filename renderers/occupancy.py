"""Samples only where something is: a grid of bits, kept up to date from the field while it is trained."""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float, Int, Int32, UInt8
from torch import Tensor

from ..fields.stored import check_fit
from ..ops import cell_number, next_set, occupied_bits
from ..scenes import Box, Domain
from ..scenes.cells import dilated, finer, packed, unpacked
from ..scenes.hull import COARSEST
from .cell_visits import MIDDLE, points_in, shuffled_cells
from .march import CONE, MARCH_BOUNDS, STEPS_PER_SIDE, March, march_grid
from .sampler import Density, Moment, Possible, check_within

DECAY = 0.7  # what remembered density loses at every visit
OPAQUE = 0.01  # opacity of one step from which on a cell is always kept (instant-ngp's threshold)
AT_ONCE = 1 << 18  # cells looked at by one call of a field
REFRESH = 8  # steps between two looks
# Where no silhouette rules anything out every cell has to be looked at before empty ones are passed over. Of 128³ cells
# that took 2,000 steps of `cam`: so there are few at first, and finer ones after so many visits to each.
SWEEPS = 4
# Steps before the first look. What is above the mean of a field that has learned nothing is chance, or far away, where
# steps are long: looked at from the first step on, a scene of photographs lost half a decibel.
FIRST_LOOK = 64
MOST_VISITS = 1 << 62


@dataclass(frozen=True)
class OccupancyConfig:
    """`resolution`³ cells over the domain's cube, a power of two; steps of a `steps_per_side`-th of the box's longest
    edge, which in an unbounded scene grow to `cone` times the distance. `looking`: how many densities are asked for the
    grid's sake, as a share of a training's samples."""

    tag: ClassVar[str] = "occupancy"
    resolution: int = 128
    steps_per_side: int = STEPS_PER_SIDE
    cone: float = CONE
    looking: float = 0.25

    def __post_init__(self) -> None:
        # Each cell is a bit in a file, but 24 bytes in memory.
        check_within(self, {"resolution": (8, 256), "looking": (0.0, 16.0), **MARCH_BOUNDS})
        if self.resolution & (self.resolution - 1):
            raise ValueError(
                "The setting resolution of the occupancy sampler must be 8, 16, 32, 64, 128 or 256, "
                f"not {self.resolution}."
            )

    def build(self, domain: Domain) -> "OccupancyGrid":
        return OccupancyGrid(domain, self)


class OccupancyGrid(March):
    """`resolution`³ cells over the domain's unit cube. A cell remembers the thickest it was lately, and where; it is
    occupied if that is above the mean, or opaque; or as long as nobody has looked.

    Buffers travel with `state_dict`: which cells are `possible`; `thickness`, the optical depth of one step through a
    cell (NaN before the first look), and the `place` where it was found: x, y, z and the time, a byte each; the packed
    `bits`; how many visits went to cells `in_turn`, and the occupied cell that is `next_again`.
    """

    config: OccupancyConfig
    possible: Bool[Tensor, "cell"]
    thickness: Float[Tensor, "cell"]
    place: Int32[Tensor, "cell"]
    bits: UInt8[Tensor, "byte"]
    in_turn: Int[Tensor, ""]
    next_again: Int[Tensor, ""]

    shuffled: Int[Tensor, "possible"] | None

    def __init__(self, domain: Domain, config: OccupancyConfig) -> None:
        super().__init__(domain, config)
        self._make(config.resolution)

    def _make(self, resolution: int, device: torch.device | None = None) -> None:
        """Full, and nobody has looked."""
        count, config = resolution**3, self.config
        self.resolution = resolution  # now: in a training that of the configuration may come later
        self.grid = march_grid(self.domain, resolution, config.steps_per_side, config.cone)
        self.register_buffer("possible", torch.ones(count, dtype=torch.bool, device=device))
        self.register_buffer("thickness", torch.full((count,), torch.nan, device=device))
        self.register_buffer("place", torch.full((count,), MIDDLE, dtype=torch.int32, device=device))
        self.register_buffer("bits", torch.full((count // 8,), 255, dtype=torch.uint8, device=device))
        self.register_buffer("in_turn", torch.zeros((), dtype=torch.int64, device=device))
        self.register_buffer("next_again", torch.zeros((), dtype=torch.int64, device=device))
        self.shuffled = None

    def begin(self, possible: Possible) -> None:
        """All cells that silhouettes leave; where they rule nothing out, coarse ones to begin with."""
        coarsest, device = min(COARSEST, self.config.resolution), self.bits.device
        cells = possible(coarsest)
        if not isinstance(self.domain, Box) or bool(cells.all()):
            self._make(coarsest, device)
        else:
            # The coarse ones count as well: there may have been enough before any finer one was asked for.
            factor = self.config.resolution // coarsest
            cells = possible(self.config.resolution) & finer(cells, factor)
        self.restrict(cells)

    def update(self, density: Density, moment: Moment, generator: torch.Generator) -> None:
        """Keep the cells fresh by a few visits, and go on with finer ones once these are known."""
        if moment.step % REFRESH or moment.step < FIRST_LOOK:
            return
        self.visit(density, round(REFRESH * self.config.looking * moment.samples), generator)
        if self.resolution < self.config.resolution and self.sweeps >= SWEEPS:
            self.refine()
            self.look_at_the_rest(density, generator)

    def settled(self, density: Density, generator: torch.Generator) -> "OccupancyGrid":
        """Without a cell that nobody has looked at: a file would keep it as occupied for ever."""
        if self.looked_at == len(self.order):
            return self
        grid = copy.deepcopy(self)
        grid.look_at_the_rest(density, generator)
        return grid

    def facts(self) -> dict[str, str]:
        return {"cells_looked_at": f"{self.looked_at:,} of {len(self.order):,} possible ones"}

    def restrict(self, possible: Bool[Tensor, "cell"]) -> None:
        """From now on only these cells can be occupied: `visit` goes to no others."""
        self.possible = possible.to(self.bits.device)
        self.shuffled = None
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
        self.shuffled = None
        return keys

    def check(self, state: Mapping[str, Tensor]) -> None:
        cells = self._resolution_of(len(state["possible"])) ** 3
        scale = cells / len(self.possible)
        wanted = {
            name: torch.empty([round(scale * side) for side in own.shape], dtype=own.dtype, device="meta")
            for name, own in self.state_dict().items()
        }
        check_fit(wanted, state)
        for name, most in (("in_turn", MOST_VISITS), ("next_again", cells - 1)):
            if not 0 <= int(state[name]) <= most:
                raise ValueError(f"{name} is {int(state[name])}, not a whole number from 0 to {most}")

    def stored_state(self) -> dict[str, Tensor]:
        return {"bits": self.bits}

    def load_stored_state(self, stored: Mapping[str, Tensor]) -> None:
        bits = stored["bits"]
        resolution = self._resolution_of(8 * len(bits))
        check_fit({"bits": torch.empty(resolution**3 // 8, dtype=torch.uint8)}, stored)
        self._make(resolution, bits.device)
        self.bits = bits

    def _resolution_of(self, cells: int) -> int:
        """Of a grid of so many cells, which may not be as fine yet as its configuration says. Raises ValueError for one
        that this can never have been."""
        resolution = self.config.resolution
        while resolution**3 > cells and resolution > COARSEST:
            resolution //= 2
        if resolution**3 != cells:
            raise ValueError(f"the occupancy has {cells} cells, and not {self.config.resolution}³")
        return resolution

    @property
    def occupied(self) -> Bool[Tensor, "cell"]:
        return unpacked(self.bits)

    def set_occupied(self, occupied: Bool[Tensor, "cell"]) -> None:
        self.bits = packed(occupied)

    @property
    def occupied_share(self) -> float:
        return self.occupied.float().mean().item()

    @property
    def order(self) -> Int[Tensor, "possible"]:
        """The possible cells as they are visited in turn. Made when it is first asked for: who only looks at a field
        does not wait until two million cells are shuffled."""
        if self.shuffled is None or self.shuffled.device != self.bits.device:
            self.shuffled = shuffled_cells(self.possible)
        return self.shuffled

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
        cell = self._cell_at(unit)
        bit = self.bits[cell // 8] >> (cell % 8) & 1
        return bit.bool() & ((unit >= 0) & (unit <= 1)).all(-1)

    def only_around(self, seen: Iterable[Float[Tensor, "n xyz=3"]]) -> "OccupancyGrid":
        """Without the cells that are neither at one of these places nor within two cells of it."""
        there = torch.zeros_like(self.possible)
        for position in seen:
            there[self._cell_at(self.domain.unit_from_world(position))] = True
        grid = copy.deepcopy(self)
        grid.set_occupied(self.occupied & dilated(dilated(there)))
        return grid

    def _cell_at(self, unit: Float[Tensor, "n xyz=3"]) -> Int[Tensor, "n"]:
        return cell_number((unit * self.resolution).long().clamp(0, self.resolution - 1), self.resolution)

    @torch.no_grad()
    def visit(self, density: Density, cells: int, generator: torch.Generator | None = None) -> None:
        """Visit `cells` cells and set the bits anew.

        Half of the visits go to occupied cells, as in instant-ngp, and ask again at the place where the matter was
        found: a surface that fills but a little of its cell is not forgotten because other places are empty. The others
        go to all cells in an order that repeats only after all of them, and ask at any place. A few cells at a time
        keep the grid fresh without ever holding training up.
        """
        if len(self.order) == 0:
            return
        again = next_set(self.bits, int(self.next_again), cells // 2)
        if len(again):
            self.next_again.copy_((again[-1] + 1) % len(self.possible))
        turn = int(self.in_turn) + torch.arange(
            min(cells - len(again), len(self.order)), device=self.bits.device
        )
        self.in_turn += len(turn)
        self._ask(density, (again, self.order[turn % len(self.order)]), generator)
        self._set_bits()

    @torch.no_grad()
    def look_at_the_rest(self, density: Density, generator: torch.Generator | None = None) -> None:
        """Visit all cells that nobody has looked at: they count as occupied, and would be marched through for ever."""
        rest = self.thickness.isnan().nonzero()[:, 0]
        if len(rest):
            for cell in rest.split(AT_ONCE):
                self._ask(density, (cell[:0], cell), generator)
            self._set_bits()

    def _ask(
        self,
        density: Density,
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
        points = points_in(cell, place, self.domain, size=self.resolution, generator=generator)
        found = density(points) * self._step_around(points.position)
        parts = [len(each) for each in cells]  # a cell may be in both, and is visited twice then
        for each in zip(cells, place.split(parts), found.split(parts), strict=True):
            self._remember(*each)

    def _remember(self, cell: Int[Tensor, "n"], place: Int32[Tensor, "n"], found: Float[Tensor, "n"]) -> None:
        before = self.thickness[cell] * DECAY
        self.thickness[cell] = torch.fmax(before, found)  # fmax passes over NaN
        self.place[cell] = torch.where(before >= found, self.place[cell], place)

    def _set_bits(self) -> None:
        self.bits = occupied_bits(self.thickness, len(self.order), OPAQUE)

    def _step_around(self, position: Float[Tensor, "n xyz=3"]) -> Float[Tensor, "n"]:
        """The length of a march's steps there, for a camera in the middle of the box: far away they grow."""
        lo, hi = self.domain.corners(position)
        return self.step_at((position - (lo + hi) / 2).norm(dim=-1))
