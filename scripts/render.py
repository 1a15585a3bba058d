"""`omnifield render`: a trained field along a camera path, as a video or as pictures."""

import time
from itertools import takewhile
from typing import Any

from rich.console import Console

from ..datasets.camera_path import USUAL_FPS, CameraPath, from_nerfstudio
from ..export.film import at_times, path_around, pictures_of
from ..export.paths import at_size
from ..ops import keep_freed_memory
from ..scenes.camera_groups import commonest
from ..terminal.bar import counted
from ..terminal.interrupts import until_told_to_stop
from ..terminal.say import say
from ..train.exposure import remarks
from ..train.field_file import TrainedField, load_field
from . import film_output
from .arguments import choose_size
from .device import choose_device
from .field_path import find_field_file
from .flags.render import Render


def run_render(flags: Render) -> dict[str, Any]:
    """Ctrl-C ends the path early and keeps what was rendered.

    Raises ValueError or FileNotFoundError in the user's words.
    """
    keep_freed_memory()
    console = Console(stderr=True)
    film_output.check_name(flags.output)
    flags.check()
    device = choose_device(flags.device, console)
    file = find_field_file(flags.file)
    trained = load_field(file, device)
    film = _film(trained, flags)
    for remark in remarks(trained.provenance):
        say(console, remark)
    total, asked = len(film.cameras), (film.cameras.width, film.cameras.height)
    film_output.check_place(flags.output, file, total)
    if film.said:
        say(console, film.said)
    width, height = film_output.size_in_file(flags.output, asked, console)
    began = time.perf_counter()
    with until_told_to_stop() as told:
        views = takewhile(lambda view: view == 0 or not told.is_set(), range(total))
        pictures = pictures_of(trained, film.cameras, views, flags.show)
        count = film_output.write(flags.output, counted(pictures, total, "frame", console), film.fps)
    seconds = time.perf_counter() - began
    if not flags.json:
        say(console, f"{count} frames of {width}×{height} in {seconds:.1f} s: {flags.output}")
    return {
        "file": str(flags.output),
        "seconds": seconds,
        "frames": count,
        "fps": film.fps,
        "width": width,
        "height": height,
        "interrupted": count < total,
    }


def _film(trained: TrainedField, flags: Render) -> CameraPath:
    """The cameras of every frame, on the field's device."""
    usual = commonest(trained.cameras)
    if flags.camera_path is not None:
        near, frames = usual.near, trained.frames
        given = from_nerfstudio(flags.camera_path, near=near, frames=frames, asked=flags.frame)
        size = choose_size(flags.width, flags.height, (given.cameras.width, given.cameras.height))
        cameras, fps, said = at_size(given.cameras, size), flags.fps or given.fps, given.said
    else:
        size = choose_size(flags.width, flags.height, (usual.width, usual.height))
        fps, said = flags.fps or USUAL_FPS, ""
        cameras = path_around(trained, flags.path, flags.frame_count(fps), size)
    cameras = at_times(cameras, flags.time, flags.time_to)
    return CameraPath(cameras.to(trained.device), fps, said)
