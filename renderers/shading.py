"""What is summed along a ray, and what colour the sum is: for every sample, or once for every pixel."""

from dataclasses import dataclass, replace
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from ..fields import Field, Points, Probe
from ..ops import take_rows
from ..scenes import Rays
from .samples import points_at

VISIBLE = 1e-4  # a sample of less weight is not asked for its colour
FOG = 0.01  # opacity from which on a ray has a colour although none of its samples is visible


@dataclass(frozen=True)
class Seen:
    """What rays saw: how much of them ended somewhere, the mean distance to there (infinite where nothing was seen),
    and the sums over their visible samples of weights and of weighted values."""

    opacity: Float[Tensor, "ray"]
    depth: Float[Tensor, "ray"]
    weight: Float[Tensor, "ray"]
    values: Float[Tensor, "ray value"]

    @property
    def covered(self) -> Float[Tensor, "ray"]:
        """How much of the background is hidden: faint samples count as well, and have the mean colour of the visible
        ones. Where there are none there is no such colour, and nothing is hidden."""
        return self.opacity * (self.weight.detach() > 0)

    @staticmethod
    def of(sums: Float[Tensor, "ray weight_distance_seen=3"], values: Float[Tensor, "ray value"]) -> "Seen":
        opacity, distance, weight = sums.unbind(-1)
        mean = distance.detach() / opacity.detach().clamp_min(VISIBLE)
        depth = torch.where(opacity > VISIBLE, mean, torch.inf)
        return Seen(opacity, depth, weight, values)


class Shading(Protocol):
    def width(self, field: Field) -> int:
        """How many numbers are summed."""
        ...

    def values(self, field: Field, points: Points, probe: Probe) -> Float[Tensor, "n value"]:
        """What is summed."""
        ...

    def light(self, field: Field, rays: Rays, seen: Seen) -> Float[Tensor, "ray rgb=3"]:
        """What the sum looks like, as much of it as is covered."""
        ...


def with_fog(field: Field, rays: Rays, seen: Seen) -> Seen:
    """Rays through nothing but faint samples, enough of them to be seen together, are asked once, in their middle."""
    rows = ((seen.weight.detach() == 0) & (seen.opacity.detach() > FOG)).nonzero()[:, 0]
    if len(rows) == 0:
        return seen
    points = points_at(rays, seen.depth.index_select(0, rows), rows)
    values = SHADING[field.shading].values(field, points, field.probe(points))
    return replace(
        seen,
        weight=seen.weight.index_fill(0, rows, 1.0),
        values=seen.values.index_copy(0, rows, values),
    )


class ShadeSamples:
    """A colour for every sample."""

    def width(self, field: Field) -> int:
        del field
        return 3

    def values(self, field: Field, points: Points, probe: Probe) -> Float[Tensor, "n value"]:
        return field.color(field.features(points, probe), points)

    def light(self, field: Field, rays: Rays, seen: Seen) -> Float[Tensor, "ray rgb=3"]:
        del field, rays
        return seen.values * (seen.covered / seen.weight.clamp_min(VISIBLE))[:, None]


class ShadePixels:
    """Deferred: the mean features of what a ray sees, one colour of them, as much of it as is covered.

    With the mean instead of the sum, the edge of an object has the colour of the object, and one opaque sample has
    the colour that it would have on its own.
    """

    def width(self, field: Field) -> int:
        return field.feature_dim

    def values(self, field: Field, points: Points, probe: Probe) -> Float[Tensor, "n value"]:
        return field.features(points, probe)

    def light(self, field: Field, rays: Rays, seen: Seen) -> Float[Tensor, "ray rgb=3"]:
        hit = (seen.weight.detach() > 0).nonzero()[:, 0]
        t, weight = seen.depth.index_select(0, hit), take_rows(seen.weight[:, None], hit)
        surface = points_at(rays, t, hit)
        covered = take_rows(seen.covered[:, None], hit)
        color = field.color(take_rows(seen.values, hit) / weight, surface) * covered
        return torch.zeros_like(seen.values[:, :3]).index_copy(0, hit, color)


SHADING: dict[str, Shading] = {"sample": ShadeSamples(), "pixel": ShadePixels()}
