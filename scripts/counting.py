"""What a person is told on the way: a bar over work that comes in pieces, and plain sentences."""

from collections.abc import Iterable, Iterator
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
