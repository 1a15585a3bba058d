"""Rays in world space: the only thing a camera hands on."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .columns import each_column

NO_VIEW = -1


@dataclass(frozen=True, kw_only=True)
class Rays:
    """A bundle of half-lines in world units.

    `directions` are unit vectors. `footprint` is the radius of the pixel's cone per unit of distance
    (Mip-NeRF, arXiv 2103.13415: the pixel's width in the world times 2/√12, per unit of depth; so times cos θ for a ray
    at an angle θ to the axis of a perspective lens). `time` is in [0, 1], or 0. `view` is the number of the training
    view whose pixel a ray is of, or NO_VIEW.
    """

    origins: Float[Tensor, "ray xyz=3"]
    directions: Float[Tensor, "ray xyz=3"]
    near: Float[Tensor, "ray"]
    far: Float[Tensor, "ray"]
    footprint: Float[Tensor, "ray"]
    time: Float[Tensor, "ray"]
    view: Int[Tensor, "ray"]

    def __len__(self) -> int:
        return len(self.origins)

    def __getitem__(self, rows: "slice | Int[Tensor, 'row']") -> "Rays":
        return each_column(lambda column: column[rows], self)

    def to(self, device: torch.device | str) -> "Rays":
        return each_column(lambda column: column.to(device), self)


def no_view(count: int, device: torch.device | str) -> Int[Tensor, "ray"]:
    """The `view` of rays that are of no training view."""
    return torch.full((count,), NO_VIEW, device=device)
