"""Photographs whose poses are known, stripped of them: how many find a place, how near to the given one, how soon."""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from rich.console import Console
from torch import Tensor

from ..datasets import load_scene
from ..datasets.photographs import MASKS, choose, has_photographs, listed
from ..photos.options import ProcessOptions
from ..photos.prepared import link
from ..photos.process import process
from ..scenes import Scene
from ..scenes.camera_groups import all_poses
from ..scenes.views import cameras_of, full_size, names_of
from ..terminal.bar import Bar
from ..terminal.interrupts import until_interrupted
from ..terminal.say import say
from .machine import slug
from .report import Measured, Sheet, figure
from .similarity import distances_after_similarity, extent


@dataclass(frozen=True)
class ProcessPlan:
    """`data` is a folder of one data set with `images`, or of several such folders."""

    data: Path
    options: ProcessOptions


def measure_process(plan: ProcessPlan, console: Console) -> Measured:
    """Raises ValueError or FileNotFoundError in the user's words."""
    folders = sets_in(plan.data)
    results, interrupted = until_interrupted(_measure(folder, plan.options, console) for folder in folders)
    figures = {"options": asdict(plan.options), "results": results, "interrupted": interrupted}
    return Measured(slug(f"process {plan.data.resolve().name}"), figures, _sheet(results))


def sets_in(data: Path) -> list[Path]:
    """Raises FileNotFoundError where there is none."""
    folders = (
        [data] if has_photographs(data) else sorted(each for each in _folders(data) if has_photographs(each))
    )
    if not folders:
        raise FileNotFoundError(
            f"bench process needs a data set's folder with images in it, or a folder of such: {data} is neither."
        )
    return folders


def _folders(data: Path) -> Iterator[Path]:
    return (each for each in data.iterdir() if each.is_dir()) if data.is_dir() else iter(())


def _measure(folder: Path, options: ProcessOptions, console: Console) -> dict[str, Any]:
    say(console, f"{folder.name}: photographs without their poses")
    given = load_scene(folder)
    with tempfile.TemporaryDirectory() as place:
        photos, scene = Path(place) / "photos", Path(place) / "scene"
        count = _strip(folder, photos)
        began, processor = time.perf_counter(), _processor_seconds()
        with Bar(console) as bar:

            def report(phase: str, done: int, total: int) -> None:
                bar.update(done / max(total, 1), phase, f"{done}/{total}")

            result = process(photos, scene, options, report)
        seconds, processor = time.perf_counter() - began, _processor_seconds() - processor
        off, size = _off(given, load_scene(scene))
    return {
        "scene": folder.name,
        "pictures": count,
        "placed": len(result.placed),
        "unplaced": list(result.unplaced),
        "reprojection_error": result.error,
        "points": result.points,
        "compared": len(off),
        "median_off": off.median().item() / size,
        "most_off": off.max().item() / size,
        "seconds": seconds,
        "processor_seconds": processor,
        "models": list(result.models),
    }


def _strip(folder: Path, photos: Path) -> int:
    """The pictures, and their masks, and nothing else."""
    chosen = choose(folder, 1)
    photos.mkdir()
    for path in listed(chosen.folder):
        link(path, photos / path.name)
    masks = next((each for each in chosen.masks if each.is_dir()), None)
    if masks is not None:
        (photos / MASKS).mkdir()
        for path in listed(masks):
            link(path, photos / MASKS / path.name)
    return len(listed(photos))


def _off(given: Scene, found: Scene) -> tuple[Float[Tensor, "camera"], float]:
    """How far cameras are from the given ones after a similarity, and how far the given ones are apart at most."""
    one, other = _centres(given), _centres(found)
    both = sorted(one.keys() & other.keys())
    if len(both) < 3:
        raise ValueError(
            "Fewer than three of the pictures that were placed have given poses: none can be compared."
        )
    true = torch.stack([one[name] for name in both])
    return distances_after_similarity(torch.stack([other[name] for name in both]), true), extent(true)


def _centres(scene: Scene) -> dict[str, Float[Tensor, "xyz=3"]]:
    groups = full_size(scene.train) + full_size(scene.test)
    centres = all_poses(cameras_of(groups))[:, :3, 3].double()
    return dict(zip(names_of(groups), centres, strict=True))


def _processor_seconds() -> float:
    """Of this process and of all its children that have ended."""
    import resource  # not on Windows, where the other measurements still are to run

    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, kinds))


def _sheet(results: list[dict[str, Any]]) -> Sheet:
    rows = tuple(
        (
            each["scene"],
            f"{each['placed']} of {each['pictures']}",
            f"{each['reprojection_error']:.2f}",
            f"{each['median_off']:.2%}",
            f"{each['most_off']:.2%}",
            figure(each["seconds"]),
            figure(each["processor_seconds"]),
        )
        for each in results
    )
    columns = ("photographs", "placed", "reprojection (px)", "median off", "most off", "s", "processor s")
    notes = (
        "Pictures alone, stripped of their poses, with their masks where they have some. Off: how far camera centres "
        "are from the given ones after the best similarity, in shares of the distance of the two given ones that are "
        "farthest apart.",
        "Processor seconds are those of all threads: on a shared machine they say more than the clock does.",
    )
    return Sheet("Photographs to poses", columns, rows, notes)
