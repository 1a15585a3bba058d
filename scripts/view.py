"""`omnifield view`: trained fields, live in the browser."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console

from ..ops import keep_freed_memory
from ..terminal.counting import say
from ..terminal.progress import until_told_to_stop
from ..train.field_file import find_field_file, load_field
from ..viewer.display import Display
from ..viewer.page import Page
from ..viewer.server import Viewer
from .arguments import Device, choose_device
from .view_actions import actions
from .view_outputs import PAINTS, difference, figure
from .view_subjects import Library
from .view_tools import tools_for
from .where import LOCAL, PORT, url, where


@dataclass(frozen=True)
class View:
    """Look at trained fields in the browser: one, or several to switch between and compare."""

    files: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Fields' files, or folders of their trainings."""
    host: str = LOCAL
    """Who may connect: 127.0.0.1 is this machine only, 0.0.0.0 anybody who can reach it, by its IP address, its host
    name, or the name given here. There is no password."""
    port: int = PORT
    """Of the page; 0 takes any that is free."""
    device: Device = "auto"
    """auto takes a GPU once there are kernels for it, until then the CPU; cuda runs plain torch."""
    json: bool = False
    """Print the result as one JSON object on standard output."""


def run_view(flags: View) -> dict[str, Any]:
    """Until Ctrl-C. Raises ValueError or FileNotFoundError in the user's words."""
    keep_freed_memory()
    console = Console(stderr=True)
    if not flags.files:
        raise ValueError("Name at least one field's file, or the folder of its training.")
    device = choose_device(flags.device, console)
    files = [find_field_file(path) for path in flags.files]
    library = Library()
    fields = [load_field(file, device) for file in files]
    subjects = [library.add(trained, file) for trained, file in zip(fields, files, strict=True)]
    display = Display(subjects, PAINTS, figure, difference)
    began = time.perf_counter()
    viewer = Viewer(display, host=flags.host, port=flags.port)
    tools = tools_for(files[0].parent, fields[0].frames)
    page = Page(viewer, tools, actions(library, lambda: display.look, tools.folder))
    try:
        with until_told_to_stop() as told:
            for line in where(flags.host, viewer.port):
                say(console, line)
            viewer.scheduler.serve(told.is_set)
    finally:
        page.close()
    return {"url": url(flags.host, viewer.port), "seconds": time.perf_counter() - began}
