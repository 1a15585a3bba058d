"""A way in which people keep posed pictures: how it is known, and what reads it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..scenes import Scene

Told = Callable[[int, int], None]


def untold(done: int, total: int) -> None:
    """Nobody waits for it."""


@dataclass(frozen=True)
class Reading:
    """How a data set is to be read: each side of its pictures divided by `downscale`, and every so many of them, in the
    order of their names, held out for testing; None is as the format has it. `told` how many pictures of how many have
    been decoded."""

    downscale: int = 1
    test_every: int | None = None
    told: Told = untold

    def refuse_test_every(self, file: Path) -> None:
        """Where it is settled already which pictures are for testing. Raises ValueError."""
        if self.test_every is not None:
            raise ValueError(f"--test-every is for data in one set; {file} says itself what is for testing.")


@dataclass(frozen=True)
class Format:
    """`holds` says in words what makes a folder one, for those who have another; "" where there is nothing to say.

    `fits` is asked of a folder or file that is there. `load` is given the same, and how to read it; it raises
    FileNotFoundError or ValueError that names the file and the field.
    """

    holds: str
    fits: Callable[[Path], bool]
    load: Callable[[Path, Reading], Scene]
