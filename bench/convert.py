"""Every field converted into every other, against the same field trained anew."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import Tensor

from ..datasets import load_scene
from ..distill import Callbacks, Goal, Plan, convert
from ..distill.convert import CurvePoint
from ..fields import FIELD_CONFIGS, Field, field_config, preset_of
from ..renderers import Sampler, VolumeRenderer
from ..scenes import Scene, Views
from ..scenes.camera_groups import commonest
from ..scenes.views import cameras_of, full_size
from ..terminal.interrupts import until_told_to_stop
from ..terminal.say import check_some_counted, say
from ..train import Budget, FitConfig, Progress, TrainedField, begin, fit
from ..train.evaluate import mean_figure, picture, psnr, true_image
from ..train.run import WHITE, Run, stride
from .machine import slug
from .report import Measured, Sheet

CURVE_RAYS, FINAL_RAYS = 1 << 13, 1 << 16  # held-out pixels behind a point of a curve; behind a figure
CURVE_POINTS = 12


@dataclass(frozen=True)
class ConvertPlan:
    """Which kinds to train on what and how long, how long to convert each into each of `to`, and in which ways."""

    data: str
    tags: Sequence[str]
    to: Sequence[str]
    preset: str | None  # None: the one that conversions take
    train_seconds: float
    convert_seconds: float
    seed: int


@dataclass(frozen=True)
class Trained:
    """A field trained from the images, its PSNR, and that along the way."""

    field: TrainedField
    psnr: float
    curve: list[dict[str, float]]


def measure_convert(plan: ConvertPlan, device: torch.device, console: Console) -> Measured:
    """The matrix of all pairs. Raises ValueError or FileNotFoundError in the user's words."""
    scene = scene_of(plan, device, console)
    scratch = {tag: train_one(tag, scene, plan, console) for tag in dict.fromkeys((*plan.tags, *plan.to))}
    pairs, refused = [], []
    with until_told_to_stop() as told:
        for source, target in ((a, b) for a in plan.tags for b in plan.to):
            if told.is_set():
                break
            teacher = scratch[source]
            try:
                result = convert_one(teacher.field, target, Plan(seed=plan.seed), scene, plan)
            except ValueError as error:  # too small a budget for this pair: the others go on
                refused.append({"from": source, "to": target, "why": str(error)})
                say(console, f"{source} to {target}: {error}")
                continue
            result |= {"from": source, "to": target, "teacher_psnr": teacher.psnr}
            result["scratch_psnr"] = scratch[target].psnr
            result["seconds_to_scratch"] = _seconds_to(result["curve"], scratch[target].psnr)
            pairs.append(result)
            say(console, line_of(result))
    figures = facts_of(plan, scene) | {
        "scratch": {tag: {"psnr": one.psnr, "curve": one.curve} for tag, one in scratch.items()},
        "pairs": pairs,
        "refused": refused,
        "interrupted": told.is_set(),
    }
    return Measured(report_name("convert", plan, scene), figures, _matrix(plan, figures))


def scene_of(plan: ConvertPlan, device: torch.device, console: Console) -> Scene:
    for tag in (*plan.tags, *plan.to):
        if tag not in FIELD_CONFIGS:
            raise ValueError(f"There is no field {tag!r}: there are {', '.join(FIELD_CONFIGS)}.")
    scene = load_scene(plan.data).to(device)
    check_some_counted(console, full_size(scene.test))
    return scene


def report_name(what: str, plan: ConvertPlan, scene: Scene) -> str:
    """Of the files of a report; that of all fields says so by naming none."""
    every = set(plan.tags) == set(plan.to) == set(FIELD_CONFIGS)
    kinds = "" if every else f" {' '.join(plan.tags)} to {' '.join(plan.to)}"
    return slug(f"{what} {scene.name} {commonest(cameras_of(scene.test)).width}{kinds}")


def facts_of(plan: ConvertPlan, scene: Scene) -> dict[str, Any]:
    most = commonest(cameras_of(scene.test))
    size = {"width": most.width, "height": most.height}
    return asdict(plan) | {"data": scene.source, "scene": scene.name} | size


