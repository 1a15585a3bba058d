"""How many threads work: those of the kernels, which share tasks, and those of torch, which wait for each other."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass

import torch

from ._cpu import pool_counts, set_threads, threads

__all__ = ["PoolCounts", "one_thread_of_torch", "set_threads", "threads"]


@dataclass(frozen=True)
class PoolCounts:
    """Of the kernels' jobs since the program began, in ns. `shared`: jobs of several tasks, as whoever called saw them;
    `busy`: of all threads in their tasks; `waited`: of callers at the end, for tasks that others were at."""

    jobs: int
    tasks: int
    shared: int
    busy: int
    waited: int

    @classmethod
    def now(cls) -> "PoolCounts":
        return cls(*pool_counts())

    def since(self, before: "PoolCounts") -> "PoolCounts":
        return PoolCounts(*(a - b for a, b in zip(astuple(self), astuple(before), strict=True)))


@contextmanager
def one_thread_of_torch() -> Iterator[None]:
    """Within this context torch's own operations run on the thread that calls them.

    A step of training has some hundred of them, each a fraction of a millisecond. Torch would wait after each of them
    until every thread has arrived, and spin meanwhile: with one other busy process on two cores, a training took 75
    times as long. What is worth a second thread is a kernel.
    """
    before = torch.get_num_threads()
    if before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
