"""Long work in steps, so that whoever waits can be told how far it is, and can end it between two of them."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

Made = TypeVar("Made")


@dataclass(frozen=True)
class Stage:
    """How much of the work is done, from 0 to 1, and what is being done."""

    done: float
    words: str


Staged = Generator[Stage, None, Made]
"""Yields stages, and returns what it made."""


def stage(steps: Generator[float, None, Made], words: str, first: float, last: float) -> Staged[Made]:
    """Work that knows its own share, as the part of a larger one from `first` to `last`."""
    yield Stage(first, words)
    while True:
        try:
            done = next(steps)
        except StopIteration as end:
            return end.value
        yield Stage(first + done * (last - first), words)


def finished(work: Staged[Made], told: Callable[[Stage], None]) -> Made:
    """What the work made, having told of every stage."""
    while True:
        try:
            reached = next(work)
        except StopIteration as end:
            return end.value
        told(reached)
