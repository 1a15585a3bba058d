"""Where the gradient of a large table goes.

A table is too large to be cleared, filled and added up anew by every call of a step. Whoever trains it keeps one
gradient between the steps, as `.grad`, and says for which backward passes kernels may add to that in place. In all
others they return a gradient, as autograd expects: `torch.autograd.grad` leaves alone what is kept.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


class _Allowed(threading.local):
    """Of each thread: on the CPU a backward pass runs in the thread that asks for it."""

    tables: frozenset[int] = frozenset()


_allowed = _Allowed()


@contextmanager
def adding_in_place(tables: Iterable[Tensor]) -> Iterator[None]:
    """Within this context, and in this thread, backward passes add the gradients of these leaves to their `.grad`.

    For a `backward()` of their owner. `torch.autograd.grad` belongs outside: it would not be given these gradients.
    """
    before, _allowed.tables = _allowed.tables, frozenset(id(table) for table in tables)
    try:
        yield
    finally:
        _allowed.tables = before


def gradient_sink(table: Tensor) -> tuple[Tensor, Tensor | None]:
    """Where a backward pass adds up the gradient of `table`, and what it then returns as that gradient."""
    if id(table) in _allowed.tables and table.requires_grad and table.grad is not None:
        return table.grad, None
    fresh = torch.zeros_like(table)
    return fresh, fresh
