"""The small network that most fields have their density from, and the exponential behind it, as one op."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from .backend import Op
from .mlp import mlp

MAX_LOG_DENSITY = 15.0


class _TruncatedExp(torch.autograd.Function):
    """exp whose gradient is clamped, so that one very dense sample cannot blow up a step."""

    @staticmethod
    def forward(ctx, logit):
        value = logit.clamp(max=MAX_LOG_DENSITY).exp()
        ctx.save_for_backward(value)
        return value

    @staticmethod
    def backward(ctx, grad):
        (value,) = ctx.saved_tensors
        return grad * value


def truncated_exp(logit: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """exp(logit), the exponent clamped at 15 in value and gradient."""
    return _TruncatedExp.apply(logit)


@Op
def density_mlp(
    inputs: Float[Tensor, "n in"], weights: Sequence[Float[Tensor, "_ _"]], side: float
) -> tuple[Float[Tensor, "n"], Float[Tensor, "n out"]]:
    """The outputs h = `mlp`(inputs), and before them the density exp(h₀) / side, its exponent clamped as that of
    `truncated_exp`. Raises ValueError if the shapes do not chain."""
    outputs = mlp(inputs, weights)
    return truncated_exp(outputs[:, 0]) / side, outputs
