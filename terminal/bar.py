"""A bar over long work: what is being done, how far it is, its figures, the time it took and the time left."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ..train.loop import Progress as Step
from .say import rate

PATIENCE = 1.0  # seconds
Piece = TypeVar("Piece")
Some = TypeVar("Some", bound="Bar")


class Bar:
    """A context, on the console it is given."""

    def __init__(self, console: Console) -> None:
        self.progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[figures]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
        )
        self.task = self.progress.add_task("", total=1.0, figures="")

    def __enter__(self: Some) -> Some:
        self.progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.progress.stop()

    def update(self, done: float, what: str, figures: str) -> None:
        """`done` of the work, from 0 to 1."""
        self.progress.update(self.task, completed=done, description=what, figures=figures)


def counted(pieces: Iterable[Piece], total: int, what: str, console: Console) -> Iterator[Piece]:
    """The pieces as they come, while a bar shows how many there were."""
    with Bar(console) as bar:
        bar.update(0.0, what, f"0/{total}")
        for count, piece in enumerate(pieces, 1):
            bar.update(count / total, what, f"{count}/{total}")
            yield piece


@contextmanager
def if_it_takes_long(what: str, console: Console) -> Iterator[Callable[[int, int], None]]:
    """To be told how many pieces of how many are done: a bar shows it, but only of work that goes on for more than
    PATIENCE."""
    began, bar = time.perf_counter(), Bar(console)
    with ExitStack() as shown:

        def told(done: int, total: int) -> None:
            if not bar.progress.live.is_started:
                if done == total or time.perf_counter() - began < PATIENCE:
                    return
                shown.enter_context(bar)
            bar.update(done / total, what, f"{done}/{total}")

        yield told


class TrainingBar(Bar):
    """Called after every step: with the last held-out PSNR of a curve, and rates."""

    def __init__(self, console: Console, curve: Sequence[dict[str, float]]) -> None:
        super().__init__(console)
        self.curve = curve

    def __call__(self, step: Step) -> None:
        held_out = f"{self.curve[-1]['psnr']:.2f} dB" if self.curve else "– dB"
        rates = f"{rate(step.rays_per_second)} rays/s, {rate(step.samples_per_second)} samples/s"
        self.update(step.spent, f"step {step.step}", f"{held_out}, {rates}")
