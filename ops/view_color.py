"""Colour from features and the direction of view: the last network of most fields."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from .backend import Op
from .mlp import mlp
from .spherical_harmonics import spherical_harmonics


@Op
def view_color(
    features: Float[Tensor, "n feature"],
    directions: Float[Tensor, "n xyz=3"],
    weights: Sequence[Float[Tensor, "_ _"]],
) -> Float[Tensor, "n channel"]:
    """sigmoid(mlp([Y(d), f])): the 16 harmonics of unit directions, then the features, as in instant-ngp.

    Raises ValueError if the shapes do not chain.
    """
    return torch.sigmoid(mlp(torch.cat([spherical_harmonics(directions), features], -1), weights))
