"""`omnifield view`: trained fields, live in the browser."""

import time
from typing import Any

from rich.console import Console

from ..ops import keep_freed_memory
from ..terminal.interrupts import until_told_to_stop
from ..terminal.say import say
from ..train.field_file import load_field
from ..viewer.display import Display
from ..viewer.page import Page
from ..viewer.server import Viewer
from .device import choose_device
from .field_path import find_field_file
from .flags.view import View
from .page_address import how_to_open, page_url
from .view_actions import actions
from .view_outputs import PAINTS, difference, figure
from .view_subjects import Library
from .view_tools import tools_for


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
            for line in how_to_open(flags.host, viewer.port):
                say(console, line)
            viewer.scheduler.serve(told.is_set)
    finally:
        page.close()
    return {"url": page_url(flags.host, viewer.port), "seconds": time.perf_counter() - began}
