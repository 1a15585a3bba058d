"""`omnifield bench`: how fast it is on this machine, in figures that say what they were measured on."""

from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from ..bench.ablations import measure_ablations
from ..bench.busy import BusyPlan, measure_busy
from ..bench.captures import measure_photographs
from ..bench.convert import measure_convert
from ..bench.export import ExportPlan, measure_export
from ..bench.fields import measure_fields
from ..bench.measure import measure_and_report
from ..bench.ops import OpsPlan, measure_ops
from ..bench.phone import measure_phone
from ..bench.process import measure_process
from ..bench.render import RenderPlan, measure_render
from ..bench.report import Measured
from ..bench.step import StepPlan, measure_step
from ..bench.train import TrainPlan, measure_train
from ..bench.viewer import ViewerPlan, measure_viewer
from ..ops import keep_freed_memory
from ..train.field_file import load_field
from .bench_what import conversions_of, display_of, fields_of, phone_of, photographs_of, process_of, what_of
from .device import choose_device
from .field_path import find_field_file
from .flags.bench import DEMO, Bench
from .outputs import try_folder


def run_bench(flags: Bench) -> dict[str, Any]:
    """Raises ValueError or FileNotFoundError in the user's words."""
    flags.check()
    try_folder(flags.output)
    keep_freed_memory()
    console = Console(stderr=True)
    device = choose_device(flags.device, console)
    measure = partial(_measured, flags, device, console)
    return measure_and_report(flags.what, measure, device, folder=flags.output, console=console)


def _measured(flags: Bench, device: torch.device, console: Console) -> Measured:
    match flags.what:
        case "ops":
            return measure_ops(OpsPlan(flags.samples, flags.repeats, flags.only), device, console)
        case "train":
            return measure_train(TrainPlan(what_of(flags), flags.max_seconds, flags.stride), device, console)
        case "step":
            return measure_step(StepPlan(what_of(flags), flags.warm_up, flags.steps), device, console)
        case "busy":
            plan = BusyPlan(what_of(flags), flags.max_seconds, flags.repeats, flags.sides[-1], display_of)
            return measure_busy(plan, device, console)
        case "fields":
            return measure_fields(fields_of(flags), device, console)
        case "photographs":
            return measure_photographs(photographs_of(flags), device, console)
        case "convert" | "ablations":
            measured = measure_convert if flags.what == "convert" else measure_ablations
            return measured(conversions_of(flags), device, console)
        case "process":
            if flags.data == DEMO:
                return measure_phone(phone_of(flags), console)
            return measure_process(process_of(flags), console)
        case "render":
            trained = load_field(find_field_file(Path(flags.data)), device)
            return measure_render(RenderPlan(flags.sides, flags.repeats), trained, console)
        case "export":
            trained = load_field(find_field_file(Path(flags.data)), device)
            return measure_export(ExportPlan(flags.truth, flags.views, flags.stride), trained, console)
        case "viewer":
            file = find_field_file(Path(flags.data))
            trained, plan = load_field(file, device), ViewerPlan(flags.sides[-1], flags.repeats)
            return measure_viewer(plan, trained, display_of(trained, file), console)