def train_one(tag: str, scene: Scene, plan: ConvertPlan, console: Console) -> Trained:
    """From the images, with the renderer and the sampler that conversions have."""
    say(console, f"{tag} from the images, for {plan.train_seconds:g} s")
    training = begin(scene, field_config(tag, preset_of(tag, plan.preset)), FitConfig(seed=plan.seed))
    curve, marks = [], _marks()

    def judged(progress: Progress) -> None:
        if marks and progress.spent >= marks[0]:
            marks[:] = [mark for mark in marks if mark > progress.spent]
            psnr = _psnr(training.field, training.sampler, scene, CURVE_RAYS)
            curve.append({"seconds": progress.seconds, "psnr": psnr})

    fit(training, scene, Budget(seconds=plan.train_seconds), [judged])
    trained = Run(Path(), scene, training, {"scene": scene.name}).in_training()
    return Trained(trained, _psnr(training.field, training.sampler, scene, FINAL_RAYS), curve)


def convert_one(
    teacher: TrainedField, target: str, how: Plan, scene: Scene, plan: ConvertPlan
) -> dict[str, Any]:
    curve: list[dict[str, float]] = []

    def evaluated(point: CurvePoint, field: Field, sampler: Sampler) -> None:
        curve.append({"seconds": point.seconds, "psnr": _psnr(field, sampler, scene, CURVE_RAYS)})

    began = time.perf_counter()
    config = field_config(target, preset_of(target, plan.preset))
    goal = Goal(Budget(seconds=plan.convert_seconds))
    done = convert([teacher], config, goal, plan=how, callbacks=Callbacks(on_evaluation=evaluated))
    return {
        "psnr": _psnr(done.student.field, done.student.sampler, scene, FINAL_RAYS),
        "agreement_psnr": done.agreement.psnr,
        "start_psnr": curve[0]["psnr"],
        "start_seconds": curve[0]["seconds"],
        "seconds": done.seconds,
        "wall_seconds": time.perf_counter() - began,
        "steps": done.steps,
        "stages": [asdict(stage) for stage in done.stages],
        "curve": curve,
        "said": done.notes,
    }


def _marks() -> list[float]:
    return [(index + 1) / CURVE_POINTS for index in range(CURVE_POINTS)]


def _psnr(field: Field, sampler: Sampler, scene: Scene, rays: int) -> float:
    """Against the held-out pictures: the mean over the views."""
    groups = full_size(scene.test)
    background = torch.tensor(WHITE, device=groups[0].images.device)
    step = stride(groups, rays)
    return mean_figure(
        figure for views in groups for figure in _psnrs(field, sampler, views, background, step)
    )


def _psnrs(field: Field, sampler: Sampler, views: Views, background: Tensor, step: int) -> Iterator[float]:
    """All views at once: coarse as they are here, that is quicker than one by one."""
    seen = VolumeRenderer(sampler).render_views(field, views.cameras, background, step)
    for view, rendering in enumerate(seen):
        truth = true_image(views, view, background, step)
        yield psnr(picture(rendering, len(truth)), truth, ~views.ignored[view, ::step, ::step])


def _seconds_to(curve: Sequence[Mapping[str, float]], psnr: float) -> float | None:
    return next((point["seconds"] for point in curve if point["psnr"] >= psnr), None)


def line_of(result: Mapping[str, Any]) -> str:
    return (
        f"{result['from']} to {result['to']}: {result['psnr']:.2f} dB of {result['teacher_psnr']:.2f}, "
        f"agreement {result['agreement_psnr']:.2f} dB, {result['seconds']:.1f} s"
    )


def _matrix(plan: ConvertPlan, figures: dict[str, Any]) -> Sheet:
    found = {(pair["from"], pair["to"]): pair for pair in figures["pairs"]}

    def cell(source: str, target: str) -> str:
        pair = found.get((source, target))
        return "–" if pair is None else f"{pair['psnr']:.1f} ({pair['agreement_psnr']:.1f})"

    scratch = figures["scratch"]
    anew = ("from the images", "", *(f"{scratch[target]['psnr']:.1f}" for target in plan.to))
    rows = [(a, f"{scratch[a]['psnr']:.1f}", *(cell(a, b) for b in plan.to)) for a in plan.tags]
    notes = (
        "PSNR of held-out pictures in dB; in brackets that of the student against its teacher, on views that nothing "
        "was compared at.",
        f"Every teacher, and the first row, had {plan.train_seconds:g} s of training from the images; every "
        f"conversion {plan.convert_seconds:g} s, without them.",
        f"Images of {figures['width']}×{figures['height']}; one run each, default settings.",
    )
    columns = ("teacher", "its PSNR", *(f"to {target}" for target in plan.to))
    return Sheet(f"Any field into any other, on {figures['scene']}", columns, (anew, *rows), notes)
