"""Where a field's file is that somebody names by its run."""

from pathlib import Path

FIELD_FILE = "field.safetensors"  # of a run folder


def find_field_file(path: Path) -> Path:
    """A field's file as given, or the one in a run folder. Raises FileNotFoundError where there is none."""
    if not path.exists():
        raise FileNotFoundError(f"There is no file or folder {path}.")
    if not path.is_dir():
        return path
    if not (path / FIELD_FILE).is_file():
        raise FileNotFoundError(f"The folder {path} holds no {FIELD_FILE}: it is not that of a training.")
    return path / FIELD_FILE
