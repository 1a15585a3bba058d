"""How `omnifield train` begins: the folder is claimed, the data are loaded, an earlier training is taken up."""

import time
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from ..scenes import Scene
from ..scenes.camera_groups import sizes
from ..scenes.multiscale import with_scales
from ..scenes.views import by_scale, cameras_of, full_size, view_count
from ..terminal.say import say, say_masked
from ..train.checkpoint import load_training
from ..train.files import write_json
from ..train.loop import begin, what_goes_back
from ..train.run import Run
from ..train.schedule import Budget
from .arguments import LARGEST_SIDE, MOST_SCALES, check_count, check_seed, check_test_every
from .device import choose_device
from .flags.train import Train
from .loading import loaded
from .outputs import try_folder
from .photos_scene import data_of
from .resuming import Chosen, chosen, kept_in_config, refuse_other_data, resumed
from .run_folder import claimed, claimed_anew, clear, refuse_data_folder, refuse_taken

GIVEN = (
    "field",
    "preset",
    "sampler",
    "set",
    "seed",
    "downscale",
    "test_every",
    "scales",
    "max_seconds",
    "max_steps",
)


def begun(flags: Train, what: Chosen, console: Console, held: ExitStack) -> Run:
    """A training that is ready to begin, or to go on, in a folder that nobody else writes to while it is `held`."""
    device = choose_device(flags.device, console)
    if flags.viewer:
        from ..viewer.listener import listen  # seconds to import: only who looks on pays

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


def checked(flags: Train) -> Chosen:
    """What to train. Raises ValueError or FileNotFoundError for all that can be told before anything is loaded."""
    given = {name: getattr(flags, name) for name in GIVEN}
    what = resumed(flags.run_dir, given) if flags.resume else chosen(given)
    check_count("--downscale", what.downscale, LARGEST_SIDE)
    check_test_every(what.test_every)
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
    data, began = data_of(data, console), time.perf_counter()
    scene = loaded(data, console, downscale=what.downscale, test_every=what.test_every)
    scene = with_scales(scene, what.scales)
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


def write_down(run: Run, what: Chosen) -> None:
    """What the training is of; what another one left in the folder goes."""
    if run.training.step == 0:
        clear(run.folder)
    write_json(run.folder / "config.json", kept_in_config(what, run.scene))


def _views(scene: Scene) -> str:
    train, test, scales = full_size(scene.train), full_size(scene.test), len(by_scale(scene.train))
    what = f"{view_count(train)} training and {view_count(test)} held-out views"
    size = sizes(cameras_of(train + test)) + (f" at {scales} scales" if scales > 1 else "")
    return f"{scene.name}: {what}, {size}"
