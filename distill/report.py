"""What a conversion says of itself: figures, a page to read, pictures of both fields, the agreement against time."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..train.files import write_atomically, write_json, write_text
from ..train.pictures import to_bytes, write_picture
from .convert import Conversion

REACHED = (25.0, 30.0, 35.0, 40.0)  # dB of agreement, of which the report says when they were reached
WHITE_AT = 0.25  # error that is white in the pictures
VIEWS = 3  # shown


@dataclass(frozen=True)
class Truth:
    """What real pictures say: the mean PSNR (dB) of both fields, NaN where all are masked, and real pictures with those
    of both beside them."""

    psnr: float
    teacher_psnr: float
    rows: Sequence[Sequence[Float[Tensor, "height _ rgb=3"]]]


def provenance(done: Conversion) -> dict[str, Any]:
    """What the new field's file says of where it comes from."""
    return dict(done.student.provenance) | {
        "converted_from": done.source,
        "conversion_steps": done.steps,
        "conversion_seconds": round(done.seconds, 3),
    }


def figures(done: Conversion, truth: Truth | None) -> dict[str, Any]:
    """All that was measured, ready for JSON."""
    measured: dict[str, Any] = {
        "from": done.source,
        "to": done.student.config.tag,
        "seconds": done.seconds,
        "steps": done.steps,
        "interrupted": done.interrupted,
        "agreement_psnr": done.agreement.psnr,
        "agreement_ssim": done.agreement.ssim,
        "opacity_error": done.agreement.opacity,
        "depth_error_steps": done.agreement.depth,
        "occupancy_iou": done.cells_in_common,
        "parameters": sum(parameter.numel() for parameter in done.student.field.parameters()),
        "stages": [dataclasses.asdict(stage) for stage in done.stages],
        "seconds_to": {f"{level:.0f} dB": _seconds_to(done, level) for level in REACHED},
        "curve": [dataclasses.asdict(mark) for mark in done.curve],
        "said": done.notes,
    }
    if truth is not None:
        measured |= {"psnr": truth.psnr, "teacher_psnr": truth.teacher_psnr}
    # JSON has no NaN, which is what stands for a figure that these pictures do not have.
    return {name: None if figure != figure else figure for name, figure in measured.items()}


def _seconds_to(done: Conversion, level: float) -> float | None:
    return next((mark.seconds for mark in done.curve if mark.agreement_psnr >= level), None)


def write_report(folder: Path, done: Conversion, truth: Truth | None) -> dict[str, Any]:
    """`report.json`, `report.md`, `views.png` and `agreement.png`. Raises ValueError if they cannot be written."""
    measured = figures(done, truth)
    write_json(folder / "report.json", measured)
    write_text(folder / "report.md", markdown(measured))
    pairs = done.comparison.pictures(done.student.field, done.student.sampler)[:VIEWS]
    rows = [[*pair, _error(*pair)] for pair in pairs]
    write_picture(folder / "views.png", _stacked(rows))
    if truth is not None:
        write_picture(folder / "truth.png", _stacked(truth.rows))
    plot_agreement(folder / "agreement.png", done)
    return measured


def markdown(measured: dict[str, Any]) -> str:
    lines = [
        f"# {measured['from']} to {measured['to']}",
        "",
        f"{measured['seconds']:.1f} s of work, {measured['steps']} steps"
        + (", stopped early." if measured["interrupted"] else "."),
        "",
        "On views that nothing was compared at, the result against the field that it was made of:",
        "",
        "| PSNR (dB) | SSIM | opacity off by | depth off by (median, steps) | occupied cells in common |",
        "|---|---|---|---|---|",
        f"| {measured['agreement_psnr']:.2f} | {_number(measured['agreement_ssim'], 4)} "
        f"| {measured['opacity_error']:.4f} | {_number(measured['depth_error_steps'], 2)} "
        f"| {measured['occupancy_iou']:.1%} |",
        "",
    ]
    if "psnr" in measured:
        lines += [
            f"Against real pictures: {_number(measured['psnr'], 2)} dB, where the field that it was made of has "
            f"{_number(measured['teacher_psnr'], 2)} dB (`truth.png`: real, before, after).",
            "",
        ]
    lines += ["| stage | steps | seconds | agreement at its end (dB) |", "|---|---|---|---|"]
    lines += [
        f"| {stage['name']} | {stage['steps']} | {stage['seconds']:.1f} | {stage['agreement_psnr']:.2f} |"
        for stage in measured["stages"]
    ]
    reached = [f"{level} after {s:.1f} s" for level, s in measured["seconds_to"].items() if s is not None]
    lines += ["", "Agreement reached: " + (", ".join(reached) or f"less than {REACHED[0]:.0f} dB") + ".", ""]
    lines += [f"- {sentence}." for sentence in measured["said"]]
    lines += ["", "![before, after, difference](views.png)", "", "![agreement](agreement.png)", ""]
    return "\n".join(lines)


def _number(figure: float | None, digits: int) -> str:
    return "–" if figure is None else f"{figure:.{digits}f}"


def _error(expected: Tensor, seen: Tensor) -> Tensor:
    return ((expected - seen).abs().mean(-1, keepdim=True) / WHITE_AT).expand_as(expected).clamp(0, 1)


def _stacked(rows: Sequence[Sequence[Tensor]]) -> Tensor:
    return to_bytes(torch.cat([torch.cat(list(row), 1) for row in rows]))


def plot_agreement(path: Path, done: Conversion) -> None:
    """Agreement on held-out views against seconds, and where each stage ended."""
    from matplotlib.figure import Figure  # slow to import, and needed once

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([mark.seconds for mark in done.curve], [mark.agreement_psnr for mark in done.curve], marker="o")
    end = 0.0
    for stage in done.stages:
        end += stage.seconds
        axes.axvline(end, color="0.8", zorder=0)
        axes.annotate(stage.name, (end, 0.02), xycoords=("data", "axes fraction"), rotation=90, ha="right")
    axes.set(xlabel="seconds", ylabel="agreement with the teacher (dB)")
    axes.grid(alpha=0.3)
    write_atomically(path, lambda beside: figure.savefig(beside, format="png", dpi=120))
