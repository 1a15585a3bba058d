"""Names that people type in the browser, as files: always in one folder, never anywhere else."""

import re
from pathlib import Path

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ .-]{0,63}")


def file_in(folder: Path, name: str, suffix: str) -> Path:
    """The file of this name in the folder. Raises ValueError for a name that could mean any other place."""
    name = name.strip().removesuffix(suffix)
    if not NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is no name for a file: up to 64 letters, digits, spaces, dots, dashes and underscores."
        )
    return folder / f"{name}{suffix}"


def names_in(folder: Path, suffix: str) -> list[str]:
    """What could be read again, without the suffix."""
    return sorted(path.stem for path in folder.glob(f"*{suffix}") if path.is_file() and not path.is_symlink())
