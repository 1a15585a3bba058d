"""The optimiser of all fields: Adam for tables and grids, orthogonalised steps for the weights of networks."""

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from ..fields import ParameterGroup
from ..ops import AdamStep, adam_step, adding_in_place

BETAS = (0.9, 0.99)
EPSILON = 1e-15
NARROW = 8  # rows or columns up to which a matrix is left to Adam: it has no spectrum worth the name
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # Jordan's quintic, steep at zero
ITERATIONS = 5


class Optimizer:
    """Each parameter's own rule, by the kind of its group; see `ParameterGroup`."""

    def __init__(self, groups: Sequence[ParameterGroup]) -> None:
        self.groups = groups
        self.tables = [p for group in groups if group.kind == "table" for p in group.parameters]
        for table in self.tables:
            table.grad = torch.zeros_like(table)  # kept between steps: `backward` adds to it in place
        self.rules = {
            f"{group.name}.{index}": _rule(group.kind, parameter)
            for group in groups
            for index, parameter in enumerate(group.parameters)
        }

    def backward(self, loss: Float[Tensor, ""]) -> None:
        """`loss.backward()`, which adds the gradients of tables to theirs without making new ones."""
        with adding_in_place(self.tables):
            loss.backward()

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """One update at `rate` times each group's learning rate; forgets the gradients."""
        for group in self.groups:
            for index, parameter in enumerate(group.parameters):
                if parameter.grad is None:
                    continue
                self.rules[f"{group.name}.{index}"].step(
                    parameter.detach(), parameter.grad, rate * group.learning_rate
                )
                if group.kind != "table":  # those of tables, now zero, are kept
                    parameter.grad = None

    def gradients_are_finite(self) -> bool:
        """Looks at all but tables: the other gradients are sums over all samples, so no NaN can hide from them."""
        dense = (p.grad for group in self.groups if group.kind != "table" for p in group.parameters)
        return all(bool(grad.isfinite().all()) for grad in dense if grad is not None)

    def state_dict(self) -> dict[str, Tensor]:
        return {f"{key}.{name}": t for key, rule in self.rules.items() for name, t in rule.state.items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        for name, tensor in self.state_dict().items():
            tensor.copy_(state[name])


class _Adam:
    """instant-ngp's Adam. A row of a table is updated only at steps at which a gradient reaches it; what is no table
    is treated as one row."""

    def __init__(self, parameter: Tensor, width: int) -> None:
        self.width = width
        self.state = {
            "first_moment": torch.zeros_like(parameter),
            "second_moment": torch.zeros_like(parameter),
            "steps": torch.zeros(parameter.numel() // width, dtype=torch.int32, device=parameter.device),
        }

    def step(self, parameter: Tensor, gradient: Tensor, rate: float) -> None:
        first, second, steps = self.state.values()
        p, g, m, v = (t.reshape(-1, self.width) for t in (parameter, gradient, first, second))
        adam_step(p, g, m, v, steps, AdamStep(rate, *BETAS, EPSILON))


class _Muon:
    """M ← β₁ M + (1 − β₁) G,   W ← W − lr √max(rows, columns) · orthogonal(β₁ M + (1 − β₁) G).

    Muon (Jordan et al. 2024): the step has the directions of the momentum, all of them equally long. Its mean square
    is lr², as that of Adam's first step is (Liu et al. 2025, arXiv 2502.16982), so one rate serves both.

    A layer that no gradient reaches, as behind units that are all off, stays as it is: its steps would be as long as
    ever, however faint the momentum.
    """

    def __init__(self, weight: Tensor) -> None:
        self.state = {"momentum": torch.zeros_like(weight)}

    def step(self, weight: Tensor, gradient: Tensor, rate: float) -> None:
        if not gradient.any():
            return
        momentum = self.state["momentum"].lerp_(gradient, 1 - BETAS[0])
        direction = orthogonal(gradient.lerp(momentum, BETAS[0]))
        weight.add_(direction, alpha=-rate * max(weight.shape) ** 0.5)


def orthogonal(matrix: Float[Tensor, "rows columns"]) -> Float[Tensor, "rows columns"]:
    """About U Vᵀ of the matrix U S Vᵀ: all its singular values become 0.7 to 1.2, by Newton and Schulz's iteration
    X ← a X + (b A + c A²) X with A = X Xᵀ; zero stays zero."""
    a, b, c = NEWTON_SCHULZ
    x = matrix / matrix.abs().amax().clamp_min(1e-38)  # first: the squares of small numbers vanish
    x = x / x.norm().clamp_min(1)
    tall = len(x) > x.shape[1]
    x = x.T if tall else x
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


def _rule(kind: Literal["table", "grid", "network"], parameter: Tensor) -> _Adam | _Muon:
    if kind == "table":
        return _Adam(parameter, parameter.shape[-1])
    if kind == "network" and parameter.dim() == 2 and min(parameter.shape) > NARROW:
        return _Muon(parameter)
    return _Adam(parameter, max(parameter.numel(), 1))
