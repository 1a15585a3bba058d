"""Rays in world space: the only thing a camera hands on."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Rays:
    """A bundle of half-lines in world units.

    `directions` are unit vectors. `footprint` is the radius of the pixel's cone per unit of distance
    (Mip-NeRF, arXiv 2103.13415: the pixel's width in the world times 2/√12, per unit of depth; so times cos θ for a ray
    at an angle θ to the axis of a perspective lens). `time` is in [0, 1], or 0.
    """

    origins: Float[Tensor, "ray xyz=3"]
    directions: Float[Tensor, "ray xyz=3"]
    near: Float[Tensor, "ray"]
    far: Float[Tensor, "ray"]
    footprint: Float[Tensor, "ray"]
    time: Float[Tensor, "ray"]

    def packed(self) -> Float[Tensor, "ray origin_direction_footprint_time=8"]:
        """The eight numbers of each ray that its samples need, in one row."""
        return torch.cat([self.origins, self.directions, self.footprint[:, None], self.time[:, None]], -1)

    def __len__(self) -> int:
        return len(self.origins)

    def __getitem__(self, rows: "slice | Int[Tensor, 'row']") -> "Rays":
        return Rays(*(getattr(self, field.name)[rows] for field in fields(self)))

    def to(self, device: torch.device | str) -> "Rays":
        return Rays(*(getattr(self, field.name).to(device) for field in fields(self)))


def joined(bundles: Sequence[Rays]) -> Rays:
    """One bundle of all, in order."""
    return Rays(*(torch.cat([getattr(rays, field.name) for rays in bundles]) for field in fields(Rays)))
