"""`omnifield process`: from photographs, or a video, to a data set."""

from pathlib import Path
from typing import Any

from rich.console import Console

from ..photos.options import ProcessOptions
from .flags.process import Process
from .photos_scene import made, scene_beside


def run_process(flags: Process) -> dict[str, Any]:
    """Raises ValueError or FileNotFoundError in the user's words."""
    flags.check()
    options = ProcessOptions(
        max_size=flags.max_size,
        matcher=flags.matcher,
        features=flags.features,
        lens=flags.lens.upper(),  # pyright: ignore
        frames=flags.frames,
    )
    photos = Path(flags.photos).expanduser()
    scene = scene_beside(photos) if flags.output is None else flags.output.expanduser()
    return made(photos, scene, options, Console(stderr=True), overwrite=flags.overwrite)
