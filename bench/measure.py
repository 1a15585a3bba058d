"""One measurement from its beginning to its report."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from ..terminal.say import say
from .machine import describe_machine, load_average, machine_slug
from .report import Measured, show, write_report


def measure_and_report(
    what: str, measure: Callable[[], Measured], device: torch.device, *, folder: Path, console: Console
) -> dict[str, Any]:
    """Its figures, those of the machine, and the report's file. Raises what the measurement raises, and ValueError
    where the report cannot be written."""
    machine = describe_machine(device)
    began = time.perf_counter(), time.process_time()
    measured = measure()
    machine["load_average_after"] = load_average()
    machine["wall_seconds"] = round(time.perf_counter() - began[0], 2)
    machine["cpu_seconds"] = round(time.process_time() - began[1], 2)
    figures = {"what": what, "machine": machine} | measured.figures
    # What was ended early does not take the place of a whole report.
    end = "-interrupted" if figures.get("interrupted", False) else ""
    name = f"{measured.name}-{machine_slug(machine)}{end}"
    write_report(folder, name, figures, measured.sheet)
    if measured.plot is not None:
        measured.plot(folder / f"{name}.png")
    show(console, measured.sheet)
    say(console, _where(machine))
    say(console, f"The report is in {folder / name}.md and .json")
    return figures | {"file": str(folder / f"{name}.json")}


def _where(machine: dict[str, Any]) -> str:
    busy = f"load average {machine['load_average']} before and {machine['load_average_after']} after"
    return f"On {machine['cpu']}, {machine['threads']} threads, {machine['instruction_set']}, {busy}."
