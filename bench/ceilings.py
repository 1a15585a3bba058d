"""How fast a call could be at best: what it has to compute and to move, at the speeds at which this machine does."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .machine import synchronise
from .op_case import Case, Work

SIDES = (256, 512, 1024)  # of the matrices whose product shows what the machine can compute
REPEATS = 10


@dataclass(frozen=True)
class Demand:
    """Of one pass: floating-point operations, and bytes: of every tensor that is read or written, once."""

    flops: int
    bytes: int

    def __add__(self, other: "Demand") -> "Demand":
        return Demand(self.flops + other.flops, self.bytes + other.bytes)


@dataclass(frozen=True)
class Ceiling:
    """The least time of a pass, in ns per unit, and which of the two it is needed for."""

    ns: float
    bound: str


class Machine:
    """What a device can do: operations per second in a product of matrices, and the seconds of a copy."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.flops = max(2 * side**3 / self._product(side) for side in SIDES)

    def ceiling(self, demand: Demand, count: int) -> Ceiling:
        computing, moving = demand.flops / self.flops, self.copying(demand.bytes)
        bound = "FLOP" if computing > moving else "bytes"
        return Ceiling(max(computing, moving) / count * 1e9, bound)

    def copying(self, moved: int) -> float:
        """Seconds of a copy that reads and writes so many bytes: from whatever cache they fit."""
        source = torch.zeros(max(moved // 8, 1), device=self.device)
        target = torch.empty_like(source)
        return self._least(lambda: target.copy_(source))

    def _product(self, side: int) -> float:
        left, right = torch.randn(2, side, side, device=self.device)
        return self._least(lambda: torch.mm(left, right))

    def _least(self, call: Any) -> float:
        times = []
        for _ in range(REPEATS):
            synchronise(self.device)
            began = time.perf_counter()
            call()
            synchronise(self.device)
            times.append(time.perf_counter() - began)
        return min(times)


def demands(case: Case, work: Work, device: torch.device) -> dict[str, Demand]:
    """Of each pass of a call. A gradient is as large as what it is the gradient of; the table to whose gradient a
    backward pass adds is not read by it."""
    with _seen(case, device) as calls:
        work.run()
    given, returned = (sum(part) for part in zip(*calls, strict=True))
    returned += given * work.in_place
    forward, backward = (flops * work.count for flops in case.flops)
    passes = {"forward": Demand(forward, given + returned)}
    if work.wanted:
        read = given - bytes_of(work.added_to)
        passes["backward"] = Demand(backward, read + returned + bytes_of(work.wanted))
        passes["both"] = passes["forward"] + passes["backward"]
    return passes


def bytes_of(value: Any) -> int:
    """Of the tensors in an argument or a result of an op."""
    if isinstance(value, Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, (tuple, list)):
        return sum(map(bytes_of, value))
    if dataclasses.is_dataclass(value):
        return sum(bytes_of(getattr(value, field.name)) for field in dataclasses.fields(value))
    return 0


@contextmanager
def _seen(case: Case, device: torch.device) -> Iterator[list[tuple[int, int]]]:
    """The bytes that each call of the op's kernel is given, and those that it returns."""
    kernels, calls = dict(case.op.kernels), list[tuple[int, int]]()

    def watched(kernel: Callable) -> Callable:
        def call(*given: Any, **named: Any) -> Any:
            returned = kernel(*given, **named)
            calls.append((bytes_of([*given, *named.values()]), bytes_of(returned)))
            return returned

        return call

    here = {cell: watched(kernel) for cell, kernel in kernels.items() if cell[0] == device.type}
    case.op.kernels |= here
    try:
        yield calls
    finally:
        case.op.kernels |= kernels
