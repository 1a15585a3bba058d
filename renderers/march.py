"""Steps through the cells of a domain's cube: what the samplers with a grid of bits have in common."""

import copy
import dataclasses

import torch
from jaxtyping import Float, Int32, UInt8
from torch import Tensor

from ..ops import MarchGrid, ray_march, ray_march_on
from ..scenes import Contraction, Domain, Outlook, Rays
from .sampler import Density, Sampler
from .samples import Samples

# Half as many where the box fills but half of the cube: two to a cell of 128, in either case.
STEPS_PER_SIDE = 256
# How fast steps grow with distance in an unbounded scene: beyond the box's side they pass four to a cell. Of as many
# samples half as fast is better than this one's double, and than its half: benchmarks/NOTES.md.
CONE = 1 / 64
MARCH_BOUNDS = {"steps_per_side": (1, 1 << 14), "cone": (1e-3, 0.5)}


def march_grid(domain: Domain, resolution: int, steps_per_side: int, cone: float = CONE) -> MarchGrid:
    """The march through a domain: steps of one length in a bounded box, growing with distance in an unbounded one."""
    step = domain.side / steps_per_side
    if isinstance(domain, Contraction):
        # Seen from the middle of the box, cells are longest along the view: half as many steps pass one well enough.
        growth = 2 * cone if isinstance(domain, Outlook) else cone
        return MarchGrid(domain.lo, domain.hi, True, resolution, 2 * step, growth)
    return MarchGrid(domain.lo, domain.hi, False, resolution, step, 0.0)


class March(Sampler):
    """Samples in the middle of steps, where the bit of their cell is set."""

    bits: UInt8[Tensor, "byte"]
    grid: MarchGrid

    def sample(self, density: Density, rays: Rays, generator: torch.Generator | None) -> Samples:
        del density  # the bits say where it is worth asking
        start = jitter(rays, generator)
        return Samples(*ray_march(rays.origins, rays.directions, span(rays), start, self.bits, self.grid))

    def next(
        self, density: Density, rays: Rays, place: Int32[Tensor, "ray"], most: int
    ) -> tuple[Samples, Int32[Tensor, "ray"]]:
        del density
        *samples, place = ray_march_on(
            rays.origins, rays.directions, span(rays), self.bits, place, self.grid, most
        )
        return Samples(*samples), place

    def step_at(self, distance: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
        return (distance * self.grid.cone).clamp_min(self.grid.step)

    def longer(self, factor: float) -> "March":
        march = copy.copy(self)  # through the same cells
        march.grid = dataclasses.replace(self.grid, step=self.grid.step * factor)
        return march


def jitter(rays: Rays, generator: torch.Generator | None) -> Float[Tensor, "ray"]:
    """How far into its first step each ray has its first sample."""
    if generator is None:
        return torch.full_like(rays.near, 0.5)
    return torch.rand(len(rays), generator=generator, device=rays.near.device)


def span(rays: Rays) -> Float[Tensor, "ray near_far=2"]:
    return torch.stack([rays.near, rays.far], -1)
