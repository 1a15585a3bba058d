"""`omnifield view`: trained fields, live in the browser; and data sets, before there is a field."""

import time
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from ..datasets.load import is_dataset
from ..ops import keep_freed_memory
from ..scenes.world_frames import WorldFrames
from ..terminal.interrupts import until_told_to_stop
from ..terminal.say import say
from ..train.field_file import load_field
from ..viewer.display import Display
from ..viewer.page import Page
from ..viewer.server import Viewer
from ..viewer.subject import Subject
from .device import choose_device
from .field_path import FIELD_FILE, find_field_file
from .flags.view import View
from .loading import loaded
from .page_address import how_to_open, page_url
from .view_actions import actions
from .view_outputs import PAINTS, difference, figure
from .view_scene import scene_subject
from .view_subjects import Library
from .view_tools import tools_for


def run_view(flags: View) -> dict[str, Any]:
    """Until Ctrl-C. Raises ValueError or FileNotFoundError in the user's words."""
    keep_freed_memory()
    console = Console(stderr=True)
    if not flags.files:
        raise ValueError("Name at least one field's file, the folder of its training, or a data set.")
    device = choose_device(flags.device, console)
    library = Library()
    shown = [_shown(path, library, device, console) for path in flags.files]
    display = Display([subject for subject, _, _ in shown], PAINTS, figure, difference)
    began = time.perf_counter()
    viewer = Viewer(display, host=flags.host, port=flags.port)
    _, folder, frames = shown[0]
    tools = tools_for(folder, frames)
    page = Page(viewer, tools, actions(library, lambda: display.look, tools.folder))
    try:
        with until_told_to_stop() as told:
            for line in how_to_open(flags.host, viewer.port):
                say(console, line)
            viewer.scheduler.serve(told.is_set)
    finally:
        page.close()
    return {"url": page_url(flags.host, viewer.port), "seconds": time.perf_counter() - began}


def _shown(
    path: Path, library: Library, device: torch.device, console: Console
) -> tuple[Subject, Path, WorldFrames]:
    """What is shown of a field or of a data set, in which folder what is made of it goes, and its frames."""
    if not (path / FIELD_FILE).is_file() and is_dataset(path):  # a run may hold its exported cameras
        scene = loaded(path, console)
        folder = path if path.is_dir() else path.parent
        return library.add_scene(scene_subject(scene, path)), folder, scene.frames
    file = find_field_file(path)
    trained = load_field(file, device)
    return library.add(trained, file), file.parent, trained.frames
