"""Files that are whole or not there: written beside their place, flushed, and renamed into it."""

import contextlib
import os
import re
from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file in the folder of `path`, then put it in place.

    Raises ValueError, naming the file, where it cannot be written; nothing half-written stays behind.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(beside)
        beside.chmod(0o666 & ~_umask())  # some writers make private files
        with open(beside, "rb") as file:
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError as error:
        raise ValueError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """A safetensors file. Raises ValueError if it cannot be written."""
    ready = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}

    def write(beside: Path) -> None:
        try:
            save_file(ready, beside, metadata)
        except SafetensorError as error:  # safetensors hides the system's own error in its text
            number = re.search(r"os error (\d+)", str(error))
            raise OSError(os.strerror(int(number[1])) if number else one_line(error)) from error

    write_atomically(path, write)


def one_line(error: Exception) -> str:
    """What an error says, without its line breaks."""
    return " ".join(str(error).split()) or type(error).__name__


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: Path, text: str) -> None:
    def write(beside: Path) -> None:
        beside.write_text(text, encoding="utf-8")

    write_atomically(path, write)
