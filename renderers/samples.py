"""Where along its rays a field is asked: packed samples, the only layout there is."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..fields import Points
from ..ops import ray_points
from ..scenes import Rays


@dataclass(frozen=True)
class Samples:
    """Distances `t` and steps `dt` along rays; ray i owns samples offsets[i] to offsets[i + 1], near to far."""

    t: Float[Tensor, "n"]
    dt: Float[Tensor, "n"]
    ray: Int[Tensor, "n"]
    offsets: Int[Tensor, "ray_plus_one"]

    def __len__(self) -> int:
        return len(self.t)

    @property
    def counts(self) -> Int[Tensor, "ray"]:
        return self.offsets.diff()

    def points(self, rays: Rays) -> Points:
        """The points in the world that the samples lie at."""
        return points_at(rays, self.t, self.ray)

    def sums_before(self, values: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
        """Of each sample the sum of the values of those before it on its ray. In double precision: the sums run on from
        ray to ray, and what is between two of them is small."""
        sums = torch.nn.functional.pad(values.double().cumsum(0), (1, 0))
        return (sums[:-1] - sums[self.offsets[self.ray]]).to(values.dtype)

    def of(self, hit: Int[Tensor, "m"]) -> "Samples":
        """The same samples of the rays that have any, which are `hit`, numbered anew."""
        offsets = torch.cat([self.offsets.index_select(0, hit), self.offsets[-1:]])
        number = torch.arange(len(hit), device=hit.device)
        return Samples(self.t, self.dt, torch.repeat_interleave(number, offsets.diff()), offsets)


def points_at(rays: Rays, t: Float[Tensor, "n"], ray: Int[Tensor, "n"]) -> Points:
    """The points in the world at distances along the rays that they name."""
    found = ray_points(
        origins=rays.origins,
        directions=rays.directions,
        footprint=rays.footprint,
        time=rays.time,
        t=t,
        ray=ray,
    )
    return Points(
        position=found.position, direction=found.direction, footprint=found.footprint, time=found.time
    )
