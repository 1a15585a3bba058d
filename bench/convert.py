"""Every field converted into every other, against the same field trained anew; and what each part of it is worth."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from rich.console import Console

from ..datasets import load_scene
from ..distill import Callbacks, Goal, Plan, convert
from ..distill.convert import CurvePoint
from ..fields import FIELD_CONFIGS, Field, field_config, preset_of
from ..renderers import OccupancyGrid, VolumeRenderer
from ..scenes import Scene
from ..terminal.counting import check_some_counted, say
from ..terminal.progress import until_told_to_stop
from ..train import Budget, FitConfig, TrainedField, begin, fit
from ..train.evaluate import mean_figure, picture, psnr, true_image
from ..train.pictures import to_bytes
from ..train.run import WHITE, stride
from .machine import slug
from .report import Measured, Sheet

CURVE_RAYS, FINAL_RAYS = 1 << 13, 1 << 16  # held-out pixels behind a point of a curve; behind a figure
CURVE_POINTS = 12

VARIANTS: Mapping[str, Plan] = {
    "as it is": Plan(),
    "all at once": Plan(schedule="together"),
    "own decoder": Plan(decoder="own"),
    "from noise": Plan(start="noise"),
    "no active level": Plan(active=()),
    "cameras only": Plan(active=("camera",)),
    "rays only": Plan(active=("ray",)),
    "points only": Plan(active=("point",)),
    "PVD's schedule": Plan(schedule="pvd"),
}


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
    scene = _scene(plan, device, console)
    scratch = {tag: _train(tag, scene, plan, console) for tag in dict.fromkeys((*plan.tags, *plan.to))}
    pairs, refused = [], []
    with until_told_to_stop() as told:
        for source, target in ((a, b) for a in plan.tags for b in plan.to):
            if told.is_set():
                break
            teacher = scratch[source]
            try:
                result = _convert(teacher.field, target, Plan(seed=plan.seed), scene, plan)
            except ValueError as error:  # too small a budget for this pair: the others go on
                refused.append({"from": source, "to": target, "why": str(error)})
                say(console, f"{source} to {target}: {error}")
                continue
            result |= {"from": source, "to": target, "teacher_psnr": teacher.psnr}
            result["scratch_psnr"] = scratch[target].psnr
            result["seconds_to_scratch"] = _seconds_to(result["curve"], scratch[target].psnr)
            pairs.append(result)
            say(console, _line(result))
    figures = _facts(plan, scene) | {
        "scratch": {tag: {"psnr": one.psnr, "curve": one.curve} for tag, one in scratch.items()},
        "pairs": pairs,
        "refused": refused,
        "interrupted": told.is_set(),
    }
    return Measured(_name("convert", plan, scene), figures, _matrix(plan, figures))


def measure_ablations(plan: ConvertPlan, device: torch.device, console: Console) -> Measured:
    """One teacher, and its conversions with parts left out, one at a time."""
    scene = _scene(plan, device, console)
    teacher = _train(plan.tags[0], scene, plan, console)
    results = []
    with until_told_to_stop() as told:
        for target, (name, variant) in ((b, v) for b in plan.to for v in VARIANTS.items()):
            if told.is_set():
                break
            result = _convert(teacher.field, target, variant, scene, plan)
            result |= {"from": plan.tags[0], "to": target, "variant": name, "teacher_psnr": teacher.psnr}
            results.append(result)
            say(console, f"{name}: {_line(result)}")
    figures = _facts(plan, scene) | {"results": results, "interrupted": told.is_set()}
    return Measured(_name("ablations", plan, scene), figures, _ablations(plan, figures))


def _scene(plan: ConvertPlan, device: torch.device, console: Console) -> Scene:
    for tag in (*plan.tags, *plan.to):
        if tag not in FIELD_CONFIGS:
            raise ValueError(f"There is no field {tag!r}: there are {', '.join(FIELD_CONFIGS)}.")
    scene = load_scene(plan.data).to(device)
    check_some_counted(console, scene.test)
    return scene


def _name(what: str, plan: ConvertPlan, scene: Scene) -> str:
    """Of the files of a report; that of all fields says so by naming none."""
    every = set(plan.tags) == set(plan.to) == set(FIELD_CONFIGS)
    kinds = "" if every else f" {' '.join(plan.tags)} to {' '.join(plan.to)}"
    return slug(f"{what} {scene.name} {scene.test.cameras.width}{kinds}")


def _facts(plan: ConvertPlan, scene: Scene) -> dict[str, Any]:
    size = {"width": scene.test.cameras.width, "height": scene.test.cameras.height}
    return asdict(plan) | {"data": scene.source, "scene": scene.name} | size


def _train(tag: str, scene: Scene, plan: ConvertPlan, console: Console) -> Trained:
    """From the images, with the renderer and the occupancy that conversions have."""
    say(console, f"{tag} from the images, for {plan.train_seconds:g} s")
    training = begin(scene, field_config(tag, preset_of(tag, plan.preset)), FitConfig(seed=plan.seed))
    curve, marks = [], _marks()
    for progress in fit(training, scene, Budget(seconds=plan.train_seconds)):
        if marks and progress.spent >= marks[0]:
            marks = [mark for mark in marks if mark > progress.spent]
            psnr = _psnr(training.field, training.sampler, scene, CURVE_RAYS)
            curve.append({"seconds": progress.seconds, "psnr": psnr})
    trained = TrainedField(
        field=training.field,
        sampler=training.sampler,
        cameras=scene.train.cameras,
        background=WHITE,
        scene_from_input=scene.scene_from_input,
        provenance={"scene": scene.name},
        thumbnail=to_bytes(torch.ones(1, 1, 3)),
    )
    return Trained(trained, _psnr(training.field, training.sampler, scene, FINAL_RAYS), curve)


def _convert(
    teacher: TrainedField, target: str, how: Plan, scene: Scene, plan: ConvertPlan
) -> dict[str, Any]:
    curve: list[dict[str, float]] = []

    def evaluated(point: CurvePoint, field: Field, occupancy: OccupancyGrid) -> None:
        curve.append({"seconds": point.seconds, "psnr": _psnr(field, occupancy, scene, CURVE_RAYS)})

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


def _psnr(field: Field, occupancy: OccupancyGrid, scene: Scene, rays: int) -> float:
    """Against the held-out pictures: the mean over the views."""
    views, background = scene.test, torch.tensor(WHITE, device=scene.test.images.device)
    step = stride(views, rays)
    seen = VolumeRenderer(occupancy).render_views(field, views.cameras, background, step)
    truths = [true_image(views, view, background, step) for view in range(len(views))]
    counted = ~views.ignored[:, ::step, ::step]
    return mean_figure(
        psnr(picture(rendering, len(truth)), truth, where)
        for rendering, truth, where in zip(seen, truths, counted, strict=True)
    )


def _seconds_to(curve: Sequence[Mapping[str, float]], psnr: float) -> float | None:
    return next((point["seconds"] for point in curve if point["psnr"] >= psnr), None)


def _line(result: Mapping[str, Any]) -> str:
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


def _ablations(plan: ConvertPlan, figures: dict[str, Any]) -> Sheet:
    results: Iterator[dict[str, Any]] = iter(figures["results"])
    found = {(result["variant"], result["to"]): result for result in results}

    def cell(name: str, target: str) -> str:
        result = found.get((name, target))
        return "–" if result is None else f"{result['psnr']:.2f} ({result['agreement_psnr']:.1f})"

    rows = tuple((name, *(cell(name, target) for target in plan.to)) for name in VARIANTS)
    notes = (
        f"PSNR of held-out pictures in dB after {plan.convert_seconds:g} s of conversion from {plan.tags[0]}, in "
        "brackets the agreement with it; one run each, so differences of a few tenths mean nothing.",
    )
    title = f"What each part of a conversion is worth, on {figures['scene']}"
    return Sheet(title, ("variant", *(f"to {target}" for target in plan.to)), rows, notes)
