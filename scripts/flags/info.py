"""The flags of `omnifield info`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from .choices import named


@dataclass(frozen=True)
class Info:
    """Say what is in a trained field's file."""

    file: Annotated[Path, tyro.conf.Positional, named("FILE")]
    """The field's file, or the folder of its training."""
    json: bool = False
    """Print the result as one JSON object on standard output."""
