"""`omnifield convert`: a trained field as another kind of field, without the images it was trained on."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from ..distill import Callbacks, Conversion, Goal, Plan, Progress, convert
from ..distill.report import Truth, provenance, write_report
from ..distill.truth import compare_with_truth
from ..fields import field_config, preset_of
from ..ops import keep_freed_memory
from ..scenes import Scene
from ..terminal.bar import Bar
from ..terminal.interrupts import until_told_to_stop
from ..terminal.say import say, say_masked
from ..train.field_file import load_field, save_field
from ..train.held_out import held_out_views
from .budget import budget_of
from .conversion_output import check_place
from .device import choose_device
from .edits_typed import edits_of
from .field_path import find_field_file
from .flags.convert import Convert
from .photos_scene import load_data


def run_convert(flags: Convert) -> dict[str, Any]:
    """Ctrl-C ends the work early and keeps the best so far. Raises ValueError or FileNotFoundError in the user's
    words."""
    keep_freed_memory()
    console = Console(stderr=True)
    flags.check()
    config = field_config(flags.to, preset_of(flags.to, flags.preset), flags.set)
    goal = Goal(budget_of(flags.max_seconds, flags.max_steps), flags.target_psnr)
    edits = edits_of(flags)
    device = choose_device(flags.device, console)
    paths = [find_field_file(path) for path in flags.files]
    teachers = [load_field(path, device) for path in paths]
    output = flags.output or paths[0].with_name(f"{paths[0].stem}-{flags.to}.safetensors")
    report = output.with_name(f"{output.stem}-report")
    check_place(output, report, paths)
    scene = load_data(flags.data, 1, flags.test_every, console) if flags.data is not None else None
    plan = Plan(flags.schedule, flags.start, flags.decoder, flags.active, flags.seed)
    with Bar(console) as bar, until_told_to_stop() as told:
        callbacks = Callbacks(on_step=_shown_on(bar), should_stop=told.is_set)
        done = convert(teachers, config, goal, plan=plan, edits=edits, callbacks=callbacks)
    save_field(output, dataclasses.replace(done.student, provenance=provenance(done)))
    measured = write_report(report, done, _truth(done, scene, console) if scene is not None else None)
    say(console, _summary(measured, output, report))
    return {"file": str(output), "report": str(report)} | measured


def _shown_on(bar: Bar) -> Callable[[Progress, float], None]:
    """The stage, and the agreement on held-out views."""

    def show(progress: Progress, psnr: float) -> None:
        bar.update(progress.spent, progress.stage, f"agreement {psnr:.1f} dB, step {progress.step}")

    return show


def _truth(done: Conversion, scene: Scene, console: Console) -> Truth:
    groups, warnings = held_out_views(done.student, scene, 1)
    for warning in warnings:
        say(console, warning)
    say_masked(console, groups)
    return compare_with_truth(done, groups)


def _summary(measured: dict[str, Any], output: Path, report: Path) -> str:
    real = ""
    if measured.get("psnr") is not None:
        real = f", {measured['psnr']:.2f} dB against real pictures (before: {measured['teacher_psnr']:.2f})"
    return (
        f"{measured['from']} to {measured['to']} in {measured['seconds']:.1f} s: held-out views agree to "
        f"{measured['agreement_psnr']:.2f} dB{real}. The field is in {output}, the report in {report / 'report.md'}"
    )
