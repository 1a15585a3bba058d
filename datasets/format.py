"""A way in which people keep posed pictures: how it is known, and what reads it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..scenes import Scene


@dataclass(frozen=True)
class Format:
    """`holds` says in words what makes a folder one, for those who have another; "" where there is nothing to say.

    `fits` is asked of a folder or file that is there. `load` is given the same, and by how much each side of the
    pictures is to be divided; it raises FileNotFoundError or ValueError that names the file and the field.
    """

    holds: str
    fits: Callable[[Path], bool]
    load: Callable[[Path, int], Scene]
