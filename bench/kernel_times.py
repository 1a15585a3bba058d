"""How long each of our kernels takes while something runs, and what torch's own operations take beside them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

from ..ops import _cpu

TORCH = "aten::"  # what the profiler calls torch's own operations by
# Functions of the compiled module that compute nothing.
NO_KERNELS = ("instruction_set", "keep_freed_memory", "pool_counts", "set_threads", "threads")


@dataclass
class KernelTimes:
    """Calls and seconds of each kernel, by the name of its function: forward and backward are two."""

    calls: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def timed(self, name: str, kernel: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **named: object) -> object:
            began = time.perf_counter()
            result = kernel(*arguments, **named)
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began
            self.calls[name] = self.calls.get(name, 0) + 1
            return result

        return call


def kernel_places() -> dict[str, tuple[object, str]]:
    """Of all functions of the compiled module that compute, and the methods of its classes, whose making may be half of
    the work: where each is, by its name."""
    places: dict[str, tuple[object, str]] = {}
    for name, value in vars(_cpu).items():
        if name.startswith("_") or name in NO_KERNELS or not callable(value):
            continue
        places[name] = _cpu, name
        if isinstance(value, type):
            methods = (each for each, what in vars(value).items() if callable(what) and each[0] != "_")
            places |= {f"{name}.{method}": (value, method) for method in methods}
    return places


@contextmanager
def timed_kernels() -> Iterator[KernelTimes]:
    """A context in which every kernel is timed, a fraction of a microsecond each. Ops call them through the module,
    so that nobody has to name a new one here."""
    times, places = KernelTimes(), kernel_places()
    kernels = {name: vars(owner)[attribute] for name, (owner, attribute) in places.items()}
    for name, (owner, attribute) in places.items():
        setattr(owner, attribute, times.timed(name, kernels[name]))
    try:
        yield times
    finally:
        for name, (owner, attribute) in places.items():
            setattr(owner, attribute, kernels[name])


@contextmanager
def torch_times() -> Iterator[dict[str, tuple[int, float]]]:
    """Calls and seconds of torch's own operations, by name, to be read after the context, without those that they
    call. Being watched makes them slower: they say which are the largest, and about how large."""
    found: dict[str, tuple[int, float]] = {}
    with torch.autograd.profiler.profile() as profile:
        yield found
    assert profile is not None  # pyright: ignore[reportUnnecessaryComparison]
    for event in profile.key_averages():
        if event.key.startswith(TORCH):
            found[event.key.removeprefix(TORCH)] = event.count, event.self_cpu_time_total / 1e6
