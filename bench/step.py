"""What a step of training is made of: our kernels, the glue between them, and threads that wait."""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from rich.console import Console

from ..ops import PoolCounts, threads
from ..terminal.interrupts import StopRequest, until_told_to_stop
from ..train.schedule import Budget
from .kernel_times import KernelTimes, timed_kernels, torch_times
from .machine import slug
from .report import Measured, Sheet, figure
from .stepping import StepBar, Stepping, Taken
from .what import What

NAMED_STEPS = 5  # under torch's profiler, at most: it slows them down, and only names what is large
LARGEST = 12  # of torch's operations that are named


@dataclass(frozen=True)
class StepPlan:
    """What to train, for how many steps before any is measured, and how many are."""

    what: What
    warm_up: int
    steps: int


@dataclass(frozen=True)
class _Measured:
    taken: Taken
    kernels: KernelTimes
    pool: PoolCounts
    named: dict[str, tuple[int, float]]
    named_steps: int


def measure_step(plan: StepPlan, device: torch.device, console: Console) -> Measured:
    """Raises ValueError or FileNotFoundError in the user's words; KeyboardInterrupt where no step was measured."""
    if device.type != "cpu":
        raise ValueError("bench step times the kernels of the CPU: --device cpu.")
    named = min(plan.steps, NAMED_STEPS)
    total = plan.warm_up + plan.steps + named
    stepping = Stepping(plan.what, Budget(steps=total + 1), device)
    with until_told_to_stop() as told, StepBar(console, total, "step") as bar:
        stepping.steps(plan.warm_up, bar, told)
        found = None if told.is_set() else _steps(stepping, plan.steps, named, bar, told)
    if found is None or found.taken.steps == 0:
        raise KeyboardInterrupt
    figures = _facts(plan, stepping) | _figures(found) | {"interrupted": told.is_set()}
    name = slug(f"step {figures['scene']} {figures['field']}")
    return Measured(name, figures, _sheet(figures))


def _steps(stepping: Stepping, steps: int, named: int, bar: StepBar, told: StopRequest) -> _Measured:
    before = PoolCounts.now()
    with timed_kernels() as kernels:
        taken = stepping.steps(steps, bar, told)
    pool = PoolCounts.now().since(before)
    with torch_times() as operations:
        beside = stepping.steps(named, bar, told)
    return _Measured(taken, kernels, pool, operations, beside.steps)


def _facts(plan: StepPlan, stepping: Stepping) -> dict[str, Any]:
    return {
        "scene": stepping.scene.name,
        "source": stepping.scene.source,
        "field": plan.what.config.tag,
        "config": asdict(plan.what.config),
        "warm_up": plan.warm_up,
        "seed": plan.what.fit.seed,
    }


def _figures(found: _Measured) -> dict[str, Any]:
    """All in milliseconds per step.

    Serial is what of a step's work only one thread can do: all of the step that is in no shared job. As a share it is
    of the work of all threads, so that it is about the same on any number of them: Amdahl's.
    """
    taken, pool = found.taken, found.pool
    each = 1e3 / taken.steps
    step, shared, busy, waited = (
        taken.seconds * each,
        *(ns / 1e9 * each for ns in (pool.shared, pool.busy, pool.waited)),
    )
    kernels = {name: seconds * each for name, seconds in found.kernels.seconds.items()}
    operations = {name: s * 1e3 / max(found.named_steps, 1) for name, (_, s) in found.named.items()}
    serial = max(step - shared, 0.0)
    glue = step - sum(kernels.values())
    return {
        "steps": taken.steps,
        "samples_per_step": taken.samples / taken.steps,
        "rays_per_step": taken.rays / taken.steps,
        "samples_per_second": taken.samples / taken.seconds,
        "step_ms": step,
        "kernels_ms": _largest_first(kernels),
        "calls": {name: calls / taken.steps for name, calls in found.kernels.calls.items()},
        "glue_ms": glue,
        "glue_share": glue / step,
        "torch_ms": _largest_first(operations),
        "torch_calls": {name: calls / max(found.named_steps, 1) for name, (calls, _) in found.named.items()},
        "jobs": pool.jobs / taken.steps,
        "tasks": pool.tasks / taken.steps,
        "shared_ms": shared,
        "idle_ms": max(threads() * shared - busy, 0.0),
        "caller_waits_ms": waited,
        "serial_ms": serial,
        "serial_share": serial / (serial + busy),
    }


def _largest_first(times: dict[str, float]) -> dict[str, float]:
    return dict(sorted(times.items(), key=lambda item: -item[1]))


def _sheet(figures: dict[str, Any]) -> Sheet:
    step = figures["step_ms"]

    def row(what: str, ms: float, calls: float | None = None) -> tuple[str, ...]:
        return what, figure(ms), f"{ms / step:.1%}", "" if calls is None else figure(calls)

    own = sum(figures["torch_ms"].values())
    largest = list(figures["torch_ms"].items())[:LARGEST]
    rows = (
        *(row(name, ms, figures["calls"][name]) for name, ms in figures["kernels_ms"].items()),
        row("all kernels", step - figures["glue_ms"], sum(figures["calls"].values())),
        row("glue: torch's own operations, and Python", figures["glue_ms"]),
        row("torch's own operations, watched", own, sum(figures["torch_calls"].values())),
        *(row(f"· {name}", ms, figures["torch_calls"][name]) for name, ms in largest),
        row("threads idle in jobs, all together", figures["idle_ms"], figures["jobs"]),
        row("callers waiting at the end of jobs", figures["caller_waits_ms"], figures["jobs"]),
        row("serial: in no job that threads share", figures["serial_ms"]),
        row("the step", step),
    )
    notes = (
        f"Means of {figures['steps']} steps after {figures['warm_up']}: {figures['rays_per_step']:,.0f} rays and "
        f"{figures['samples_per_step']:,.0f} samples each, {figures['samples_per_second'] / 1e6:.3g} M samples/s.",
        f"Serial share of the work of all threads (Amdahl): {figures['serial_share']:.1%}.",
        "Torch's own operations are timed in other steps, by its profiler, which makes them slower: they say what is "
        "large in the glue, and add up to more than their part of it.",
    )
    title = f"A step of training {figures['field']} on {figures['scene']}"
    return Sheet(title, ("", "ms", "of the step", "calls per step"), rows, notes)
