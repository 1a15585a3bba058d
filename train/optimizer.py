"""The optimiser of all fields: Adam for tables and grids, orthogonalised steps for the weights of networks."""

from collections.abc import Iterator, Sequence
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..fields import ParameterGroup
from ..fields.stored import check_finite, check_fit
from ..ops import AdamStep, adam_step, adding_in_place, all_finite

BETAS = (0.9, 0.99)
EPSILON = 1e-15
NARROW = 8  # rows or columns up to which a matrix is left to Adam: it has no spectrum worth the name
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # Jordan's quintic, steep at zero
ITERATIONS = 5
NEVER_NEGATIVE = ("second_moment", "steps")


class Optimizer:
    """Each parameter's own rule, by the kind of its group; see `ParameterGroup`."""

    def __init__(self, groups: Sequence[ParameterGroup]) -> None:
        self.groups: Sequence[ParameterGroup] = ()
        self.rules: dict[str, _Adam | _Muon] = {}
        self.follow(groups)

    def follow(self, groups: Sequence[ParameterGroup]) -> None:
        """Go on with the groups of a refined field: parameters that it kept keep their moments, new ones begin anew."""
        kept = {id(parameter): self.rules[name] for name, _, parameter in _named(self.groups)}
        self.groups, self.rules = groups, {}
        self.tables = [p for group in groups if group.kind == "table" for p in group.parameters]
        for name, group, parameter in _named(groups):
            self.rules[name] = kept.get(id(parameter)) or _rule(group.kind, parameter)
        for table in self.tables:
            table.grad = _zeros(table)  # kept between steps: `backward` adds to it in place

    def backward(self, loss: Float[Tensor, ""]) -> None:
        """`loss.backward()`, which adds the gradients of tables to theirs without making new ones."""
        with adding_in_place(self.tables):
            loss.backward()

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """One update at `rate` times each group's learning rate; forgets the gradients."""
        for name, group, parameter in _named(self.groups):
            if parameter.grad is None:
                continue
            self.rules[name].step(parameter.detach(), parameter.grad, rate * group.learning_rate)
            if group.kind != "table":  # those of tables, now zero, are kept
                parameter.grad = None

    def gradients_are_finite(self) -> bool:
        """Of every parameter. Each gradient is read once, before any step writes: on a CPU by all threads; elsewhere by
        sums, of which none that something not finite is part of is finite, and which are waited for together."""
        gradients = [p.grad for _, _, p in _named(self.groups) if p.grad is not None]
        if all(each.device.type == "cpu" for each in gradients):
            return all(map(all_finite, gradients))
        return bool(torch.stack([each.sum() for each in gradients]).isfinite().all())

    def state_dict(self) -> dict[str, Tensor]:
        return {f"{key}.{name}": t for key, rule in self.rules.items() for name, t in rule.state.items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        for name, tensor in self.state_dict().items():
            tensor.copy_(state[name])

    def check(self, state: dict[str, Tensor]) -> None:
        """Raises ValueError, naming it, for a tensor that is none of such an optimiser, or could not be one's."""
        check_fit(self.state_dict(), state)
        check_finite(state)
        for name, tensor in state.items():
            if name.endswith(NEVER_NEGATIVE) and bool((tensor < 0).any()):
                raise ValueError(f"{name} has numbers below zero")


class _Adam:
    """instant-ngp's Adam. A row of a table is updated only at steps at which a gradient reaches it; what is no table
    is treated as one row."""

    def __init__(self, parameter: Tensor, width: int) -> None:
        self.width = width
        self.state = {
            "first_moment": _zeros(parameter),
            "second_moment": _zeros(parameter),
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
        self.state = {"momentum": _zeros(weight)}

    def step(self, weight: Tensor, gradient: Tensor, rate: float) -> None:
        if not gradient.any():
            return
        momentum = self.state["momentum"].lerp_(gradient, 1 - BETAS[0])
        direction = orthogonal(gradient.lerp(momentum, BETAS[0]))
        weight.add_(direction, alpha=-rate * max(weight.shape) ** 0.5)


def _named(groups: Sequence[ParameterGroup]) -> Iterator[tuple[str, ParameterGroup, nn.Parameter]]:
    for group in groups:
        for index, parameter in enumerate(group.parameters):
            yield f"{group.name}.{index}", group, parameter


def _zeros(parameter: Tensor) -> Tensor:
    """Not `zeros_like`, for which torch loads a second's worth of itself where a parameter has no values."""
    return torch.zeros(parameter.shape, dtype=parameter.dtype, device=parameter.device)


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
