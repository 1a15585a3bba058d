"""From densities along rays to weights, and which samples can be seen at all."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from .backend import Op
from .check import check_shape
from .composite import STOP, accumulate, check_ray_weights, check_visible, ray_weights


def check_visible_weights(density: Tensor, t: Tensor, dt: Tensor, offsets: Tensor, visible: float) -> None:
    check_visible("visible_weights", visible)
    check_ray_weights(density, dt, offsets)
    check_shape("visible_weights", "t", t, (len(density),))


class VisibleWeights(NamedTuple):
    """The weight of every sample; the rows of those that can be seen, their weights, and where those of each ray begin;
    and of each ray the sums Σ w, Σ w·t and Σ w of the visible ones."""

    weights: Float[Tensor, "n"]
    rows: Int64[Tensor, "m"]
    weight_of_row: Float[Tensor, "m"]
    ends: Int64[Tensor, "rays_1"]
    sums: Float[Tensor, "rays weight_distance_seen=3"]


@Op
def visible_weights(
    density: Float[Tensor, "n"],
    t: Float[Tensor, "n"],
    dt: Float[Tensor, "n"],
    offsets: Int64[Tensor, "rays_1"],
    visible: float,
    stop: float = STOP,
) -> VisibleWeights:
    """`ray_weights`, and what else is to be known of them: which samples have a weight above `visible`, and the sums.

    Differentiable in density, through weights and sums alike. Raises ValueError if sizes or offsets do not fit.
    """
    check_visible_weights(density, t, dt, offsets, visible)
    t = t.detach()
    weights = ray_weights.reference(density, dt, offsets, stop)
    seen = weights.detach() > visible
    rows = seen.nonzero()[:, 0]
    parts = torch.stack([torch.ones_like(t), t, seen.to(t)], -1)
    sums = accumulate.reference(parts, weights, offsets)
    return VisibleWeights(weights, rows, weights[rows], torch.searchsorted(rows, offsets), sums)
