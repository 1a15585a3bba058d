"""How many files know an op: what somebody has to touch who adds one. docs/extending.md lists them."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST = 8
CALLERS = {"scenes", "studio", "datasets", "fields", "renderers", "train", "distill"}
"""Rooms that use ops: a new one is nothing to them."""
TEXTS = {".py", ".pyi", ".cpp", ".h", ".txt", ".toml", ".cmake", ""}
LEFT_OUT = {"build", "docs", "benchmarks", "shared", *CALLERS}


def files() -> list[Path]:
    """The texts of the repository that say what there is, but for documents, figures, and tests of single ops."""
    rooms = [path for path in ROOT.iterdir() if path.is_dir() and path.name not in LEFT_OUT]
    inside = [path for room in rooms if room.name[0] != "." for path in room.rglob("*")]
    return [p for p in (*ROOT.iterdir(), *inside) if p.is_file() and p.suffix in TEXTS and p.name[0] != "."]


def that_name(op: str) -> set[str]:
    word = re.compile(rf"(?<![A-Za-z]){op}(?![A-Za-z])")
    named = (path for path in files() if word.search(path.name) or word.search(path.read_text()))
    return {path.relative_to(ROOT).as_posix() for path in named}


@pytest.mark.parametrize("op", ["coarser_voxels", "ray_points"])
def test_an_op_is_named_in_eight_files_at_most(op: str) -> None:
    """Its case among the tests counts; tests of its own, those that mention it, and ops made of it do not: these here
    are in no other op."""
    found = {path for path in that_name(op) if not path.startswith("tests/")} | {"tests/ops/agreement.py"}
    assert f"ops/cpu/bind_{op}.cpp" in found and len(found) <= MOST, sorted(found)


def test_the_document_lists_those_files() -> None:
    section = (ROOT / "docs" / "extending.md").read_text().split("## A CPU op")[1]
    listed = re.findall(r"^\| `([\w/.]+)` \|", section, re.MULTILINE)
    expected = {path.replace("blur", "coarser_voxels") for path in listed}
    found = {path for path in that_name("coarser_voxels") if not path.startswith("tests/")}
    assert len(listed) <= MOST and expected == found | {"tests/ops/agreement.py"}
