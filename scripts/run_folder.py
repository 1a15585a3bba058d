"""A run folder is one training's: it is claimed before anything is written, and nothing in it is lost unasked."""

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path

from .outputs import in_words, try_folder

RESULTS = ("field.safetensors", "state.safetensors")
MADE = (*RESULTS, "config.json", "curve.json", "curve.png", "metrics.json", "picture.png", "images", "events")


TAKEN = "{} is in use by another training: wait for its end, or name another folder with --run-dir."


@contextmanager
def claimed(folder: Path, taken: str = TAKEN) -> Iterator[Path]:
    """The folder, made where it is not there, for this process alone; the claim dies with the process.

    A folder that was made and stayed empty is removed in the end. Raises ValueError where another process has it, in
    the words of `taken`, or it cannot be made.
    """
    try_folder(folder)
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    with in_words(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with _kept_to_ourselves(folder, missing, taken):
        yield folder


@contextmanager
def claimed_anew(parent: Path) -> Iterator[Path]:
    """A new folder for a training that begins now, with a number behind the time where others began then, too."""
    missing = [place for place in (parent, *parent.parents) if not place.exists()]
    began = datetime.now().strftime("%Y-%m-%d_%H%M%S")
    with in_words(parent):
        parent.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            folder = parent / (began if number == 1 else f"{began}_{number}")
            with contextlib.suppress(FileExistsError):
                folder.mkdir()
                break
    with _kept_to_ourselves(folder, [folder, *missing], TAKEN):
        yield folder


def refuse_taken(folder: Path, overwrite: bool) -> None:
    """Raises ValueError where a training's results are in the folder and nobody said that they may go, or where
    something in it has a name of theirs and is none."""
    present = [name for name in MADE if (folder / name).exists()]
    finished = any(name in RESULTS for name in present)
    if present and not finished and not _is_config(folder / "config.json"):
        raise ValueError(
            f"{folder} holds {present[0]}, which no training made: name another folder with --run-dir."
        )
    if finished and not overwrite:
        raise ValueError(
            f"{folder} holds a training already: --resume goes on with it, --overwrite replaces it, and another "
            "--run-dir keeps it."
        )


def refuse_data_folder(folder: Path, data: str) -> None:
    """Raises ValueError where the pictures of a run would lie among those of its data."""
    source = Path(data).expanduser()
    home = source.parent if source.suffix == ".json" else source
    if folder.exists() and home.exists() and home.samefile(folder):
        raise ValueError(f"{folder} is the folder of the data: name another one with --run-dir.")


def clear(folder: Path) -> None:
    """Remove what a training made, and nothing else. Raises ValueError where it cannot be removed."""
    with in_words(folder):
        for path in (folder / name for name in MADE):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _is_config(path: Path) -> bool:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and {"flags", "config"} <= content.keys()


@contextmanager
def _kept_to_ourselves(folder: Path, made: list[Path], taken: str) -> Iterator[None]:
    lock = _lock(folder, taken)
    try:
        yield
    finally:
        for place in made:  # from the inside out, as far as they are empty
            with contextlib.suppress(OSError):
                place.rmdir()
        if lock is not None:
            os.close(lock)


def _lock(folder: Path, taken: str) -> int | None:
    """None where the system or the folder's disk knows no locks. Raises ValueError where another process has it, or had
    it until now and has put another in its place."""
    if sys.platform == "win32":
        return None
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours = folder.exists() and os.path.samestat(os.fstat(handle), folder.stat())
    except BlockingIOError:
        ours = False
    except OSError:  # some network file systems
        os.close(handle)
        return None
    if not ours:
        os.close(handle)
        raise ValueError(taken.format(folder))
    return handle
