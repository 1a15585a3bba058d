"""How many threads work: those of the kernels, which share tasks, and those of torch, which wait for each other."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ._cpu import set_threads, threads

__all__ = ["one_thread_of_torch", "set_threads", "threads"]


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
