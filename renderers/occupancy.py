"""Samples only where something is: a grid of bits, kept up to date from the field while it is trained."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor, nn

from ..fields import Points
from ..ops import ray_march
from ..scenes import Domain, Rays
from .samples import Sampler, Samples, jitter
from .uniform import march_grid

RESOLUTION = 128
STEPS_PER_SIDE = 512
DECAY = 0.95  # what remembered density loses at every visit
OPAQUE = 0.01  # opacity of one step from which on a cell is always kept (instant-ngp's threshold)
SHUFFLE = 0x9E3779B1  # odd, so i ↦ i·SHUFFLE modulo 2^k visits every cell once, far from the one before


class OccupancyGrid(nn.Module, Sampler):
    """`resolution`³ cells over the domain's unit cube. A cell remembers the densest it was lately, and is occupied if
    that is above the mean, or opaque. It starts full.

    `resolution` is a power of two. Buffers travel with `state_dict`: `density` (per world unit) and the packed `bits`.
    """

    density: Float[Tensor, "cell"]
    bits: UInt8[Tensor, "byte"]

    def __init__(self, domain: Domain, resolution: int = RESOLUTION, steps_per_side: int = STEPS_PER_SIDE) -> None:
        super().__init__()
        self.domain = domain
        self.resolution = resolution
        self.steps_per_side = steps_per_side
        self.grid = march_grid(domain, resolution, domain.side / steps_per_side)
        self.register_buffer("density", torch.full((resolution**3,), OPAQUE / self.grid.step))
        self.register_buffer("bits", torch.full((resolution**3 // 8,), 255, dtype=torch.uint8))
        self.register_buffer("visited", torch.zeros((), dtype=torch.int64))

    def sample(self, rays: Rays, generator: torch.Generator | None) -> Samples:
        span = torch.stack([rays.near, rays.far], -1)
        return Samples(
            *ray_march(rays.origins, rays.directions, span, jitter(rays, generator), self.bits, self.grid)
        )

    @property
    def occupied(self) -> Bool[Tensor, "cell"]:
        return (self.bits[:, None] >> torch.arange(8, device=self.bits.device) & 1).bool().reshape(-1)

    @torch.no_grad()
    def update(
        self, density: Callable[[Points], Float[Tensor, "n"]], cells: int, generator: torch.Generator | None = None
    ) -> None:
        """Visit the next `cells` cells, in an order that repeats only after all of them, and set the bits anew.

        A little at every step keeps the grid fresh without ever holding training up.
        """
        turn = int(self.visited) + torch.arange(cells, device=self.bits.device)
        cell = turn * SHUFFLE % self.resolution**3
        found = density(self._points(cell, generator))
        self.density[cell] = torch.maximum(self.density[cell] * DECAY, found)
        self.visited += cells
        threshold = self.density.mean().clamp_max(OPAQUE / self.grid.step)
        self.set_occupied(self.density >= threshold)

    def set_occupied(self, occupied: Bool[Tensor, "cell"]) -> None:
        place = 2 ** torch.arange(8, dtype=torch.uint8, device=self.bits.device)
        self.bits = (occupied.reshape(-1, 8) * place).sum(-1, dtype=torch.uint8)

    def _points(self, cell: Int[Tensor, "n"], generator: torch.Generator | None) -> Points:
        """A point in each cell, anywhere in it if there is a generator, else its centre."""
        x, rest = cell % self.resolution, cell // self.resolution
        corner = torch.stack([x, rest % self.resolution, rest // self.resolution], -1)
        device, n = cell.device, len(cell)
        inside = torch.rand(n, 3, generator=generator, device=device) if generator else torch.full((n, 3), 0.5).to(cell.device)
        return Points(
            position=self.domain.world_from_unit((corner + inside) / self.resolution),
            direction=torch.tensor([0.0, 0.0, 1.0], device=device).expand(n, 3),
            footprint=torch.zeros(n, device=device),
            time=torch.rand(n, generator=generator, device=device) if generator else torch.zeros(n, device=device),
        )
