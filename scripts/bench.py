"""`omnifield bench`: how fast it is on this machine, in figures that say what they were measured on."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
import tyro
from rich.console import Console

from ..bench.cases import cases
from ..bench.convert import ConvertPlan, measure_ablations, measure_convert
from ..bench.fields import FieldsPlan, measure_fields, plot_fields
from ..bench.machine import describe_machine, load_average, machine_slug
from ..bench.ops import measure_ops, with_kernel
from ..bench.render import measure_render
from ..bench.report import Measured, show, write_report
from ..bench.train import Plan, measure_train
from ..bench.viewer import measure_viewer
from ..datasets.load import DEMO
from ..fields import FIELD_CONFIGS, field_config
from ..ops import keep_freed_memory
from ..terminal.counting import counted, say
from ..train.field_file import find_field_file, load_field
from ..train.run import plot_curve
from ..viewer.display import Display
from .arguments import LARGEST_SIDE, Device, check_count, check_seconds, check_seed, choose_device
from .outputs import try_folder
from .train import FieldName
from .view_outputs import PAINTS, difference, figure
from .view_subjects import subject_of

What = Literal["ops", "train", "fields", "convert", "ablations", "render", "viewer"]
SMALLEST_FRAME, LARGEST_FRAME = 2, 8192  # pixels
MOST_REPEATS, MOST_SAMPLES = 10**6, 10**8


@dataclass(frozen=True)
class Bench:
    """Measure speed here: of ops, of trainings, of a trained field's frames, of the viewer."""

    what: Annotated[What, tyro.conf.Positional]
    """ops: kernels against plain-torch references; train: PSNR against seconds; fields: that of every field, on one
    scene with one budget; convert: every field into every other; ablations: one field into others, with parts of the
    conversion left out; render: ms per frame; viewer: how soon a browser has its pictures."""
    data: Annotated[str, tyro.conf.Positional] = "demo"
    """For render and viewer: a field's file, or the folder of its training. For all others but ops: `demo`, a dataset
    folder, or a mesh file."""
    field: FieldName = "hash"  # pyright: ignore
    """For train: which representation."""
    fields: tuple[str, ...] = tuple(FIELD_CONFIGS)
    """For fields: which of them, in this order; for convert and ablations: which to convert."""
    to: tuple[str, ...] = tuple(FIELD_CONFIGS)
    """For convert and ablations: into which."""
    preset: str = "default"
    """For train, fields, convert and ablations: their size: tiny, default or paper."""
    set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """For train: a setting of the field, as NAME=VALUE; may be given several times."""
    max_seconds: float = 60.0
    """Seconds of each training, loading and pictures not counted."""
    convert_seconds: float = 15.0
    """For convert and ablations: seconds of each conversion."""
    stride: int = 1
    """For train and fields: judge every n-th pixel of every n-th row of the held-out views in the end; 1 is all."""
    sides: tuple[int, ...] = (400, 800)
    """For render: pixels along each side of a frame; for viewer the last of them."""
    samples: int = 1 << 16
    """For ops: points in space per call."""
    only: str = ""
    """For ops: those with this in their name."""
    repeats: int = 5
    """For ops, render and viewer: how many turns each figure is the median of."""
    output: Path = Path("benchmarks")
    """The folder for the report, as JSON and Markdown, and for trainings a plot."""
    device: Device = "auto"
    """auto takes a GPU once there are kernels for it, until then the CPU; cuda runs plain torch."""
    seed: int = 0
    """For train and fields: of everything random."""
    json: bool = False
    """Print the result as one JSON object on standard output."""


def run_bench(flags: Bench) -> dict[str, Any]:
    """Raises ValueError or FileNotFoundError in the user's words."""
    _check(flags)
    keep_freed_memory()
    console = Console(stderr=True)
    device = choose_device(flags.device, console)
    machine = describe_machine(device)
    began = time.perf_counter(), time.process_time()
    measured = MEASURE[flags.what](flags, device, console)
    machine["load_average_after"] = load_average()
    machine["wall_seconds"] = round(time.perf_counter() - began[0], 2)
    machine["cpu_seconds"] = round(time.process_time() - began[1], 2)
    figures = {"what": flags.what, "machine": machine} | measured.figures
    # What was ended early does not take the place of a whole report.
    end = "-interrupted" if figures.get("interrupted", False) else ""
    name = f"{measured.name}-{machine_slug(machine)}{end}"
    write_report(flags.output, name, figures, measured.sheet)
    if flags.what == "train":
        plot_curve(flags.output / f"{name}.png", measured.figures["curve"])
    if flags.what == "fields":
        plot_fields(flags.output / f"{name}.png", measured.figures["results"])
    show(console, measured.sheet)
    say(console, _where(machine))
    say(console, f"The report is in {flags.output / name}.md and .json")
    return figures | {"file": str(flags.output / f"{name}.json")}


