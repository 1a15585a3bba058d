"""Whether a result can be put where it is to go: asked before the work begins, not after it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def try_folder(folder: Path) -> None:
    """Raises ValueError, naming the folder as it was given, where it cannot be made or no file be put into it.

    Nothing of the attempt is left.
    """
    with in_words(folder):
        _try(folder)


def try_file(file: Path) -> None:
    """Raises ValueError, naming the file as it was given, where it cannot be written. Leaves what is there as it is."""
    with in_words(file):
        if file.is_dir():
            raise ValueError(f"{file} cannot be written: it is a folder.")
        _nearest(file.with_name(f".{file.name}.{os.getpid()}.part"))  # such a name must not be too long
        _try(file.parent)


@contextmanager
def in_words(path: Path) -> Iterator[None]:
    """What the system refuses, as a ValueError of one sentence that names this path and no other."""
    try:
        yield
    except OSError as error:
        raise ValueError(f"{path} cannot be written: {error.strerror or error}.") from error


def _try(folder: Path) -> None:
    here = _nearest(folder)
    if not here.is_dir():
        raise NotADirectoryError(0, f"{here} is not a folder")
    with tempfile.TemporaryFile(dir=here):
        pass


def _nearest(path: Path) -> Path:
    """What exists of a path. Raises OSError where no such path can be."""
    while True:
        try:
            path.stat()
        except FileNotFoundError:
            path = path.parent
        else:
            return path
