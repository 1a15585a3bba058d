"""`omnifield train`: from images, or a mesh, to a field."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import takewhile
from pathlib import Path
from typing import Any

from rich.console import Console

from ..datasets import load_scene
from ..ops import keep_freed_memory
from ..scenes import Scene
from ..scenes.camera_groups import sizes
from ..scenes.multiscale import with_scales
from ..scenes.views import by_scale, cameras_of, full_size, view_count
from ..terminal.bar import TrainingBar, counted
from ..terminal.interrupts import StopRequest, until_told_to_stop
from ..terminal.say import decibels, say, say_masked
from ..train.callbacks import Curve, Saving, Tally
from ..train.checkpoint import load_training
from ..train.evaluate import Judged, mean_figure
from ..train.events import Events
from ..train.files import write_json
from ..train.loop import begin, fit, what_goes_back
from ..train.run import Run
from ..train.schedule import Budget
from .arguments import LARGEST_SIDE, MOST_SCALES, check_count, check_seed
from .device import choose_device
from .flags.train import Train
from .outputs import try_folder
from .resuming import Chosen, chosen, kept_in_config, refuse_other_data, resumed
from .run_folder import claimed, claimed_anew, clear, refuse_data_folder, refuse_taken

GIVEN = ("field", "preset", "sampler", "set", "seed", "downscale", "scales", "max_seconds", "max_steps")


def run_train(flags: Train) -> dict[str, Any]:
    """Raises ValueError or FileNotFoundError in the user's words. The first Ctrl-C ends the training, the next one
    leaves the pictures out."""
    keep_freed_memory()
    console = Console(stderr=True)
    what = _checked(flags)
    with ExitStack() as held:
        run = _begun(flags, what, console, held)
        with until_told_to_stop(2) as told:
            watching = []
            if flags.viewer:
                from .view_training import Watched

                watching = [held.enter_context(Watched(run, told, console, host=flags.host, port=flags.port))]
            _write_down(run, what)
            tally = Tally()
            with (
                run.kept(),
                TrainingBar(console, run.curve) as bar,
                Events(run.folder / "events", run.curve) as events,
            ):
                callbacks = [tally, Curve(run, what.budget), events, bar, told, *watching, Saving(run)]
                fit(run.training, run.scene, what.budget, callbacks)
            result = _finish(run, tally, _draw(run, console, told), console, told.is_set())
        for watched in watching:
            if not result["interrupted"]:
                watched.stay(f"done: {decibels(result['psnr'])} on held-out views")
        return result


def _begun(flags: Train, what: Chosen, console: Console, held: ExitStack) -> Run:
    """A training that is ready to begin, or to go on, in a folder that nobody else writes to while it is `held`."""
    device = choose_device(flags.device, console)
    if flags.viewer:
        from ..viewer.door import listen  # seconds to import: only who looks on pays

        listen(flags.host, flags.port).close()  # whether it can be, before anything is written
    folder = _claim(flags, held)
    scene = _load(flags.data, what, console).to(device)
    training = begin(scene, what.config, what.fit, sampler=what.sampler_config, budget=what.budget)
    if training.seconds >= what.budget.seconds and not flags.resume:
        raise ValueError(
            f"The budget is too small: to begin took {training.seconds:.1f} s, --max-seconds is "
            f"{what.budget.seconds:g}."
        )
    if folder is None:
        folder = held.enter_context(claimed_anew(flags.output / scene.name / what.field))
    run = Run(folder, scene, training, {"scene": scene.name, "source": scene.source, "seed": what.seed})
    if flags.resume:
        _take_up(run, flags.data, what.budget, console)
    return run


def _checked(flags: Train) -> Chosen:
    """What to train. Raises ValueError or FileNotFoundError for all that can be told before anything is loaded."""
    given = {name: getattr(flags, name) for name in GIVEN}
    what = resumed(flags.run_dir, given) if flags.resume else chosen(given)
    check_count("--downscale", what.downscale, LARGEST_SIDE)
    check_count("--scales", what.scales, MOST_SCALES)
    check_seed(what.seed)
    if flags.overwrite and (flags.resume or flags.run_dir is None):
        raise ValueError("--overwrite is for a new training in the place of the one in --run-dir.")
    assert (
        what.config and what.sampler_config and what.fit and what.budget
    )  # which raise for what there is not
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
    say_masked(console, full_size(scene.test))
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


def _write_down(run: Run, what: Chosen) -> None:
    """What the training is of; what another one left in the folder goes."""
    if run.training.step == 0:
        clear(run.folder)
    write_json(run.folder / "config.json", kept_in_config(what, run.scene))


def _draw(run: Run, console: Console, told: StopRequest) -> list[float]:
    """The mean PSNR at each scale; none where a signal to end came before all held-out views were drawn."""
    interrupted = told.is_set()
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


def _finish(
    run: Run, tally: Tally, means: list[float], console: Console, interrupted: bool
) -> dict[str, Any]:
    psnr, seconds = mean_figure(means), run.training.seconds
    here = max(seconds - run.earlier_seconds, 1e-9)
    result = {
        "run_dir": str(run.folder),
        "file": str(run.folder / "field.safetensors"),
        "field": run.training.field.config.tag,
        "steps": run.training.step,
        "seconds": run.training.seconds,
        "psnr": psnr,
        "rays_per_second": tally.rays / here,
        "samples_per_second": tally.samples / here,
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
    train, test, scales = full_size(scene.train), full_size(scene.test), len(by_scale(scene.train))
    what = f"{view_count(train)} training and {view_count(test)} held-out views"
    size = sizes(cameras_of(train + test)) + (f" at {scales} scales" if scales > 1 else "")
    return f"{scene.name}: {what}, {size}"
