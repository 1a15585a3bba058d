"""Adam with a rate per group, and tables whose untouched rows rest."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..fields import ParameterGroup
from ..ops import AdamStep, adam_step

BETAS = (0.9, 0.99)
EPSILON = 1e-15


class Adam:
    """instant-ngp's Adam. A row of a sparse table is updated only at steps at which a gradient reaches it; other
    parameters are treated as tables of one row."""

    def __init__(self, groups: Sequence[ParameterGroup]) -> None:
        self.groups = groups
        for parameter in (p for group in groups if group.sparse for p in group.parameters):
            parameter.grad = torch.zeros_like(parameter)
        self.moments = {
            f"{group.name}.{index}": (
                torch.zeros_like(parameter),
                torch.zeros_like(parameter),
                torch.zeros(len(self._rows(group, parameter)), dtype=torch.int32, device=parameter.device),
            )
            for group in groups
            for index, parameter in enumerate(group.parameters)
        }

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """One update at `rate` times each group's learning rate; forgets the gradients."""
        for group in self.groups:
            update = AdamStep(group.learning_rate * rate, *BETAS, EPSILON)
            for index, parameter in enumerate(group.parameters):
                if parameter.grad is None:
                    continue
                first, second, steps = self.moments[f"{group.name}.{index}"]
                p, g, m, v = (
                    self._rows(group, t) for t in (parameter.detach(), parameter.grad, first, second)
                )
                adam_step(p, g, m, v, steps, update)
                if not group.sparse:  # those of tables, now zero, are kept: kernels add to them in place
                    parameter.grad = None

    def gradients_are_finite(self) -> bool:
        """Looks at the dense groups alone: their gradients are sums over all samples, so no NaN can hide from them."""
        dense = (p.grad for group in self.groups if not group.sparse for p in group.parameters)
        return all(bool(grad.isfinite().all()) for grad in dense if grad is not None)

    @staticmethod
    def _rows(group: ParameterGroup, tensor: Tensor) -> Tensor:
        return tensor.reshape(-1, tensor.shape[-1]) if group.sparse else tensor.reshape(1, -1)

    def state_dict(self) -> dict[str, Tensor]:
        names = ("first_moment", "second_moment", "steps")
        return {
            f"{key}.{name}": t
            for key, three in self.moments.items()
            for name, t in zip(names, three, strict=True)
        }

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        for name, tensor in self.state_dict().items():
            tensor.copy_(state[name])
