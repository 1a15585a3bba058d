"""Reading safetensors that may be anybody's."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from . import strict_json

LENGTH = 8  # bytes before a safetensors file's header, which say how long it is


def read_tensors(path: Path, entry: str) -> tuple[str, dict[str, Tensor]]:
    """The metadata's `entry` and all tensors, which take no more memory than the file.

    Raises OSError if the file cannot be read, ValueError if it is damaged, LookupError if it has no such entry; the
    last two say why, but not where.
    """
    _check_header(path)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, TypeError, AttributeError, RuntimeError) as error:
        raise ValueError(str(error)) from error  # the last three: types of number that torch does not know
    return metadata[entry], tensors


def part(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those whose names begin with it, without it."""
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def _check_header(path: Path) -> None:
    """Raises ValueError if it is longer, or deeper, than that of any field; the rest is the library's to check."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(LENGTH), "little")
        if length > strict_json.MOST_CHARACTERS:
            raise ValueError(f"its header would be {length} bytes long")
        strict_json.parse(file.read(length).decode())
