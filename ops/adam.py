"""Adam for large tables of which a step touches few rows."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int32
from torch import Tensor

from .backend import Op
from .check import check_dtype, check_shape


@dataclass(frozen=True)
class AdamStep:
    """The rates of one step: its size, the decay of the two moments, and what keeps the division finite."""

    lr: float
    beta1: float = 0.9
    beta2: float = 0.99
    eps: float = 1e-15

    def __post_init__(self) -> None:
        if not (0 < self.beta1 < 1 and 0 < self.beta2 < 1):
            raise ValueError(f"AdamStep: betas lie between 0 and 1, not {self.beta1} and {self.beta2}.")
        if not (math.isfinite(self.lr) and self.lr >= 0 and self.eps >= 0):
            raise ValueError(f"AdamStep: lr and eps are not negative, unlike {self.lr} and {self.eps}.")


def check_adam(parameter: Tensor, gradient: Tensor, moments: tuple[Tensor, Tensor], steps: Tensor) -> None:
    check_shape("adam_step", "parameter", parameter, (None, None))
    rows, features = parameter.shape
    check_shape("adam_step", "gradient", gradient, (rows, features))
    check_shape("adam_step", "first_moment", moments[0], (rows, features))
    check_shape("adam_step", "second_moment", moments[1], (rows, features))
    check_shape("adam_step", "steps", steps, (rows,))
    check_dtype("adam_step", "steps", steps, torch.int32)


@Op
@torch.no_grad()
def adam_step(
    parameter: Float[Tensor, "rows feature"],
    gradient: Float[Tensor, "rows feature"],
    first_moment: Float[Tensor, "rows feature"],
    second_moment: Float[Tensor, "rows feature"],
    steps: Int32[Tensor, "rows"],
    step: AdamStep,
) -> None:
    """One step of Adam (Kingma & Ba 2015, Algorithm 1), in place, on the rows that received a gradient, and takes it:

    m ← β₁ m + (1 − β₁) g,   v ← β₂ v + (1 − β₂) g²,   θ ← θ − lr · m / (1 − β₁ᵗ) / (√(v / (1 − β₂ᵗ)) + ε).

    A row whose gradient is zero throughout was not seen: its parameter, moments and count of steps stay as
    they are, as in tiny-cuda-nn, so a hash table's rare entries take whole steps. The bias correction uses
    the row's own count t. A NaN is not zero. Afterwards the gradient is zero everywhere. Raises ValueError if
    the shapes disagree or `steps` is not int32.
    """
    check_adam(parameter, gradient, (first_moment, second_moment), steps)
    rows = (gradient != 0).any(-1).nonzero().squeeze(-1)
    g = gradient[rows]
    count = steps[rows] + 1
    first = step.beta1 * first_moment[rows] + (1 - step.beta1) * g
    second = step.beta2 * second_moment[rows] + (1 - step.beta2) * g * g
    unbiased_first = first / _one_minus_power(step.beta1, count, g.dtype)
    unbiased_second = second / _one_minus_power(step.beta2, count, g.dtype)
    steps[rows], first_moment[rows], second_moment[rows] = count, first, second
    parameter[rows] -= step.lr * unbiased_first / (unbiased_second.sqrt() + step.eps)
    gradient.zero_()


def _one_minus_power(
    beta: float, count: Int32[Tensor, "touched"], dtype: torch.dtype
) -> Float[Tensor, "touched 1"]:
    # 1 − βᵗ without cancellation: with β near 1 the first steps would lose most of their digits in float32.
    return -torch.expm1(count[:, None].to(dtype) * math.log(beta))


@Op
def all_finite(values: Float[Tensor, "*any"]) -> bool:
    """Whether none of the values is NaN or infinite: asked of a gradient before `adam_step` takes it."""
    return bool(values.isfinite().all())
