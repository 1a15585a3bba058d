"""`omnifield export`: what leaves the program. Each kind is a module of its own, `export_mesh` and so on."""

from importlib import import_module
from typing import Any

from rich.console import Console

from ..ops import keep_freed_memory
from ..train.field_file import load_field
from .device import choose_device
from .export_place import Place
from .field_path import find_field_file
from .flags.export import Export
from .web_page import run_web


def run_export(flags: Export) -> dict[str, Any]:
    """Raises ValueError or FileNotFoundError in the user's words."""
    keep_freed_memory()
    flags.check()
    console = Console(stderr=True)
    if flags.what == "web":  # which may take another field than the file's
        return run_web(flags, console)
    kind = import_module(f".export_{flags.what}", __package__)
    file = find_field_file(flags.file)
    place = Place.of(file, flags.output, kind.NAME, kind.ENDINGS)
    trained = load_field(file, choose_device(flags.device, console))
    return kind.run(trained, place, flags, console)
