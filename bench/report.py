"""A measurement on its way out: as a table for people, in the terminal and in Markdown, and as JSON."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from ..train.files import json_text, write_text

MACHINE_NAMES = {
    "cpu": "CPU",
    "cores": "cores",
    "threads": "threads used",
    "instruction_set": "instruction set",
    "memory_gib": "memory (GiB)",
    "gpu": "GPU",
    "system": "system",
    "python": "Python",
    "torch": "torch",
    "date": "date",
    "load_average": "load average before",
    "load_average_after": "load average after",
    "wall_seconds": "the whole measurement (s)",
    "cpu_seconds": "processor time in it, all threads (s)",
}


@dataclass(frozen=True)
class Sheet:
    """A table and what has to be said about it. The first column is of words, the others of figures."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """What was measured, named for its files, as figures and as a sheet; `plot` draws it into a PNG file."""

    name: str
    figures: dict[str, Any]
    sheet: Sheet
    plot: Callable[[Path], None] | None = None


def write_report(folder: Path, name: str, figures: dict[str, Any], sheet: Sheet) -> None:
    """`name`.json and `name`.md in the folder. Raises ValueError if they cannot be written."""
    write_text(folder / f"{name}.json", json_text(figures, indent=1) + "\n")
    write_text(folder / f"{name}.md", markdown(sheet, figures["machine"]))


def markdown(sheet: Sheet, machine: dict[str, Any]) -> str:
    known = {text: machine.get(name) for name, text in MACHINE_NAMES.items()}
    facts = [(text, str(value)) for text, value in known.items() if value is not None]
    blocks = (
        [f"# {sheet.title}"],
        _markdown_table(sheet.columns, sheet.rows),
        [f"- {note}" for note in sheet.notes],
        _markdown_table(("machine", ""), facts),
    )
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def show(console: Console, sheet: Sheet) -> None:
    first, *others = sheet.columns
    table = Table(first, *(Column(name, justify="right") for name in others), title=Text(sheet.title))
    for row in sheet.rows:
        table.add_row(*map(Text, row))
    console.print(table)
    for note in sheet.notes:
        console.print(Text(note, "dim"))


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def figure(value: float | None) -> str:
    """Three figures, without exponents; a dash where there is none."""
    if value is None:
        return "–"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    bars = ["---", *("---:" for _ in columns[1:])]
    return [f"| {' | '.join(cells)} |" for cells in (columns, bars, *rows)]
