"""What is measured of an op."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from ..ops.backend import Op


@dataclass(frozen=True)
class Work:
    """One call of an op. `wanted` receive a gradient; `added_to` keep theirs between calls, as the tables of
    a training do. `count` is how many samples, or rows, the call deals with."""

    run: Callable[[], Tensor | tuple[Tensor, ...] | None]
    count: int
    wanted: tuple[Tensor, ...] = ()
    added_to: tuple[Tensor, ...] = ()
    in_place: bool = False  # whether it writes what it reads, and returns nothing


@dataclass(frozen=True)
class Case:
    """`make` prepares a call on about so many samples; `target` is what the project wants of it. `flops`: how many
    operations a unit takes, forward and backward, where they count: what only moves numbers has none."""

    name: str
    op: Op
    make: Callable[[int, Generator, torch.device], Work]
    unit: str = "sample"
    target: "Target | None" = None
    flops: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Target:
    """Of forward and backward together: at most so many ns, at least so many times the reference's speed."""

    ns: float
    ratio: float
