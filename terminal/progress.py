"""What a person sees while something long runs, and how they stop it."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ..train.loop import Progress as Step
from .interrupts import answering, unwind, unwound

Piece = TypeVar("Piece")


class TrainingBar:
    """A context, called after every step: a bar with the last held-out PSNR of a curve, rates and the time left, on
    the console it is given."""

    def __init__(self, console: Console, curve: Sequence[dict[str, float]]) -> None:
        self.curve = curve
        self.bar = Progress(
            TextColumn("step {task.fields[step]}"),
            BarColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
        )
        self.task = self.bar.add_task("", total=1.0, step=0, figures="")

    def __enter__(self) -> "TrainingBar":
        self.bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.bar.stop()

    def __call__(self, step: Step) -> None:
        held_out = f"{self.curve[-1]['psnr']:.2f} dB" if self.curve else "– dB"
        rates = f"{rate(step.rays_per_second)} rays/s, {rate(step.samples_per_second)} samples/s"
        self.bar.update(self.task, completed=step.spent, step=step.step, figures=f"{held_out}, {rates}")


def rate(per_second: float) -> str:
    """A rate with three figures: 1.23 M, 45.6 k, 789."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if per_second >= size:
            return f"{per_second / size:.3g} {unit}"
    return f"{per_second:.0f}"


def until_interrupted(pieces: Iterator[Piece]) -> tuple[list[Piece], bool]:
    """All pieces, or those that were whole before Ctrl-C, and whether that came. KeyboardInterrupt if none was."""
    whole = []
    try:
        for piece in pieces:
            whole.append(piece)
    except KeyboardInterrupt:
        if not whole:
            raise
        unwound()
        return whole, True
    return whole, False


class Told(threading.Event):
    """Set by the first signal to end, which ends a training that calls it; `again` is set by the second."""

    def __init__(self) -> None:
        super().__init__()
        self.again = threading.Event()

    def __call__(self, step: object) -> bool:
        return self.is_set()


@contextmanager
def until_told_to_stop(times: int = 1) -> Iterator[Told]:
    """What Ctrl-C, SIGTERM or a closed terminal set, so that the work in hand ends whole. After so many `times` of it
    the next one ends the program."""
    told = Told()

    def tell(signum: int, frame: object) -> None:
        if told.is_set() and (times == 1 or told.again.is_set()):
            unwind(signum, frame)
        (told.again if told.is_set() else told).set()

    with answering(tell):
        yield told
