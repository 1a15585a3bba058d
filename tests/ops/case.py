"""What a case of `agreement` is."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class Case:
    name: str
    run: Callable[..., Tensor | tuple[Tensor, ...]]
    make: Callable[[int, Generator], tuple[Tensor, ...]]
    """The arguments for n samples."""
    differentiable: tuple[int, ...]
    """Which arguments receive a gradient."""
    tolerance: float = 2e-6
    """Of the largest magnitude in a result."""


def offsets(n: int, generator: Generator) -> Tensor:
    """Rays of very different lengths, some without samples."""
    inner = torch.randint(0, n + 1, (n // 8 + 2,), generator=generator)
    return torch.cat([torch.tensor([0]), inner.sort().values, torch.tensor([n])])
