"""The data set that belongs to a folder of photographs, or a video: beside it, made where it is not there yet."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console

from ..photos.found import holds_only_photos, is_video
from ..photos.options import ProcessOptions
from ..photos.process import STATED, Processed, fingerprint, process, work_folder
from ..scenes import Scene
from ..terminal.bar import Bar
from ..terminal.say import say
from .loading import loaded
from .outputs import in_words, try_folder
from .run_folder import claimed

FEW = 0.8  # of the pictures placed: fewer deserve advice
LARGE = 1200  # pixels of the longer side, about, that are worth a training on a processor
ADVICE = (
    "For more: photograph in small steps, each picture showing most of what the one before does; leave out "
    "blurred ones; try --features affine, which bridges larger steps; compare more pairs with --matcher exhaustive; or "
    "try another --max-size (1000 for blurred pictures, 3200 for fine detail)."
)


def scene_beside(source: Path) -> Path:
    full = source.resolve()
    return full.with_name(f"{full.stem if full.is_file() else full.name}-scene")


def load_data(data: str, downscale: int, test_every: int | None, console: Console) -> Scene:
    """As `load_scene`, of whatever the user calls their data. Raises as that does, and as `made`."""
    return loaded(data_of(data, console), console, downscale=downscale, test_every=test_every)


def data_of(data: str, console: Console) -> str:
    """The data set of what the user calls their data: of photographs, or a video, the one beside them, made where it is
    not there yet; of all else, that itself. Raises as `made`."""
    source = Path(data).expanduser()
    if not (is_video(source) or holds_only_photos(source)):
        return data
    scene = scene_beside(source)
    made(source, scene, ProcessOptions(), console, overwrite=False)
    return str(scene)


def made(
    source: Path, scene: Path, options: ProcessOptions, console: Console, *, overwrite: bool
) -> dict[str, Any]:
    """What `process.json` states of it. Raises ValueError or FileNotFoundError in the user's words; on Ctrl-C what was
    done so far stays beside, for the next time."""
    of, stated = fingerprint(source, options), _stated(scene)
    if stated is not None and stated["of"] == of:
        say(console, f"{scene} has been made of {source} already.")
        return {"scene": str(scene), **stated}
    _refuse_taken(source, scene, overwrite)
    try_folder(scene)
    taken = f"{scene} is being made already: wait for that to end, or name another folder with --output."
    with claimed(work_folder(scene), taken), ExitStack() as bars, in_words(scene):
        say(console, f"{source}: finding out from where each picture was taken, into {scene}")
        try:
            result = process(source, scene, options, _reporting(bars, console))
        except KeyboardInterrupt:
            bars.close()
            say(console, f"What is done so far is in {work_folder(scene)}: the same command goes on with it.")
            raise
    _tell(result, console)
    return {"scene": str(scene), **(_stated(scene) or {})}


def _reporting(bars: ExitStack, console: Console) -> Callable[[str, int, int], None]:
    """A bar for each phase, in turn."""
    last, bar = "", Bar(console)

    def report(phase: str, done: int, total: int) -> None:
        nonlocal last, bar
        if phase != last:
            bars.close()
            last, bar = phase, bars.enter_context(Bar(console))
        bar.update(done / total if total else 0.0, phase, f"{done}/{total}" if total else f"{done}")

    return report


def _tell(result: Processed, console: Console) -> None:
    count = len(result.placed) + len(result.unplaced)
    say(
        console,
        f"{len(result.placed)} of {count} pictures found a place, {result.error:.2f} px mean reprojection error, "
        f"{result.points:,} points, in {result.seconds:.0f} s",
    )
    if result.unplaced:
        say(console, f"No place was found for {', '.join(result.unplaced)}.")
    for name, why in result.unreadable:
        say(console, f"{name} was left out: it {why}.")
    if result.unplaced and result.models[1:]:
        others = ", ".join(map(str, result.models[1:]))
        say(console, f"The largest group that hangs together was taken; others have {others} pictures.")
    if result.share < FEW:
        say(console, ADVICE)
    factor = round(max(result.size) / LARGE)
    if factor > 1:
        size = "{}×{}".format(*result.size)
        say(
            console, f"The pictures have {size} pixels: train them with --downscale {factor} to learn faster."
        )


def _stated(scene: Path) -> dict[str, Any] | None:
    """None where no process made the folder."""
    try:
        stated = json.loads((scene / STATED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return stated if isinstance(stated, dict) and "of" in stated else None


def _refuse_taken(source: Path, scene: Path, overwrite: bool) -> None:
    """What is there goes only where that was asked for, and only a data set that was made so."""
    if not scene.exists() or (scene.is_dir() and not any(scene.iterdir())):
        return
    if _stated(scene) is None:
        raise ValueError(f"{scene} holds something else already: name another folder with --output.")
    if not overwrite:
        raise ValueError(
            f"{scene} was made of other pictures, or with other options: omnifield process {source} --output {scene} "
            "--overwrite makes it anew, and another --output keeps it."
        )
