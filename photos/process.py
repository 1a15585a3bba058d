"""The straight line from photographs to a scene: find, prepare, reconstruct, write, and put in place.

All work is done in a folder beside the scene, which takes the scene's name in the end. Where it is broken off, that
folder keeps what is done, and the same call goes on with it.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ..datasets.image_file import read_header
from ..datasets.photographs import IMAGES, MASKS
from .child import Report, check_pycolmap, run_child
from .found import FEWEST, Found, Photo, check_source, find_photos, is_video
from .options import ProcessOptions
from .plan import plan_of
from .prepared import Prepared, prepare
from .written import write_scene

STATED = "process.json"
OF, FRAMES, INNER = "of", "frames", "sfm"  # in the folder that is worked in


@dataclass(frozen=True)
class Processed:
    """`placed` and `unplaced` are the photographs' own names, `unreadable` (name, why), `models` how many pictures each
    group has that hangs together. `error` is the mean distance of features from where their points project to."""

    scene: Path
    placed: tuple[str, ...]
    unplaced: tuple[str, ...]
    unreadable: tuple[tuple[str, str], ...]
    models: tuple[int, ...]
    error: float  # pixels
    points: int
    size: tuple[int, int]  # of the largest picture
    seconds: float

    @property
    def share(self) -> float:
        return len(self.placed) / (len(self.placed) + len(self.unplaced))


def work_folder(scene: Path) -> Path:
    full = scene.resolve()  # a name may be of dots alone
    return full.with_name(f".{full.name}.part")


def process(source: Path, scene: Path, options: ProcessOptions, report: Report) -> Processed:
    """From a folder of photographs, or a video. Where it is interrupted, what was done so far stays for the next time.

    Raises ValueError or FileNotFoundError in the user's words, and OSError where the disk refuses; then nothing stays.
    """
    check_pycolmap()
    work = _begun(work_folder(scene), fingerprint(source, options))
    try:
        return _processed(source, scene, work, options, report)
    except (ValueError, OSError):
        shutil.rmtree(work, ignore_errors=True)
        raise


def _processed(source: Path, scene: Path, work: Path, options: ProcessOptions, report: Report) -> Processed:
    began = time.perf_counter()
    found = _frames(source, work, options, report) if is_video(source) else find_photos(source)
    pictures, unreadable = _prepared(found, work, report)
    _check_enough(source, pictures, unreadable)
    inner = work / INNER
    plan = inner / "plan.json"
    plan.write_text(json.dumps(plan_of(inner, pictures, options, in_turn=is_video(source))), encoding="utf-8")
    result = run_child(plan, inner / "pycolmap.log", len(pictures), report)
    placed = set(result["placed"])
    _check_placed(source, len(placed), len(pictures))
    write_scene(work, inner / "output", pictures)
    processed = Processed(
        scene=scene,
        placed=tuple(each.original.name for each in pictures if each.number in placed),
        unplaced=tuple(each.original.name for each in pictures if each.number not in placed),
        unreadable=unreadable,
        models=tuple(result["models"]),
        error=result["error"],
        points=result["points"],
        size=max(each.size for each in pictures),
        seconds=time.perf_counter() - began,
    )
    _finish(work, processed, [each for each in pictures if each.number not in placed])
    return processed


def fingerprint(source: Path, options: ProcessOptions) -> str:
    """Of the photographs, or the video, and of how they are processed. Raises as `find_photos`."""
    check_source(source)
    paths = [source] if is_video(source) else [each.path for each in find_photos(source).photos]
    files = [(each.name, each.stat().st_size, each.stat().st_mtime_ns) for each in paths]
    return hashlib.sha256(json.dumps([files, asdict(options)]).encode()).hexdigest()


def _begun(work: Path, of: str) -> Path:
    """The folder to work in; what it holds of other photographs, or of other options, goes. The folder itself stays,
    for it may be claimed."""
    mark = work / OF
    if work.exists() and not (mark.is_file() and mark.read_text() == of):
        for each in work.iterdir():
            shutil.rmtree(each) if each.is_dir() else each.unlink()
    (work / INNER).mkdir(parents=True, exist_ok=True)
    mark.write_text(of)
    return work


def _frames(video: Path, work: Path, options: ProcessOptions, report: Report) -> Found:
    from .video_frames import take_frames

    def told(count: int) -> None:
        report("frames", count, 0)

    paths = take_frames(video, work / FRAMES, options.frames, told)
    return Found(work / FRAMES, tuple(Photo(path, read_header(path)) for path in paths), ())


def _prepared(found: Found, work: Path, report: Report) -> tuple[list[Prepared], tuple[tuple[str, str], ...]]:
    places = (found.folder / MASKS, *([found.folder.with_name(MASKS)] if found.folder.name == IMAGES else []))
    masks = next((place for place in places if place.is_dir()), None)
    pictures, unreadable, total = [], list(found.unreadable), len(found.photos)
    report("pictures", 0, total)
    ready = prepare(found.photos, work / IMAGES, masks)
    for done, each in enumerate(ready, 1):
        if isinstance(each, Prepared):
            pictures.append(each)
        else:
            unreadable.append(each)
        report("pictures", done, total)
    return pictures, tuple(unreadable)


def _check_enough(source: Path, pictures: Sequence[Prepared], unreadable: Sequence[tuple[str, str]]) -> None:
    if len(pictures) < FEWEST:
        why = f": {unreadable[0][0]} cannot be used, since it {unreadable[0][1]}" if unreadable else ""
        raise ValueError(
            f"{source} holds {len(pictures)} pictures that can be read, and a scene takes {FEWEST} at least{why}."
        )


def _check_placed(source: Path, placed: int, count: int) -> None:
    if placed < FEWEST:
        raise ValueError(
            f"{source}: of {count} pictures {placed or 'none'} found a place beside the others. They may show "
            "different things, share too little (each should show most of what the one before does, from a step "
            "aside), be blurred, or show bare or mirroring surfaces."
        )


def _finish(work: Path, processed: Processed, unplaced: Sequence[Prepared]) -> None:
    """Pictures without a place go, and so does all that was only worked with; then the scene has its name."""
    figures = {name: value for name, value in asdict(processed).items() if name != "scene"}
    stated = {"of": (work / OF).read_text(), **figures}
    (work / STATED).write_text(json.dumps(stated, indent=1), encoding="utf-8")
    for each in unplaced:
        (work / IMAGES / each.name).unlink()
        if each.mask:
            (work / MASKS / each.mask).unlink()
    for folder in (work / INNER, work / FRAMES):
        shutil.rmtree(folder, ignore_errors=True)
    (work / OF).unlink()
    _put_in_place(work, processed.scene)


def _put_in_place(work: Path, scene: Path) -> None:
    """An older scene of this name goes only when the new one is whole."""
    scene = scene.resolve()
    old = scene.with_name(f".{scene.name}.old")
    if scene.exists():
        os.replace(scene, old)
    os.replace(work, scene)
    shutil.rmtree(old, ignore_errors=True)
