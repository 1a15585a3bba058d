"""Every op's kernel against its plain-torch reference, in turns: machines drift, ratios less so."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from typing import Any

import torch
from rich.console import Console
from torch import Generator, Tensor

from ..ops import adding_in_place, references
from ..terminal.bar import counted
from ..terminal.interrupts import until_interrupted
from .ceilings import Ceiling, Demand, Machine, demands
from .machine import synchronise
from .op_cases import Case, Work, op_cases
from .report import Measured, Sheet, figure, median

TURN = 0.05  # seconds that one side keeps the machine to itself, if its single call is not longer
MOST_CALLS = 20


@dataclass(frozen=True)
class Passes:
    """Seconds of one call; `both` is forward and backward of the same call."""

    forward: float
    backward: float

    @property
    def both(self) -> float:
        return self.forward + self.backward


@dataclass(frozen=True)
class OpsPlan:
    """About how many samples in a call, how many turns of each side, and of which ops: those with `only` in their
    name."""

    samples: int
    repeats: int
    only: str = ""


def measure_ops(plan: OpsPlan, device: torch.device, console: Console) -> Measured:
    """Raises ValueError, naming the ops that there are, where none is chosen."""
    there = [case for case in op_cases() if (device.type, torch.float32) in case.op.kernels]
    chosen = [case for case in there if plan.only in case.name]
    if not chosen:
        names = "; ".join(case.name for case in there) or "none"
        raise ValueError(f"--only {plan.only}: of the ops with a kernel for {device.type} there are {names}.")
    return measure_cases(counted(chosen, len(chosen), "op", console), plan, device)


def measure_cases(chosen: Iterable[Case], plan: OpsPlan, device: torch.device) -> Measured:
    machine = Machine(device)
    figures, interrupted = until_interrupted(
        measure(case, machine, samples=plan.samples, repeats=plan.repeats) for case in chosen
    )
    facts = {"samples": plan.samples, "repeats": plan.repeats, "gflops": machine.flops / 1e9}
    facts |= {"results": figures, "interrupted": interrupted}
    return Measured("ops", facts, _sheet(figures, plan.samples, machine))


def measure(case: Case, machine: Machine, *, samples: int, repeats: int) -> dict[str, Any]:
    """Times of both sides, in ns per unit: of every turn, their medians, and the ratio of the medians; and the least
    time that the machine would need, as a share of the kernel's."""
    device = machine.device
    work = case.make(samples, Generator().manual_seed(0), device)
    turn_of_kernel, turn_of_reference = _turn(work, device), _turn(work, device, reference=True)
    kernel, reference = [], []
    for _ in range(repeats):
        kernel.append(turn_of_kernel())
        reference.append(turn_of_reference())
    names = ("forward", "backward", "both") if work.wanted else ("forward",)
    passes = {name: _compared(name, kernel, reference, work.count) for name in names}
    for name, demand in demands(case, work, device).items():
        passes[name] |= _reached(demand, machine.ceiling(demand, work.count), passes[name]["kernel_ns"])
    target = asdict(case.target) if case.target else None
    return {"op": case.name, "unit": case.unit, "count": work.count, "target": target, "passes": passes}


def _turn(work: Work, device: torch.device, *, reference: bool = False) -> Callable[[], Passes]:
    """A turn of one side, warmed up: the median of as many calls as fit into TURN."""
    aside = references if reference else nullcontext
    with aside():
        directions = _directions(work)
        single = timed(work, directions, device)
    calls = max(1, min(MOST_CALLS, int(TURN / single.both)))

    def turn() -> Passes:
        with aside():
            times = [timed(work, directions, device) for _ in range(calls)]
        return Passes(*(median([getattr(each, name) for each in times]) for name in ("forward", "backward")))

    return turn


