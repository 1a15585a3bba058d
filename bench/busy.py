"""What is left of the speed beside one busy process, and what a second thread is worth: trainings and the viewer."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from ..export.paths import orbit
from ..ops import set_threads, threads
from ..scenes import Cameras
from ..terminal.bar import counted
from ..terminal.interrupts import StopRequest, until_told_to_stop
from ..terminal.say import say
from ..train.field_file import TrainedField, load_field
from ..train.run import Run
from ..train.schedule import Budget
from ..viewer.display import Display
from .busy_process import busy_process
from .machine import slug
from .report import Measured, Sheet, figure, median
from .stepping import Stepping
from .viewer import TURN, first_picture, served
from .viewer_client import plain_client
from .what import What

QUIET, BUSY, ALONE = "quiet", "busy", "one_thread"


@dataclass(frozen=True)
class BusyPlan:
    """What to train, seconds of all turns together, how many there are of each kind, and how a viewer shows what comes
    of it at so many pixels along each side."""

    what: What
    max_seconds: float
    repeats: int
    side: int
    display: Callable[[TrainedField, Path], Display]


def measure_busy(plan: BusyPlan, device: torch.device, console: Console) -> Measured:
    """Quiet, busy and on one thread in turns, A B C A B C, so that a machine which changes changes all of them. Raises
    ValueError or FileNotFoundError in the user's words; KeyboardInterrupt where no turn of each was whole."""
    # Twice the seconds: the turns do not come to the end of the budget.
    stepping = Stepping(plan.what, Budget(seconds=2 * plan.max_seconds), device)
    with until_told_to_stop() as told:
        rates = _training(stepping, plan, told, console)
    if not rates[ALONE]:
        raise KeyboardInterrupt
    moves: dict[str, list[float]] = {QUIET: [], BUSY: []}
    if not told.is_set():
        say(console, "The viewer: first pictures after a move, quiet and busy in turns.")
        moves = _viewed(stepping, plan, device)
    figures = {
        "scene": stepping.scene.name,
        "source": stepping.scene.source,
        "field": plan.what.config.tag,
        "turn_seconds": _turn_seconds(plan),
        "repeats": plan.repeats,
        "side": plan.side,
        "threads": threads(),
        "interrupted": told.is_set(),
    } | _figures(rates, moves)
    return Measured(slug(f"busy {figures['scene']} {figures['field']}"), figures, _sheet(figures))


def _viewed(stepping: Stepping, plan: BusyPlan, device: torch.device) -> dict[str, list[float]]:
    """Of the field as its file has it."""
    with tempfile.TemporaryDirectory() as folder:
        provenance = {"scene": stepping.scene.name}
        file = Run(Path(folder), stepping.scene, stepping.training, provenance).save()
        trained = load_field(file, device)
        cameras = orbit(trained, TURN, (plan.side, plan.side))
        return served(plan.display(trained, file), lambda port: _moves(port, cameras, plan.repeats))


def _turn_seconds(plan: BusyPlan) -> float:
    return plan.max_seconds / (3 * plan.repeats + 1)  # and one turn that does not count


def _training(
    stepping: Stepping, plan: BusyPlan, told: StopRequest, console: Console
) -> dict[str, list[float]]:
    """Steps per second of every whole turn."""
    rates: dict[str, list[float]] = {QUIET: [], BUSY: [], ALONE: []}
    stepping.for_seconds(_turn_seconds(plan), told)
    for _ in counted(range(plan.repeats), plan.repeats, "turns", console):
        for kind, beside in ((QUIET, nullcontext), (BUSY, busy_process), (ALONE, _one_thread)):
            with beside():
                taken = stepping.for_seconds(_turn_seconds(plan), told)
            if told.is_set():
                return rates
            rates[kind].append(taken.steps / max(taken.seconds, 1e-9))
    return rates


@contextmanager
def _one_thread() -> Iterator[None]:
    before = threads()
    set_threads(1)
    try:
        yield
    finally:
        set_threads(before)


async def _moves(port: int, cameras: Cameras, repeats: int) -> dict[str, list[float]]:
    """Seconds to the first picture after each move."""
    first: dict[str, list[float]] = {QUIET: [], BUSY: []}
    async with plain_client(port, (cameras.width, cameras.height)) as client:
        await first_picture(client, cameras, 0)  # one that does not count
        for turn in range(2 * repeats):
            kind, beside = ((QUIET, nullcontext), (BUSY, busy_process))[turn % 2]
            with beside():
                _, seconds = await first_picture(client, cameras, (turn + 1) * TURN // (2 * repeats + 1))
            first[kind].append(seconds)
    return first


def _figures(rates: dict[str, list[float]], moves: dict[str, list[float]]) -> dict[str, Any]:
    speed = {kind: median(each) for kind, each in rates.items()}
    first = {kind: median(each) if each else None for kind, each in moves.items()}
    return {
        "steps_per_second": speed,
        "steps_per_second_each": rates,
        "busy_share": speed[BUSY] / speed[QUIET],
        "threads_ratio": speed[QUIET] / speed[ALONE],
        "first_picture_seconds": first,
        "first_picture_seconds_each": moves,
    }


def _sheet(figures: dict[str, Any]) -> Sheet:
    speed, first = figures["steps_per_second"], figures["first_picture_seconds"]
    rows = (
        ("steps per second, quiet", figure(speed[QUIET])),
        ("steps per second, beside one busy process", figure(speed[BUSY])),
        ("share of the quiet speed that is left", f"{figures['busy_share']:.0%}"),
        ("steps per second on one thread, quiet", figure(speed[ALONE])),
        (f"{figures['threads']} threads against one", f"{figures['threads_ratio']:.2f}×"),
        ("first picture after a move, quiet (s)", figure(first[QUIET])),
        ("first picture after a move, busy (s)", figure(first[BUSY])),
    )
    notes = (
        f"Medians of {figures['repeats']} turns of {figures['turn_seconds']:.3g} s each, of one training, in the order "
        "quiet, busy, one thread.",
        f"Pictures: {figures['side']}×{figures['side']} pixels, {figures['repeats']} moves of each kind, in turns.",
        "Busy: one process that counts, in a session of its own. Quiet is only as quiet as the load average says.",
    )
    title = f"Beside a busy process: {figures['field']} on {figures['scene']}"
    return Sheet(title, ("", "median"), rows, notes)
