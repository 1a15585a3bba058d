"""Where rays of the training cameras end in a field, and the density from which on a place counts as its surface."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from ..ops import one_thread_of_torch
from ..renderers import Samples, Trace, VolumeRenderer
from ..scenes import Rays
from ..scenes.camera_groups import camera_count, rays_in_frame
from ..scenes.columns import joined
from ..scenes.crop import Crop
from ..train.field_file import TrainedField
from .points import SOLID

RAYS = 1 << 14
AT_ONCE = 1 << 11
LEVELS = 64
MET = 0.95  # of the rays that end, how many have to meet the surface
SHARES = (0.25, 0.5, 0.75)  # of what a ray loses, and where it has lost so much
FOG = 0.1  # of the crop's longest edge: over more than that no surface absorbs half of the light


@dataclass(frozen=True)
class Ends:
    """Rays that end, the distance at which half of the light that they had is absorbed, and the density, per world
    unit, that the median ray first meets there."""

    rays: Rays
    distance: Float[Tensor, "ray"]
    level: float

    def places(self, share: float = 1.0) -> Float[Tensor, "ray xyz=3"]:
        """At a share of the way from the cameras."""
        return self.rays.origins + (share * self.distance)[:, None] * self.rays.directions


def at_time(rays: Rays, time: float | None) -> Rays:
    """Rays at one moment; at their own where None is given."""
    return rays if time is None else replace(rays, time=torch.full_like(rays.time, time))


@one_thread_of_torch()
@torch.no_grad()
def ray_ends(trained: TrainedField, crop: Crop, time: float | None) -> Ends:
    """Of pixels anywhere in the training cameras' pictures, as far as they pass through the crop.

    Raises ValueError where none ends there.
    """
    generator = torch.Generator().manual_seed(0)
    number = torch.randint(camera_count(trained.cameras), (RAYS,), generator=generator)
    x, y = torch.rand(2, RAYS, generator=generator)
    rays = rays_in_frame(trained.cameras, *(each.to(trained.device) for each in (number, x, y)))
    rays = at_time(crop.apply(rays), time)
    side = crop.size.max().item()
    levels = torch.logspace(-0.5, 5.5, LEVELS, device=trained.device) / side
    found = [_ends(trained, rays[first : first + AT_ONCE], levels) for first in range(0, RAYS, AT_ONCE)]
    rays = joined([ended for ended, _, _ in found])
    lost, met = torch.cat([at for _, at, _ in found]), torch.cat([each for _, _, each in found])
    if not len(rays):
        raise ValueError(
            "There is no surface: no ray of the training cameras ends in what is to be exported."
        )
    if (lost[:, 2] - lost[:, 0]).median() > FOG * side:
        raise ValueError("There is no surface yet, only fog: the field has to be trained for longer.")
    return Ends(rays, lost[:, 1], _level(levels, met - lost[:, 1:2]))


def _ends(
    trained: TrainedField, rays: Rays, levels: Float[Tensor, "level"]
) -> tuple[Rays, Float[Tensor, "ray share=3"], Float[Tensor, "ray level"]]:
    """The rays that end, where they have lost each of SHARES, and where each first meets each density; infinite where
    it does not."""
    black = torch.zeros(len(rays), 3, device=rays.near.device)
    seen, trace = VolumeRenderer(trained.sampler).trace(trained.field, rays, black)
    depth = trace.samples.sums_before(trace.thickness) + trace.thickness
    lost = [_first(trace.samples, _passed(trace, depth, share * seen.opacity), len(rays)) for share in SHARES]
    met = [_first(trace.samples, _met(trace.samples, trace.density, level), len(rays)) for level in levels]
    solid = (seen.opacity > SOLID) & torch.stack(lost).isfinite().all(0)
    return rays[solid.nonzero()[:, 0]], torch.stack(lost, -1)[solid], torch.stack(met, -1)[solid]


def _passed(trace: Trace, depth: Float[Tensor, "n"], opacity: Float[Tensor, "ray"]) -> Float[Tensor, "n"]:
    """Where within each sample, if it is behind that, its ray has become so opaque."""
    samples, thickness = trace.samples, trace.thickness
    wanted = -torch.log(1 - opacity.clamp(max=1 - 1e-6))[samples.ray]
    inside = ((wanted - (depth - thickness)) / thickness.clamp_min(1e-9)).clamp(0, 1)
    return torch.where(depth >= wanted, samples.t + (inside - 0.5) * samples.dt, torch.inf)


def _met(samples: Samples, density: Float[Tensor, "n"], level: Tensor) -> Float[Tensor, "n"]:
    """Where the density has risen to the level between a sample and the one before it, were its logarithm linear."""
    log = (density.clamp_min(1e-9) / level).log()
    before = log.roll(1).clamp(-8, -1e-6)
    follows = (samples.ray == samples.ray.roll(1)) & (samples.t - samples.t.roll(1) < 1.5 * samples.dt)
    back = torch.where(follows, log / (log - before) * samples.dt, samples.dt / 2)
    return torch.where(log >= 0, samples.t - back.clamp(max=samples.dt), torch.inf)


def _first(samples: Samples, place: Float[Tensor, "n"], rays: int) -> Float[Tensor, "ray"]:
    nowhere = torch.full((rays,), torch.inf, device=place.device)
    return nowhere.scatter_reduce(0, samples.ray, place, "amin")


def _level(levels: Float[Tensor, "level"], late: Float[Tensor, "ray level"]) -> float:
    """The one whose surface half of the rays meet before they end, and half behind that."""
    common = late.isfinite().float().mean(0)
    usable = common >= MET * common.max()
    bias = late.nan_to_num(posinf=late.new_tensor(1e9).item()).median(0).values.abs()
    return levels[torch.where(usable, bias, torch.inf).argmin()].item()
