"""Kernels have first derivatives only, and say so."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch

Backward = Callable[..., Any]


def once_differentiable(op: str) -> Callable[[Backward], Backward]:
    """Decorator of the `backward` of a kernel of `op`: raises RuntimeError where a second derivative is wanted.

    torch's own decorator would let a gradient pass that is linear in the incoming one, as a constant.
    """

    def decorate(backward: Backward) -> Backward:
        @wraps(backward)
        def first_derivative(ctx: Any, *gradients: Any) -> Any:
            if torch.is_grad_enabled():
                raise RuntimeError(
                    f"{op}: its kernel has no second derivative (create_graph=True); "
                    "call the op within omnifield.ops.references(), whose plain torch has one."
                )
            return backward(ctx, *gradients)

        return first_derivative

    return decorate
