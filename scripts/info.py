"""`omnifield info`: what is in a trained field's file."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ..scenes import Cameras
from ..train.field_file import TrainedField, find_field_file, load_field


@dataclass(frozen=True)
class Info:
    """Say what is in a trained field's file."""

    file: Annotated[Path, tyro.conf.Positional]
    """The field's file, or the folder of its training."""
    json: bool = False
    """Print the result as one JSON object on standard output."""


def run_info(flags: Info) -> dict[str, Any]:
    """Lengths are in the scene's units. Raises ValueError or FileNotFoundError in the user's words."""
    file = find_field_file(flags.file)
    facts = _facts(load_field(file), file.stat().st_size)
    if not flags.json:
        Console().print(_panel(file, facts))
    return facts


def _facts(trained: TrainedField, size: int) -> dict[str, Any]:
    domain = trained.field.domain
    return {
        "field": trained.config.tag,
        "config": dataclasses.asdict(trained.config),
        "parameters": sum(parameter.numel() for parameter in trained.field.parameters()),
        "bytes": size,
        "box": {"kind": type(domain).__name__.lower(), "lo": list(domain.lo), "hi": list(domain.hi)},
        "cameras": [_group(cameras) for cameras in trained.cameras],
        "scene_from_input": trained.scene_from_input.tolist(),
        "input_from_original": trained.input_from_original.tolist(),
        "sampler": {"kind": trained.sampler.config.tag, "config": dataclasses.asdict(trained.sampler.config)},
        "occupied": trained.sampler.occupied_share,
        "background": list(trained.background),
        "provenance": trained.provenance,
    }


def _group(cameras: Cameras) -> dict[str, Any]:
    return {
        "views": len(cameras),
        "width": cameras.width,
        "height": cameras.height,
        "lens": cameras.lens.value,
        "near": cameras.near,
    }


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


BOX_KINDS = {"box": "bounded", "contraction": "unbounded beyond the box"}


def _pairs(values: dict[str, Any]) -> str:
    return "\n".join(f"{name} {value}" for name, value in values.items())


def _rows(matrix: list[list[float]]) -> str:
    """Of an affine map, all but the last."""
    if torch.equal(torch.tensor(matrix), torch.eye(4)):
        return "the same"
    return "\n".join("  ".join(f"{value:10.6g}" for value in row) for row in matrix[:3])


def _point(values: list[float]) -> str:
    return "(" + ", ".join(f"{value:.4g}" for value in values) + ")"
