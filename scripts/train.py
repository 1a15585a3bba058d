"""`omnifield train`: from images, or a mesh, to a field."""

import dataclasses
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console

from ..fields import FIELD_CONFIGS, FieldConfig, field_config
from ..ops import keep_freed_memory
from ..scenes import Scene, load_scene
from ..scenes.multiscale import with_scales
from ..train.checkpoint import load_training
from ..train.evaluate import mean_figure
from ..train.files import write_json
from ..train.loop import Budget, FitConfig, Progress, begin, what_goes_back
from ..train.run import Run
from ..viewer.door import listen
from .arguments import Device, budget_of, choose_device
from .counting import decibels, say, say_masked
from .progress import TrainingBar, until_told_to_stop
from .view_training import Watched
from .where import LOCAL, PORT

FieldName = tyro.extras.literal_type_from_choices(FIELD_CONFIGS)


@dataclass(frozen=True)
class Train:
    """Train a field from images, or from a mesh, and save it as one file."""

    data: Annotated[str, tyro.conf.Positional]
    """`demo` (the built-in scene; a folder of that name is ./demo), a dataset folder (NeRF-synthetic, nerfstudio,
    instant-ngp), or a mesh file."""
    field: FieldName = "hash"  # pyright: ignore
    """Which representation to train."""
    preset: str = "default"
    """Its size: tiny, default or paper; some fields have more, and an unknown one lists them."""
    set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """A setting of the field, as NAME=VALUE; may be given several times."""
    max_seconds: float | None = None
    """Seconds of training, loading and pictures not counted (60 if no budget is given); with --resume in all, those
    spent before included."""
    max_steps: int | None = None
    """Steps of training; with --resume in all, those made before included."""
    output: Path = Path("outputs")
    """Where run folders go: OUTPUT/SCENE/FIELD/DATE_TIME."""
    run_dir: Path | None = None
    """The run folder exactly, instead."""
    resume: bool = False
    """Go on with the training in --run-dir: its field, settings, seed and, unless given anew, its budget."""
    downscale: int = 1
    """Train on images smaller by this factor."""
    scales: int = 1
    """Train on images at so many scales, each side half of the one before, and judge at all of them."""
    device: Device = "auto"
    """auto takes a GPU once there are kernels for it, until then the CPU; cuda runs plain torch."""
    seed: int = 0
    """Of everything random."""
    viewer: bool = False
    """Show the training live in the browser, and go on showing the field when it is done, until Ctrl-C."""
    host: str = LOCAL
    """For --viewer: who may connect; 127.0.0.1 is this machine only, 0.0.0.0 anybody who can reach it."""
    port: int = PORT
    """For --viewer: of the page; 0 takes any that is free."""
    json: bool = False
    """Print the result as one JSON object on standard output."""


def run_train(flags: Train) -> dict[str, Any]:
    """Raises ValueError or FileNotFoundError in the user's words."""
    keep_freed_memory()
    console = Console(stderr=True)
    began = time.perf_counter()
    flags = _resumed(flags) if flags.resume else flags
    config = field_config(flags.field, flags.preset, flags.set)
    if flags.viewer:
        listen(flags.host, flags.port).close()  # whether it can be, before anything is written
    budget = budget_of(flags.max_seconds, flags.max_steps)
    device = choose_device(flags.device, console)
    scene = with_scales(load_scene(flags.data, downscale=flags.downscale), flags.scales)
    say(console, f"{_views(scene)}, in {time.perf_counter() - began:.1f} s")
    say_masked(console, scene.test)
    scene = scene.to(device)
    training = begin(scene, config, FitConfig(seed=flags.seed))
    run = Run(
        _folder(flags, scene),
        scene,
        training,
        {"scene": scene.name, "source": scene.source, "seed": flags.seed},
    )
    if flags.resume:
        remarks = load_training(run.folder / "state.safetensors", run.training)
        for remark in (*remarks, *what_goes_back(run.training, budget)):
            say(console, remark)
        run.go_on()
    write_json(run.folder / "config.json", _settings(flags, config))
    if not flags.viewer:
        return _finish(run, _train(run, budget, console, unwatched), console)
    with Watched(run, flags.host, flags.port, console) as watched:
        interrupted = _train(run, budget, console, watched.steps)
        result = _finish(run, interrupted, console)
        if not interrupted:
            watched.stay(f"done: {decibels(result['psnr'])} on held-out views")
    return result


Steps = Callable[[Iterator[Progress], threading.Event], Iterator[Progress]]
"""A training's steps to the same steps, each when it may be made; the event says that nobody wants more."""


def unwatched(steps: Iterator[Progress], told: threading.Event) -> Iterator[Progress]:
    del told
    return steps


def _train(run: Run, budget: Budget, console: Console, steps: Steps) -> bool:
    """Whether the training was told to stop before its budget was spent; either way the run is saved."""
    interrupted = False
    try:
        with TrainingBar(console, budget) as bar, until_told_to_stop() as told:
            for progress in steps(run.advance(budget), told):
                bar.show(progress, run)
                if told.is_set():
                    interrupted = True
                    break
    except FloatingPointError as error:
        path = run.save()
        raise FloatingPointError(f"{error} The last good field is in {path}.") from error
    run.save()
    return interrupted


def _finish(run: Run, interrupted: bool, console: Console) -> dict[str, Any]:
    means = run.write_pictures()
    psnr = mean_figure(means)
    seconds = run.training.seconds
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
    say(
        console,
        f"{run.training.step} steps in {seconds:.1f} s of training; held-out views {decibels(psnr)} "
        f"(mean PSNR, white background). The field is in {result['file']}",
    )
    return result


def _views(scene: Scene) -> str:
    size = f"{scene.train.cameras.width}×{scene.train.cameras.height}"
    scales = f" at {len(scene.train_scales)} scales" if scene.coarser_train else ""
    return f"{scene.name}: {len(scene.train)} training and {len(scene.test)} held-out views, {size}{scales}"


def _folder(flags: Train, scene: Scene) -> Path:
    if flags.run_dir is not None:
        return flags.run_dir
    return flags.output / scene.name / flags.field / datetime.now().strftime("%Y-%m-%d_%H%M%S")


KEPT = ("field", "preset", "set", "seed", "downscale", "scales", "max_seconds", "max_steps")


def _settings(flags: Train, config: FieldConfig) -> dict[str, Any]:
    return {"flags": {name: getattr(flags, name) for name in KEPT}, "config": dataclasses.asdict(config)}


def _resumed(flags: Train) -> Train:
    """The flags of the run that is to go on; a budget given now takes the place of the old one."""
    if flags.run_dir is None:
        raise ValueError("--resume needs --run-dir, the folder of the training to go on with.")
    path = flags.run_dir / "config.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: there is no training to resume in {flags.run_dir}.")
    try:
        stated = {"scales": 1} | json.loads(path.read_text())["flags"]  # older runs do not state them
        kept = {name: stated[name] for name in KEPT}
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged: {error}.") from error
    kept["set"] = tuple(kept["set"])
    if flags.max_seconds is not None or flags.max_steps is not None:
        kept.update(max_seconds=flags.max_seconds, max_steps=flags.max_steps)
    return dataclasses.replace(flags, **kept)
