"""What each part of a conversion is worth: one field into others, with parts left out, one at a time."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from rich.console import Console

from ..distill import Plan
from ..terminal.interrupts import until_told_to_stop
from ..terminal.say import say
from .convert import ConvertPlan, convert_one, facts_of, line_of, report_name, scene_of, train_one
from .report import Measured, Sheet

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


def measure_ablations(plan: ConvertPlan, device: torch.device, console: Console) -> Measured:
    """One teacher, and its conversions with parts left out, one at a time."""
    scene = scene_of(plan, device, console)
    teacher = train_one(plan.tags[0], scene, plan, console)
    results = []
    with until_told_to_stop() as told:
        for target, (name, variant) in ((b, v) for b in plan.to for v in VARIANTS.items()):
            if told.is_set():
                break
            result = convert_one(teacher.field, target, variant, scene, plan)
            result |= {"from": plan.tags[0], "to": target, "variant": name, "teacher_psnr": teacher.psnr}
            results.append(result)
            say(console, f"{name}: {line_of(result)}")
    figures = facts_of(plan, scene) | {"results": results, "interrupted": told.is_set()}
    return Measured(report_name("ablations", plan, scene), figures, _sheet(plan, figures))


def _sheet(plan: ConvertPlan, figures: dict[str, Any]) -> Sheet:
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
