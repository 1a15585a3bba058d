"""Where a conversion goes: a field's file, and the report beside it."""

from collections.abc import Sequence
from pathlib import Path

from ..train.field_file import load_field
from .outputs import try_file, try_folder


def check_place(output: Path, report: Path, sources: Sequence[Path]) -> None:
    """Raises ValueError where the new field cannot be written, or something would be lost that is no conversion."""
    if output.suffix != ".safetensors" or any(output.exists() and output.samefile(path) for path in sources):
        raise ValueError(
            f"--output {output}: name another file than the field's own, ending in .safetensors."
        )
    try_file(output)
    try_folder(report)
    if output.exists() and not _is_conversion(output):
        raise ValueError(
            f"{output} is there already and no conversion made it: name another file with --output."
        )


def _is_conversion(file: Path) -> bool:
    try:
        return "converted_from" in load_field(file).provenance
    except ValueError:
        return False
