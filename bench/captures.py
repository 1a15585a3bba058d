"""Captures with a background, one after the other: figures, and a held-out view of each beside the photograph."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from ..datasets import load_scene
from ..fields import FieldConfig
from ..scenes.views import full_size, view_count
from ..terminal.interrupts import until_interrupted
from ..terminal.say import check_some_counted, say
from ..train.evaluate import Judged, check_stride
from ..train.files import write_atomically
from .machine import slug
from .render import ENOUGH_SECONDS
from .report import Measured, Sheet, figure
from .scene_training import FRAMES, Terms, train_and_judge

FRAME = 800  # pixels along each side of the frames that are timed


@dataclass(frozen=True)
class PhotographsPlan:
    """Which data sets, and what each is trained with."""

    data: Sequence[str]
    config: FieldConfig
    terms: Terms


def measure_photographs(plan: PhotographsPlan, device: torch.device, console: Console) -> Measured:
    """Raises ValueError or FileNotFoundError in the user's words."""
    measured, interrupted = until_interrupted(_results(plan, device, console))
    results = [result for result, _ in measured]
    terms = plan.terms
    figures = {
        "field": type(plan.config).tag,
        "config": asdict(plan.config),
        "max_seconds": terms.max_seconds,
        "sampler": {"sampler": type(terms.sampler).tag, **asdict(terms.sampler)},
        "fit": asdict(terms.fit),
        "seed": terms.fit.seed,
        "stride": terms.stride,
        "results": results,
        "interrupted": interrupted or results[-1]["interrupted"],
    }
    name = slug(f"photographs {figures['field']} {terms.max_seconds:g} s")
    return Measured(name, figures, _sheet(figures), lambda path: _draw(path, measured))


def _results(
    plan: PhotographsPlan, device: torch.device, console: Console
) -> Iterator[tuple[dict[str, Any], Judged]]:
    """Scene by scene, with its first held-out view; that of a training which was stopped is the last."""
    for data in plan.data:
        scene = load_scene(data).to(device)
        check_some_counted(console, full_size(scene.test))
        check_stride(plan.terms.stride, full_size(scene.test))
        say(console, f"{scene.name}, {plan.config.tag}, for {plan.terms.max_seconds:g} s")
        found, views = train_and_judge(plan.config, scene, plan.terms, console)
        train, test = (view_count(full_size(groups)) for groups in (scene.train, scene.test))
        yield {"scene": scene.name, "source": scene.source, "views": [train, test]} | found, views[0]
        if found["interrupted"]:
            break


def _sheet(figures: dict[str, Any]) -> Sheet:
    rows = tuple(
        (
            result["scene"],
            "{} + {}".format(*result["views"]),
            f"{result['psnr']:.2f}",
            f"{result['psnr_fitted']:.2f}" if "psnr_fitted" in result else figure(None),
            figure(result["rays_per_second"] / 1e3),
            figure(result["samples_per_second"] / 1e3),
            figure(result["frame_samples_per_ray"]),
            f"{result['occupied_share']:.0%}",
            figure(result["frame_milliseconds"] / 1e3),
        )
        for result in figures["results"]
    )
    columns = (
        "scene",
        "views",
        "PSNR (dB)",
        "right half, colours fitted on the left (dB)",
        "k rays/s",
        "k samples/s",
        "samples asked per ray",
        "occupied",
        f"{FRAME}² frame (s)",
    )
    notes = (
        f"`{figures['field']}`, {figures['max_seconds']:g} s of training each (loading, the curve's points and saving "
        "not counted). Views: for training, and held out; of these every "
        f"{figures['stride']}-th pixel of every such row.",
        "Held-out views show the mean exposure of the training views. What their own costs is left out of the next "
        "figure: an affine map of colours is fitted to the left half of each, and the right half is judged.",
        f"Frames and samples: of {FRAMES} frames from training cameras, or those that began within {ENOUGH_SECONDS} s.",
    )
    return Sheet("Photographs", columns, rows, notes)


def _draw(path: Path, measured: Sequence[tuple[dict[str, Any], Judged]]) -> None:
    """A row for each scene: what the field shows of its first held-out view, and the photograph."""
    from matplotlib.figure import Figure  # slow to import, and needed once

    plot = Figure(figsize=(8, 3.2 * len(measured)), layout="constrained")
    axes = plot.subplots(len(measured), 2, squeeze=False)
    for row, (result, view) in zip(axes, measured, strict=True):
        shown = f"{result['scene']}, {view.name}: {view.psnr:.2f} dB after {result['seconds']:.0f} s"
        for each, image, title in zip(row, (view.image, view.truth), (shown, "photograph"), strict=True):
            each.imshow(image.cpu().numpy())
            each.set_title(title, fontsize=9)
            each.axis("off")
    write_atomically(path, lambda beside: plot.savefig(beside, format="png", dpi=120))
