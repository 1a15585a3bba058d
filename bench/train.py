"""A whole training on the clock: how good after how many seconds, and how soon there is something to see."""

import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from ..datasets import load_scene
from ..scenes import Scene
from ..scenes.camera_groups import commonest
from ..scenes.views import cameras_of, full_size, view_count
from ..terminal.bar import TrainingBar, counted
from ..terminal.interrupts import until_told_to_stop
from ..terminal.say import check_some_counted
from ..train.callbacks import Curve, Saving, Tally
from ..train.evaluate import check_stride, judge, mean_figure
from ..train.events import Events
from ..train.loop import Callback, Progress, begin, fit
from ..train.run import Run, plot_curve
from ..train.schedule import Budget
from .machine import peak_memory_mib, seconds_since_start, slug
from .report import Measured, Sheet, figure
from .what import What

USEFUL = 20.0  # dB of held-out PSNR from which on one sees what it is


@dataclass(frozen=True)
class TrainPlan:
    """What to train, for how long, and at every how many-th pixel to judge it in the end."""

    what: What
    max_seconds: float
    stride: int


def measure_train(plan: TrainPlan, device: torch.device, console: Console) -> Measured:
    """Raises ValueError or FileNotFoundError in the user's words."""
    started = seconds_since_start()
    began = time.perf_counter()
    scene = load_scene(plan.what.data).to(device)
    loaded = time.perf_counter()
    check_some_counted(console, full_size(scene.test))
    check_stride(plan.stride, full_size(scene.test))
    budget = Budget(seconds=plan.max_seconds)
    what = plan.what
    training = begin(scene, what.config, what.fit, sampler=what.sampler, budget=budget)
    began_training = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder), scene, training, {})
        tally, interrupted = trained(run, budget, console, _Age(run))
    peak = peak_memory_mib()
    waits = {"to_command": started, "loading": loaded - began, "beginning": began_training - loaded}
    figures = (
        _settings(plan, scene)
        | _figures(run, tally)
        | {
            "interrupted": interrupted,
            "first_image": _first_image(run.curve),
            "wait_seconds": waits,
            "peak_memory_mib": peak,
            "held_out": _held_out(run, plan.stride, console),
            "curve": run.curve,
        }
    )
    return Measured(
        slug(f"train {scene.name} {what.config.tag}"),
        figures,
        _sheet(figures),
        lambda path: plot_curve(path, figures["curve"]),
    )


def trained(run: Run, budget: Budget, console: Console, *beside: Callback) -> tuple[Tally, bool]:
    """What it took, and whether it was told to stop early. The same is called as in `omnifield train`."""
    tally = Tally()
    with (
        TrainingBar(console, run.curve) as bar,
        until_told_to_stop() as told,
        Events(run.folder / "events", run.curve) as events,
    ):
        callbacks = [tally, Curve(run, budget), events, *beside, bar, told, Saving(run)]
        with run.written():  # before the folder goes, which the saver would still write into
            fit(run.training, run.scene, budget, callbacks)
    return tally, told.is_set()


class _Age:
    """Each point of the curve learns how old the process was by then."""

    def __init__(self, run: Run) -> None:
        self.curve = run.curve

    def __call__(self, progress: Progress) -> None:
        if self.curve and "since_start" not in self.curve[-1] and (age := seconds_since_start()):
            self.curve[-1]["since_start"] = age


def _settings(plan: TrainPlan, scene: Scene) -> dict[str, Any]:
    train, test = full_size(scene.train), full_size(scene.test)
    most = commonest(cameras_of(train))
    return {
        "scene": scene.name,
        "source": scene.source,
        "views": {"train": view_count(train), "test": view_count(test), "size": [most.width, most.height]},
        "field": plan.what.config.tag,
        "config": asdict(plan.what.config),
        "sampler": {"sampler": type(plan.what.sampler).tag, **asdict(plan.what.sampler)},
        "fit": asdict(plan.what.fit),
        "max_seconds": plan.max_seconds,
        "seed": plan.what.fit.seed,
    }


def _figures(run: Run, tally: Tally) -> dict[str, Any]:
    seconds = max(run.training.seconds, 1e-9)
    return {
        "steps": run.training.step,
        "seconds": run.training.seconds,
        "rays_per_second": tally.rays / seconds,
        "samples_per_second": tally.samples / seconds,
    }


def _first_image(curve: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The first point of the curve at USEFUL dB; none if it never came that far."""
    return next((point for point in curve if point["psnr"] >= USEFUL), None)


def _held_out(run: Run, stride: int, console: Console) -> dict[str, Any]:
    groups = full_size(run.scene.test)
    judged = judge(run.training.field, run.training.sampler, groups, run.background, stride)
    figures = [view.psnr for view in counted(judged, view_count(groups), "view", console)]
    return {"psnr": mean_figure(figures), "views": len(figures), "stride": stride}


def _sheet(figures: dict[str, Any]) -> Sheet:
    first, waits, held_out = figures["first_image"], figures["wait_seconds"], figures["held_out"]
    pixels = "all pixels" if held_out["stride"] == 1 else f"at stride {held_out['stride']}"
    rows = [
        (f"held-out PSNR (dB), {held_out['views']} views, {pixels}", f"{held_out['psnr']:.2f}"),
        ("training (s)", figure(figures["seconds"])),
        ("steps", f"{figures['steps']:,}"),
        ("rays per second", figure(figures["rays_per_second"])),
        ("samples per second", figure(figures["samples_per_second"])),
        ("peak memory (MiB)", figure(figures["peak_memory_mib"])),
        ("from process start to the command (s)", figure(waits["to_command"])),
        ("loading (s)", figure(waits["loading"])),
        ("beginning, visual hull included (s)", figure(waits["beginning"])),
        (f"from process start to an image of {USEFUL:g} dB (s)", figure(first and first.get("since_start"))),
    ]
    for point in figures["curve"]:
        rows.append((f"PSNR (dB) after {figure(point['seconds'])} s", f"{point['psnr']:.2f}"))
    size = "×".join(map(str, figures["views"]["size"]))
    notes = (
        f"{figures['views']['train']} training views of {size}; white background; PSNR is the views' mean.",
        "Seconds of training count the visual hull and all steps, but not loading, the curve's points, or "
        "saving; those since the process's start count everything.",
        "The curve's points come from a part of the held-out pixels.",
    )
    end = " (interrupted)" if figures["interrupted"] else ""
    title = f"Training a {figures['field']} field on {figures['scene']}{end}"
    return Sheet(title, ("figure", "value"), tuple(rows), notes)
