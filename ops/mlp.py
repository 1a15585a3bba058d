"""Small multilayer perceptrons: the decoders of every field."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from .backend import Op
from .check import check_same_kind


@Op
def mlp(
    inputs: Float[Tensor, "n in"],
    weights: Sequence[Float[Tensor, "_ _"]],
    biases: Sequence[Float[Tensor, "_"]] = (),
) -> Float[Tensor, "n out"]:
    """h ← relu(W h + b) for every weight matrix (out, in) but the last, which is linear; without `biases` b is 0.

    Raises ValueError if the shapes do not chain.
    """
    check_chain(inputs, weights, biases)
    hidden = inputs
    for layer, weight in enumerate(weights):
        hidden = torch.relu(hidden) if layer else hidden
        hidden = hidden @ weight.T + (biases[layer] if biases else 0)
    return hidden


def check_chain(inputs: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor]) -> None:
    if not weights:
        raise ValueError("mlp: there is no weight matrix.")
    named = {f"weight {layer}": w for layer, w in enumerate(weights)}
    check_same_kind(
        "mlp", {"inputs": inputs} | named | {f"bias {layer}": b for layer, b in enumerate(biases)}
    )
    width = inputs.shape[-1]
    for layer, weight in enumerate(weights):
        if weight.ndim != 2 or weight.shape[1] != width:
            raise ValueError(
                f"mlp: weight {layer} has shape {tuple(weight.shape)}, but the layer before it is {width} wide."
            )
        width = weight.shape[0]
    if biases and [tuple(bias.shape) for bias in biases] != [(len(weight),) for weight in weights]:
        raise ValueError("mlp: there are no biases, or one for every row of every weight matrix.")
