"""Small multilayer perceptrons: the decoders of every field."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from .backend import Op
from .check import check_same_kind


@Op
def mlp(inputs: Float[Tensor, "n in"], weights: Sequence[Float[Tensor, "_ _"]]) -> Float[Tensor, "n out"]:
    """h ← relu(W h) for every weight matrix (out, in) but the last, which is linear; no biases.

    Raises ValueError if the shapes do not chain.
    """
    check_chain(inputs, weights)
    hidden = inputs
    for weight in weights[:-1]:
        hidden = torch.relu(hidden @ weight.T)
    return hidden @ weights[-1].T


def check_chain(inputs: Tensor, weights: Sequence[Tensor]) -> None:
    if not weights:
        raise ValueError("mlp: there is no weight matrix.")
    check_same_kind("mlp", {"inputs": inputs, **{f"weight {layer}": w for layer, w in enumerate(weights)}})
    width = inputs.shape[-1]
    for layer, weight in enumerate(weights):
        if weight.ndim != 2 or weight.shape[1] != width:
            raise ValueError(
                f"mlp: weight {layer} has shape {tuple(weight.shape)}, but the layer before it is {width} wide."
            )
        width = weight.shape[0]