def timed(work: Work, directions: Tensor | None, device: torch.device) -> Passes:
    """One call. Gradients are dropped before it, save those that a training keeps and adds to."""
    for tensor in work.wanted:
        if not any(tensor is kept for kept in work.added_to):
            tensor.grad = None
    began = _now(device)
    output = work.run()
    called = _now(device)
    if isinstance(output, Tensor) and directions is not None:
        with adding_in_place(work.added_to):
            torch.autograd.backward(output, directions)
    return Passes(called - began, _now(device) - called)


def _directions(work: Work) -> Tensor | None:
    """What the gradient of the output is taken to be; None where there is no backward pass."""
    for tensor in work.added_to:
        tensor.grad = torch.zeros_like(tensor)
    output = work.run()
    return torch.randn_like(output) if work.wanted and isinstance(output, Tensor) else None


def _now(device: torch.device) -> float:
    synchronise(device)
    return time.perf_counter()


def _compared(name: str, kernel: Sequence[Passes], reference: Sequence[Passes], count: int) -> dict[str, Any]:
    """ns per unit. `ratio` is that of the medians, `ratio_of_turns` the median of the ratios of turns."""
    ours, theirs = ([getattr(turn, name) / count * 1e9 for turn in side] for side in (kernel, reference))
    return {
        "kernel_ns": median(ours),
        "reference_ns": median(theirs),
        "ratio": median(theirs) / median(ours),
        "ratio_of_turns": median([slow / fast for fast, slow in zip(ours, theirs, strict=True)]),
        "kernel_turns_ns": ours,
        "reference_turns_ns": theirs,
    }


def _reached(demand: Demand, ceiling: Ceiling, kernel_ns: float) -> dict[str, Any]:
    return {
        "flops": demand.flops,
        "bytes": demand.bytes,
        "ceiling_ns": ceiling.ns,
        "bound": ceiling.bound,
        "reached": ceiling.ns / kernel_ns if kernel_ns else None,
    }


def _sheet(figures: Sequence[dict[str, Any]], samples: int, machine: Machine) -> Sheet:
    columns = (
        "op",
        "pass",
        "kernel (ns)",
        "reference (ns)",
        "ratio",
        "MFLOP",
        "MB",
        "ceiling (ns)",
        "reached",
        "target",
    )
    rows = tuple(
        (f"{result['op']}, per {result['unit']}" if index == 0 else "", name, *_cells(name, result))
        for result in figures
        for index, name in enumerate(result["passes"])
    )
    notes = (
        f"Medians of nanoseconds, in float32, for about {samples:,} samples in one call; ratio = reference / "
        "kernel, which took turns in one process.",
        "The reference is the plain-torch function that defines the op: written to be read, not to be fast.",
        "Gradients: for hash_grid of the table, added to a kept gradient as in a training; for the others of "
        "all inputs that have one.",
        "MFLOP and MB: what a call cannot do without: its arithmetic, where that counts, and every tensor that it "
        "reads or writes, once. What a backward pass computes anew is no part of it, nor that lookups go to places all "
        "over their table.",
        f"Ceiling: the longer of two times: of that arithmetic at {machine.flops / 1e9:.0f} GFLOP/s, as a product of "
        "square matrices reached here, and of a copy of as many bytes; reached = ceiling / kernel.",
    )
    return Sheet("Kernels against their plain-torch references", columns, rows, notes)


def _cells(name: str, result: dict[str, Any]) -> tuple[str, ...]:
    passes, target = result["passes"][name], result["target"]
    wanted = f"≤ {target['ns']:g} ns, ≥ {target['ratio']:g}×" if target and name == "both" else ""
    values = (figure(passes["kernel_ns"]), figure(passes["reference_ns"]), f"{figure(passes['ratio'])}×")
    demand = (figure(passes["flops"] / 1e6) if passes["flops"] else "–", figure(passes["bytes"] / 1e6))
    reached = "–" if passes["reached"] is None else f"{passes['reached']:.0%} ({passes['bound']})"
    return *values, *demand, figure(passes["ceiling_ns"]), reached, wanted
