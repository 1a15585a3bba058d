"""`omnifield info`: what is in a trained field's file. It does without torch, whose import takes seconds."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .field_facts import facts_of
from .field_path import find_field_file
from .flags.info import Info

BOX_KINDS = {
    "box": "bounded",
    "contraction": "unbounded beyond the box",
    "outlook": "around cameras that look one way; what they look at is beyond it, unbounded",
}
IDENTITY = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]


def run_info(flags: Info) -> dict[str, Any]:
    """Lengths are in the scene's units. Raises ValueError or FileNotFoundError in the user's words."""
    file = find_field_file(flags.file)
    facts = facts_of(file)
    if not flags.json:
        Console().print(_panel(file, facts))
    return facts


def _panel(file: Path, facts: dict[str, Any]) -> Panel:
    box = facts["box"]
    cameras = [
        f"{each['views']} of {each['width']}×{each['height']}, {each['lens']}" for each in facts["cameras"]
    ]
    table = Table.grid(padding=(0, 2))
    rows = {
        "field": facts["field"],
        "config": _pairs(facts["config"]),
        "parameters": f"{facts['parameters']:,}",
        "file": f"{facts['bytes'] / 2**20:.2f} MiB",
        "box": f"{BOX_KINDS[box['kind']]}, from {_point(box['lo'])} to {_point(box['hi'])}",
        "cameras": "\n".join(cameras),
        "field's frame from the data's": _rows(facts["scene_from_input"]),
        "data's frame from the original": _rows(facts["input_from_original"]),
        "sampler": f"{facts['sampler']['kind']}\n{_pairs(facts['sampler']['config'])}",
        "occupied": f"{facts['occupied']:.1%} of the space",
        "background": f"sRGB {_point(facts['background'])}",
        "provenance": _pairs(facts["provenance"]),
    }
    for name, text in rows.items():
        table.add_row(Text(name, "bold"), Text(text))
    return Panel(table, title=Text(str(file)), title_align="left", expand=False)


def _pairs(values: dict[str, Any]) -> str:
    return "\n".join(f"{name} {value}" for name, value in values.items())


def _rows(matrix: list[list[float]]) -> str:
    """Of an affine map, all but the last."""
    if matrix == IDENTITY:
        return "the same"
    return "\n".join("  ".join(f"{value:10.6g}" for value in row) for row in matrix[:3])


def _point(values: list[float]) -> str:
    return "(" + ", ".join(f"{value:.4g}" for value in values) + ")"
