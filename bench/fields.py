"""Every representation on one scene with one budget: the table that tells them apart."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from ..datasets import load_scene
from ..fields import FIELD_CONFIGS, field_config
from ..renderers import SamplerConfig
from ..scenes import Scene
from ..scenes.views import full_size
from ..terminal.interrupts import until_interrupted
from ..terminal.say import check_some_counted, say
from ..train.evaluate import check_stride
from ..train.files import write_atomically
from ..train.schedule import FitConfig
from .machine import slug
from .render import ENOUGH_SECONDS
from .report import Measured, Sheet, figure
from .scene_training import FRAMES, Terms, train_and_judge

FRAME = 400  # pixels along each side of the frames that are timed


@dataclass(frozen=True)
class FieldsPlan:
    """Which fields to train on what, how long each, and at every how many-th pixel to judge them in the end."""

    data: str
    tags: Sequence[str]
    preset: str
    max_seconds: float
    stride: int
    sampler: SamplerConfig
    fit: FitConfig

    @property
    def terms(self) -> Terms:
        return Terms(self.max_seconds, self.stride, FRAME, self.sampler, self.fit)


def measure_fields(plan: FieldsPlan, device: torch.device, console: Console) -> Measured:
    """Raises ValueError or FileNotFoundError in the user's words."""
    unknown = [tag for tag in plan.tags if tag not in FIELD_CONFIGS]
    if unknown:
        raise ValueError(f"--fields: there is no field {unknown[0]!r}: there are {', '.join(FIELD_CONFIGS)}.")
    scene = load_scene(plan.data).to(device)
    check_some_counted(console, full_size(scene.test))
    check_stride(plan.stride, full_size(scene.test))
    results, interrupted = until_interrupted(_results(scene, plan, console))
    facts = {
        "scene": scene.name,
        "source": scene.source,
        "preset": plan.preset,
        "max_seconds": plan.max_seconds,
        "sampler": {"sampler": type(plan.sampler).tag, **asdict(plan.sampler)},
        "fit": asdict(plan.fit),
    }
    figures = facts | {"seed": plan.fit.seed, "stride": plan.stride, "results": results}
    figures["interrupted"] = interrupted or results[-1]["interrupted"]
    return Measured(
        slug(f"fields {scene.name}"), figures, _sheet(figures), lambda path: plot_fields(path, results)
    )


def _results(scene: Scene, plan: FieldsPlan, console: Console) -> Iterator[dict[str, Any]]:
    """Field by field; that of a training which was stopped is the last."""
    for tag in plan.tags:
        say(console, f"{tag}, {plan.preset} preset, for {plan.max_seconds:g} s")
        result, _ = train_and_judge(field_config(tag, plan.preset), scene, plan.terms, console)
        yield result
        if result["interrupted"]:
            break


def _sheet(figures: dict[str, Any]) -> Sheet:
    similar = all("ssim" in result for result in figures["results"])  # only of whole pictures
    rows = tuple(
        (
            result["field"],
            f"{result['psnr']:.2f}",
            *((f"{result['ssim']:.3f}",) if similar else ()),
            figure(result["seconds"]),
            figure(result["samples_per_second"] / 1e3),
            f"{result['parameters']:,}",
            figure(result["bytes"] / 2**20),
            figure(result["frame_milliseconds"]),
        )
        for result in figures["results"]
    )
    columns = (
        "field",
        "PSNR (dB)",
        *(("SSIM",) if similar else ()),
        "s",
        "k samples/s",
        "parameters",
        "file (MiB)",
        f"ms per {FRAME}² frame",
    )
    notes = (
        f"The {figures['preset']} preset of each, one after the other, {figures['max_seconds']:g} s of training "
        "each (the visual hull included; loading, the curve's points and saving not).",
        f"Held-out views, every {figures['stride']}-th pixel of every such row; white background, means over views.",
        f"Frames: medians of {FRAMES}, or of those that began within {ENOUGH_SECONDS} s, from training cameras spread "
        "over the capture, to float colours in memory.",
    )
    return Sheet(f"Every field on {figures['scene']}", columns, rows, notes)


def plot_fields(path: Path, results: Sequence[dict[str, Any]]) -> None:
    """Held-out PSNR against seconds of training, a line for every field."""
    from matplotlib.figure import Figure  # slow to import, and needed once
    from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

    plot = Figure(figsize=(7, 4.5), layout="constrained")
    axes = plot.subplots()
    for index, result in enumerate(results):
        curve = result["curve"]
        seconds, psnr = [point["seconds"] for point in curve], [point["psnr"] for point in curve]
        axes.plot(seconds, psnr, marker="os^Dv<>"[index % 7], markersize=4, label=result["field"])
    axes.set(xlabel="seconds of training", ylabel="PSNR of held-out views (dB)", xscale="log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(alpha=0.3, which="both")
    axes.legend(ncols=2)
    write_atomically(path, lambda beside: plot.savefig(beside, format="png", dpi=120))
