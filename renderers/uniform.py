"""Evenly spaced samples through a domain: no memory, no occupancy, for tests and for a field just made."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int32, UInt8
from torch import Tensor

from ..ops import MarchGrid, ray_march, ray_march_on
from ..scenes import Contraction, Domain, Rays
from .samples import Sampler, Samples, jitter, span

# Half as many where the box fills but half of the cube: two to a cell of 128, in either case.
STEPS_PER_SIDE = 256
CONE = 1 / 32  # how fast steps grow with distance in an unbounded scene


def march_grid(domain: Domain, resolution: int, steps_per_side: int) -> MarchGrid:
    """The march through a domain: steps of one length in a bounded box, growing with distance in an unbounded one."""
    step = domain.side / steps_per_side
    if isinstance(domain, Contraction):
        return MarchGrid(domain.lo, domain.hi, True, resolution, 2 * step, CONE)
    return MarchGrid(domain.lo, domain.hi, False, resolution, step, 0.0)


def step_at(grid: MarchGrid, distance: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    """How long the steps of a march are so far from the camera; world units."""
    return (distance * grid.cone).clamp_min(grid.step)


@dataclass(frozen=True)
class UniformSampler(Sampler):
    """Steps of a `steps_per_side`-th of the box's longest edge."""

    domain: Domain
    steps_per_side: int = STEPS_PER_SIDE

    def sample(self, rays: Rays, generator: torch.Generator | None) -> Samples:
        where = self._where(rays)
        return Samples(*ray_march(rays.origins, rays.directions, span(rays), jitter(rays, generator), *where))

    def next(
        self, rays: Rays, place: Int32[Tensor, "ray"], most: int
    ) -> tuple[Samples, Int32[Tensor, "ray"]]:
        everywhere, grid = self._where(rays)
        *samples, place = ray_march_on(
            rays.origins, rays.directions, span(rays), everywhere, place, grid, most
        )
        return Samples(*samples), place

    def _where(self, rays: Rays) -> tuple[UInt8[Tensor, "byte"], MarchGrid]:
        everywhere = torch.full((8**3 // 8,), 255, dtype=torch.uint8, device=rays.near.device)
        return everywhere, march_grid(self.domain, 8, self.steps_per_side)
