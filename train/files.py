"""Files that are whole or not there: written beside their place, flushed, and renamed into it."""

import contextlib
import json
import math
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

MOST_OF_AN_ERROR = 400  # characters


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file in the folder of `path`, then put it in place.

    Raises ValueError, naming the file, where it cannot be written; nothing half-written stays behind.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.touch()  # with the permissions that the system gives new files; some writers make private ones
        mode = stat.S_IMODE(beside.stat().st_mode)
        write(beside)
        beside.chmod(mode)
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
    """What an error says, without its line breaks, and without what a terminal would not print as it is; shortened,
    because some errors quote whole files."""
    words = " ".join(str(error)[: 2 * MOST_OF_AN_ERROR].split())
    words = words if len(words) <= MOST_OF_AN_ERROR else words[:MOST_OF_AN_ERROR] + "…"
    return "".join(each if each.isprintable() else "\ufffd" for each in words) or type(error).__name__


def write_text(path: Path, text: str) -> None:
    def write(beside: Path) -> None:
        beside.write_text(text, encoding="utf-8")

    write_atomically(path, write)


def write_json(path: Path, content: Any) -> None:
    """Raises ValueError if it cannot be written."""
    write_text(path, json_text(content, indent=1))


def json_text(content: Any, indent: int | None = None) -> str:
    """The content as JSON, which has neither NaN nor infinity: null stands for a figure that there is not."""
    return json.dumps(_finite(content), indent=indent, allow_nan=False)


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _finite(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
