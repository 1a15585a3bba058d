"""`omnifield train`: from images, or a mesh, to a field."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import takewhile
from pathlib import Path
from typing import Any

from rich.console import Console

from ..datasets import load_scene
from ..ops import keep_freed_memory
from ..scenes import Scene
from ..scenes.multiscale import with_scales
from ..terminal.bar import TrainingBar, counted
from ..terminal.interrupts import StopRequest, until_told_to_stop
from ..terminal.say import decibels, say, say_masked
from ..train.checkpoint import load_training
from ..train.evaluate import Judged, mean_figure
from ..train.files import write_json
from ..train.loop import Budget, FitConfig, Progress, begin, what_goes_back
from ..train.run import Run
from .arguments import LARGEST_SIDE, MOST_SCALES, check_count, check_seed
from .budget import budget_of
from .device import choose_device
from .flags.train import Train
from .outputs import try_folder
from .resuming import Chosen, chosen, kept_in_config, refuse_other_data, resumed
from .run_folder import claimed, claimed_anew, clear, refuse_data_folder, refuse_taken

GIVEN = ("field", "preset", "set", "seed", "downscale", "scales", "max_seconds", "max_steps")


def run_train(flags: Train) -> dict[str, Any]:
    """Raises ValueError or FileNotFoundError in the user's words."""
    keep_freed_memory()
    console = Console(stderr=True)
    what = _checked(flags)
    budget, device = budget_of(what.max_seconds, what.max_steps), choose_device(flags.device, console)
    if flags.viewer:
        from ..viewer.door import listen  # seconds to import: only who looks on pays

        listen(flags.host, flags.port).close()  # whether it can be, before anything is written
    with ExitStack() as claims:
        folder = _claim(flags, claims)
        scene = _load(flags.data, what, console).to(device)
        training = begin(scene, what.config, FitConfig(seed=what.seed), budget=budget)
        if training.seconds >= budget.seconds and not flags.resume:
            raise ValueError(
                f"The budget is too small: to begin took {training.seconds:.1f} s, --max-seconds is {budget.seconds:g}."
            )
        if folder is None:
            folder = claims.enter_context(claimed_anew(flags.output / scene.name / what.field))
        provenance = {"scene": scene.name, "source": scene.source, "seed": what.seed}
        run = Run(folder, scene, training, provenance)
        if flags.resume:
            _take_up(run, flags.data, budget, console)
        if not flags.viewer:
            return _made(run, what, budget, console, unwatched)
        from .view_training import Watched

        with Watched(run, flags.host, flags.port, console) as watched:
            result = _made(run, what, budget, console, watched.steps)
            if not result["interrupted"]:
                watched.stay(f"done: {decibels(result['psnr'])} on held-out views")
        return result


def _checked(flags: Train) -> Chosen:
    """What to train. Raises ValueError or FileNotFoundError for all that can be told before anything is loaded."""
    given = {name: getattr(flags, name) for name in GIVEN}
    what = resumed(flags.run_dir, given) if flags.resume else chosen(given)
    check_count("--downscale", what.downscale, LARGEST_SIDE)
    check_count("--scales", what.scales, MOST_SCALES)
    check_seed(what.seed)
    if flags.overwrite and (flags.resume or flags.run_dir is None):
        raise ValueError("--overwrite is for a new training in the place of the one in --run-dir.")
    assert what.config  # raises where the field has no such preset or setting
    return what


def _claim(flags: Train, claims: ExitStack) -> Path | None:
    """The folder that was asked for; none where its name is that of the scene and the time."""
    if flags.run_dir is None:
        try_folder(flags.output)
        return None
    if not flags.resume:
        refuse_data_folder(flags.run_dir, flags.data)
    folder = claims.enter_context(claimed(flags.run_dir))
    if not flags.resume:
        refuse_taken(folder, flags.overwrite)
    return folder


def _load(data: str, what: Chosen, console: Console) -> Scene:
    began = time.perf_counter()
    scene = with_scales(load_scene(data, downscale=what.downscale), what.scales)
    say(console, f"{_views(scene)}, in {time.perf_counter() - began:.1f} s")
    say_masked(console, scene.test)
    return scene


