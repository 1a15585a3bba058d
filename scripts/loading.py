"""A data set, loaded: with a bar, where decoding its pictures takes long."""

from pathlib import Path

from rich.console import Console

from ..datasets import load_scene
from ..scenes import Scene
from ..terminal.bar import if_it_takes_long


def loaded(data: str | Path, console: Console, *, downscale: int = 1, test_every: int | None = None) -> Scene:
    """As `load_scene`, and raises as that does."""
    with if_it_takes_long("loading pictures", console) as told:
        return load_scene(data, downscale=downscale, test_every=test_every, told=told)
