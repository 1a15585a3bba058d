"""The flags of `omnifield view`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from .choices import LOCAL, PORT, Device, named


@dataclass(frozen=True)
class View:
    """Look at trained fields in the browser, one or several to compare; or at a data set before training."""

    files: Annotated[
        tuple[Path, ...],
        tyro.conf.Positional,
        tyro.conf.arg(metavar="FILE ...", help_behavior_hint="(one or more)"),
    ]
    """Fields' files, folders of their trainings, or data sets."""
    host: Annotated[str, named("ADDRESS")] = LOCAL
    """Who may connect: 127.0.0.1 is this machine only, 0.0.0.0 anybody who can reach it. There is no password.
    They reach it by its IP address, its host name, or the name given here."""
    port: int = PORT
    """Of the page; 0 takes any that is free."""
    device: Device = "auto"
    """auto takes a GPU once there are kernels for it, until then the CPU; cuda runs plain torch."""
    json: bool = False
    """Print the result as one JSON object on standard output."""