def _take_up(run: Run, data: str, budget: Budget, console: Console) -> None:
    refuse_other_data(run.folder, run.scene, data)
    remarks = load_training(run.folder / "state.safetensors", run.training)
    for remark in (*remarks, *what_goes_back(run.training, budget)):
        say(console, remark)
    run.go_on()
    if budget.spent(run.training.seconds, run.training.step) >= 1:
        say(
            console,
            f"Its {run.training.step} steps in {run.training.seconds:.1f} s have spent the budget already: --max-steps "
            "and --max-seconds are those of the whole training.",
        )


Steps = Callable[[Iterator[Progress], threading.Event], Iterator[Progress]]
"""A training's steps to the same steps, each when it may be made; the event says that nobody wants more."""


def unwatched(steps: Iterator[Progress], told: threading.Event) -> Iterator[Progress]:
    del told
    return steps


def _made(run: Run, what: Chosen, budget: Budget, console: Console, steps: Steps) -> dict[str, Any]:
    """Trained, saved, and drawn. The first Ctrl-C ends the training, the next one leaves the pictures out."""
    with until_told_to_stop(2) as told:
        if run.training.step == 0:
            clear(run.folder)
        write_json(run.folder / "config.json", kept_in_config(what, run.scene))
        interrupted = _train(run, budget, console, steps, told)
        means = _draw(run, interrupted, console, told)
        return _finish(run, told.is_set(), means, console)


def _train(run: Run, budget: Budget, console: Console, steps: Steps, told: StopRequest) -> bool:
    """Whether the training was told to stop before its budget was spent; either way the run is saved."""
    try:
        with TrainingBar(console) as bar:
            for progress in steps(run.advance(budget), told):
                bar.show(progress, run)
                if told.is_set():
                    break
    except FloatingPointError as error:
        path = run.save()
        raise FloatingPointError(f"{error} The last good field is in {path}.") from error
    run.save()
    return told.is_set()


def _draw(run: Run, interrupted: bool, console: Console, told: StopRequest) -> list[float]:
    """The mean PSNR at each scale; none where a signal to end came before all held-out views were drawn."""
    enough = told.again if interrupted else told

    def shown(views: Iterator[Judged]) -> Iterator[Judged]:
        wanted = takewhile(lambda _: not enough.is_set(), range(run.pictures))
        return counted(
            (view for _, view in zip(wanted, views, strict=False)), run.pictures, "picture", console
        )

    if interrupted:
        say(
            console,
            f"Stopped after {run.training.step} steps; the field is saved. Held-out views are being drawn: Ctrl-C "
            "leaves them out.",
        )
    return run.write_pictures(shown)


def _finish(run: Run, interrupted: bool, means: list[float], console: Console) -> dict[str, Any]:
    psnr, seconds = mean_figure(means), run.training.seconds
    here = max(seconds - run.earlier_seconds, 1e-9)
    result = {
        "run_dir": str(run.folder),
        "file": str(run.folder / "field.safetensors"),
        "field": run.training.field.config.tag,
        "steps": run.training.step,
        "seconds": run.training.seconds,
        "psnr": psnr,
        "rays_per_second": run.rays / here,
        "samples_per_second": run.samples / here,
        "interrupted": interrupted,
        "curve": run.curve,
    }
    if len(means) > 1:
        result["scales"] = [{"scale": 0.5**level, "psnr": mean} for level, mean in enumerate(means)]
    write_json(run.folder / "metrics.json", result)
    held_out = f"{decibels(psnr)} (mean PSNR, white background)" if means else "not judged"
    say(
        console,
        f"{run.training.step} steps in {seconds:.1f} s of training; held-out views {held_out}. "
        f"The field is in {result['file']}",
    )
    return result


def _views(scene: Scene) -> str:
    size = f"{scene.train.cameras.width}×{scene.train.cameras.height}"
    scales = f" at {len(scene.train_scales)} scales" if scene.coarser_train else ""
    return f"{scene.name}: {len(scene.train)} training and {len(scene.test)} held-out views, {size}{scales}"
