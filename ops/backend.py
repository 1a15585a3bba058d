"""Which implementation of an op runs: one table, from (op, device type, dtype) to a kernel.

The function that defines an op in plain torch is its reference and its public face. A kernel registered in a cell
of the table takes over for tensors of that device and dtype; an empty cell falls back to the reference, so float64
always runs it. A kernel that fails raises: nothing falls back in silence.
"""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, ParamSpec, TypeVar

import torch
from torch import Tensor

from .check import check_same_kind

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
_forced_to_reference = False


class Op(Generic[Arguments, Result]):
    """An operation whose first argument is a tensor that decides where it runs."""

    def __init__(self, reference: Callable[Arguments, Result]) -> None:
        self.reference = reference
        self.kernels: dict[tuple[str, torch.dtype], Callable[Arguments, Result]] = {}
        self.names = tuple(inspect.signature(reference).parameters)
        functools.update_wrapper(self, reference)

    def __call__(self, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        named = dict(zip(self.names, args, strict=False)) | kwargs
        tensors = {name: value for name, value in named.items() if isinstance(value, Tensor)}
        if self.names[0] not in tensors:
            raise TypeError(f"{self.reference.__name__}: {self.names[0]} must be a tensor.")
        check_same_kind(self.reference.__name__, tensors)
        tensor = tensors[self.names[0]]
        kernel = self.kernels.get((tensor.device.type, tensor.dtype))
        if kernel is None or _forced_to_reference:
            return self.reference(*args, **kwargs)
        return kernel(*args, **kwargs)

    def kernel(self, device_type: str, dtype: torch.dtype) -> Callable:
        """Decorator: fill the cell (this op, `device_type`, `dtype`)."""

        def register(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
            self.kernels[device_type, dtype] = function
            return function

        return register


@contextmanager
def references() -> Iterator[None]:
    """Within this context every op runs its reference: for oracles in tests, and for the ratio in benchmarks."""
    global _forced_to_reference
    before, _forced_to_reference = _forced_to_reference, True
    try:
        yield
    finally:
        _forced_to_reference = before