def _where(machine: dict[str, Any]) -> str:
    busy = f"load average {machine['load_average']} before and {machine['load_average_after']} after"
    return f"On {machine['cpu']}, {machine['threads']} threads, {machine['instruction_set']}, {busy}."


def _check(flags: Bench) -> None:
    check_count("--repeats", flags.repeats, MOST_REPEATS)
    check_count("--samples", flags.samples, MOST_SAMPLES)
    check_count("--stride", flags.stride, LARGEST_SIDE)
    check_seconds("--max-seconds", flags.max_seconds)
    check_seconds("--convert-seconds", flags.convert_seconds)
    check_seed(flags.seed)
    try_folder(flags.output)
    if flags.what in ("convert", "ablations") and not (flags.fields and flags.to):
        raise ValueError("--fields and --to must name at least one field each.")
    if not flags.sides or not all(SMALLEST_FRAME <= side <= LARGEST_FRAME for side in flags.sides):
        raise ValueError(f"--sides takes numbers from {SMALLEST_FRAME} to {LARGEST_FRAME} pixels.")


def _ops(flags: Bench, device: torch.device, console: Console) -> Measured:
    chosen = [case for case in with_kernel(cases(), device) if flags.only in case.name]
    if not chosen:
        names = "; ".join(case.name for case in with_kernel(cases(), device)) or "none"
        raise ValueError(
            f"--only {flags.only}: of the ops with a kernel for {device.type} there are {names}."
        )
    shown = counted(chosen, len(chosen), "op", console)
    return measure_ops(shown, device, samples=flags.samples, repeats=flags.repeats)


def _train(flags: Bench, device: torch.device, console: Console) -> Measured:
    config = field_config(flags.field, flags.preset, flags.set)
    plan = Plan(flags.data, config, flags.max_seconds, flags.stride, flags.seed)
    return measure_train(plan, device, console)


def _render(flags: Bench, device: torch.device, console: Console) -> Measured:
    if flags.data == DEMO:
        raise ValueError("bench render needs a trained field's file, or the folder of its training.")
    return measure_render(Path(flags.data), device, console, sides=flags.sides, repeats=flags.repeats)


def _fields(flags: Bench, device: torch.device, console: Console) -> Measured:
    plan = FieldsPlan(flags.data, flags.fields, flags.preset, flags.max_seconds, flags.stride, flags.seed)
    return measure_fields(plan, device, console)


def _viewer(flags: Bench, device: torch.device, console: Console) -> Measured:
    if flags.data == DEMO:
        raise ValueError("bench viewer needs a trained field's file, or the folder of its training.")
    file = find_field_file(Path(flags.data))
    trained = load_field(file, device)
    display = Display([subject_of(trained, file)], PAINTS, figure, difference)
    return measure_viewer(trained, display, console, side=flags.sides[-1], repeats=flags.repeats)


def _convert_plan(flags: Bench) -> ConvertPlan:
    return ConvertPlan(
        data=flags.data,
        tags=flags.fields,
        to=flags.to,
        preset=flags.preset,
        train_seconds=flags.max_seconds,
        convert_seconds=flags.convert_seconds,
        seed=flags.seed,
    )


def _convert(flags: Bench, device: torch.device, console: Console) -> Measured:
    return measure_convert(_convert_plan(flags), device, console)


def _ablations(flags: Bench, device: torch.device, console: Console) -> Measured:
    return measure_ablations(_convert_plan(flags), device, console)


MEASURE = {
    "ops": _ops,
    "train": _train,
    "fields": _fields,
    "convert": _convert,
    "ablations": _ablations,
    "render": _render,
    "viewer": _viewer,
}
