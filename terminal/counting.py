"""What a person is told on the way: a bar over work that comes in pieces, and plain sentences."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ..scenes import Views
from ..scenes.views import view_count
from ..train.evaluate import masked_everywhere

Piece = TypeVar("Piece")


def counted(pieces: Iterable[Piece], total: int, what: str, console: Console) -> Iterator[Piece]:
    """The pieces as they come, while a bar on the console shows how many there were and the time left."""
    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(what, total=total)
        for piece in pieces:
            bar.advance(task)
            yield piece


def say(console: Console, text: str) -> None:
    """A sentence as it is: rich would take a bracket in a file name for markup, and break long lines."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def say_masked(console: Console, groups: Sequence[Views]) -> None:
    """Name the held-out views of which no figure can be told."""
    names = masked_everywhere(groups)
    if names:
        who = f"Held-out view {names[0]} is" if len(names) == 1 else f"Held-out views {', '.join(names)} are"
        say(console, f"{who} masked everywhere, and left out of all figures.")


def check_some_counted(console: Console, groups: Sequence[Views]) -> None:
    """As `say_masked`; raises ValueError where that is all of them."""
    if len(masked_everywhere(groups)) == view_count(groups):
        raise ValueError("Every held-out view is masked everywhere: there is nothing to measure by.")
    say_masked(console, groups)


def decibels(psnr: float) -> str:
    """A dash where there is no figure."""
    return "– dB" if math.isnan(psnr) else f"{psnr:.2f} dB"
