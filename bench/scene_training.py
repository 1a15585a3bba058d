"""One training of one scene, kept as a user gets it: judged and timed from its file."""

import math
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from ..fields import FieldConfig
from ..renderers import SamplerConfig
from ..scenes import Scene
from ..scenes.views import full_size, view_count
from ..terminal.bar import counted
from ..train.evaluate import Judged, judge, mean_figure
from ..train.field_file import load_field
from ..train.loop import begin
from ..train.run import Run
from ..train.schedule import Budget, FitConfig
from .render import measure
from .train import trained

FRAMES = 5


@dataclass(frozen=True)
class Terms:
    """How long each training takes, at every how many-th pixel it is judged, and the side of the frames that are timed,
    in pixels."""

    max_seconds: float
    stride: int
    frame: int
    sampler: SamplerConfig
    fit: FitConfig


def train_and_judge(
    config: FieldConfig, scene: Scene, terms: Terms, console: Console
) -> tuple[dict[str, Any], list[Judged]]:
    """Figures, and the held-out views that they are of."""
    budget = Budget(seconds=terms.max_seconds)
    training = begin(scene, config, terms.fit, sampler=terms.sampler, budget=budget)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder), scene, training, {"scene": scene.name})
        tally, interrupted = trained(run, budget, console)
        path = run.save()
        size = path.stat().st_size
        kept = load_field(path, training.generator.device)
    groups = full_size(scene.test)
    judged = judge(kept.field, kept.sampler, groups, run.background, terms.stride)
    views = list(counted(judged, view_count(groups), "view", console))
    parts = {name: mean_figure(getattr(view, name) for view in views) for name in ("ssim", "psnr_fitted")}
    frame = measure(kept, terms.frame, console, repeats=FRAMES)
    seconds = max(training.seconds, 1e-9)
    figures = {
        "field": config.tag,
        "config": asdict(config),
        "psnr": mean_figure(view.psnr for view in views),
        **{name: value for name, value in parts.items() if not math.isnan(value)},
        "seconds": training.seconds,
        "steps": training.step,
        "rays_per_second": tally.rays / seconds,
        "samples_per_second": tally.samples / seconds,
        "occupied_share": kept.sampler.occupied_share,
        "parameters": sum(parameter.numel() for parameter in kept.field.parameters()),
        "bytes": size,
        "frame_milliseconds": frame["milliseconds"],
        "frame_samples_per_ray": frame["samples_per_ray"],
        "interrupted": interrupted,
        "curve": run.curve,
    }
    return figures, views
