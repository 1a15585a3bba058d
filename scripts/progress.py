"""What a person sees while something long runs, and how they stop it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ..train.loop import Budget
from ..train.loop import Progress as Step
from ..train.run import Run


class TrainingBar:
    """A context: a bar with held-out PSNR, rates and the time left, on the console it is given."""

    def __init__(self, console: Console, budget: Budget) -> None:
        self.budget = budget
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

    def show(self, step: Step, run: Run) -> None:
        held_out = f"{run.curve[-1]['psnr']:.2f} dB" if run.curve else "– dB"
        rates = f"{rate(step.rays_per_second)} rays/s, {rate(step.samples_per_second)} samples/s"
        self.bar.update(self.task, completed=step.spent, step=step.step, figures=f"{held_out}, {rates}")


def rate(per_second: float) -> str:
    """A rate with three figures: 1.23 M, 45.6 k, 789."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if per_second >= size:
            return f"{per_second / size:.3g} {unit}"
    return f"{per_second:.0f}"


@contextmanager
def until_told_to_stop() -> Iterator[threading.Event]:
    """An event that Ctrl-C or SIGTERM sets, so that the work in hand ends whole; a second one ends the program."""
    told = threading.Event()

    def tell(signum: int, frame: object) -> None:
        del frame
        told.set()
        signal.signal(signum, before[signal.Signals(signum)])

    before = {signum: signal.signal(signum, tell) for signum in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield told
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
