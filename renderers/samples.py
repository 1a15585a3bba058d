"""Where along its rays a field is asked: packed samples, the only layout there is."""

import abc
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..fields import Points
from ..scenes import Rays


@dataclass(frozen=True)
class Samples:
    """Distances `t` and steps `dt` along rays; ray i owns the samples from offsets[i] to offsets[i + 1], near to far."""

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
        t = self.t[:, None]
        direction = rays.directions[self.ray]
        return Points(
            position=torch.addcmul(rays.origins[self.ray], t, direction),
            direction=direction,
            footprint=rays.footprint[self.ray] * self.t,
            time=rays.time[self.ray],
        )


class Sampler(abc.ABC):
    """Chooses samples. A generator means a jittered start of every ray; None means the middle of each step."""

    @abc.abstractmethod
    def sample(self, rays: Rays, generator: torch.Generator | None) -> Samples: ...


def jitter(rays: Rays, generator: torch.Generator | None) -> Float[Tensor, "ray"]:
    if generator is None:
        return torch.full_like(rays.near, 0.5)
    return torch.rand(len(rays), generator=generator, device=rays.near.device)
