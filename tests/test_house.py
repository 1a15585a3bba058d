"""The house rules hold in every file, and each rule sees a file that breaks it."""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from . import house
from .house import Source, Wrong

ROOT = Path(__file__).parents[1]
ROOMS = tuple(house.LADDER)
EVERYWHERE = (*ROOMS, "tests", "benchmarks")
Rule = Callable[[Source], Iterator[Wrong]]

RULES: dict[Rule, tuple[str, ...]] = {
    house.off_the_ladder: ROOMS,
    house.dangerous: ROOMS,
    house.blinding: ROOMS,
    house.duck_typing: ROOMS,
    house.asking_which_field: tuple(room for room in ROOMS if room != "fields"),
    house.broad_except: ROOMS,
    house.bare_rooms: EVERYWHERE,
    house.long_function: EVERYWHERE,
    house.long_file: EVERYWHERE,
    house.nameless: EVERYWHERE,
    house.long_verb: ("scripts",),
    house.slow_flags: ("scripts",),
}
BROKEN = [
    (house.off_the_ladder, "from ..train import Run"),
    (house.off_the_ladder, "from .. import train"),
    (house.off_the_ladder, "def late():\n    import omnifield.scripts.cli"),
    (house.off_the_ladder, "from ..utensils import spoon"),
    (house.dangerous, "eval(text)"),
    (house.dangerous, "torch.load(path)"),
    (house.dangerous, "from torch import load"),
    (house.dangerous, "import pickle"),
    (house.dangerous, "np.load(path, allow_pickle=True)"),
    (house.blinding, "from __future__ import annotations"),
    (house.duck_typing, "hasattr(field, 'color')"),
    (house.asking_which_field, "isinstance(trained.field, MipVogField)"),
    (house.asking_which_field, "if isinstance(field, fields.VoxelField | HashConfig):\n    pass"),
    (house.asking_which_field, "getattr(field, 'decoder', None)"),
    (house.broad_except, "try:\n    go()\nexcept:\n    pass"),
    (house.broad_except, "try:\n    go()\nexcept (OSError, Exception):\n    pass"),
    (house.bare_rooms, "import fields"),
    (house.bare_rooms, "from ops.cpu import adam"),
    (house.long_function, "def long():" + "\n    pass" * house.MOST_LINES_OF_A_FUNCTION),
    (house.long_file, "\n" * (house.MOST_LINES + 1)),
    (house.bare_rooms_in_fences, "```python\nfrom fields import Field\n```"),
]
FINE = """
from ..ops import hash_grid
from ..scenes.rays import Rays
from . import base
from omnifield.fields import Field
import scenes_of_others

network.eval()
isinstance(thing, TrainedField | Box)
try:
    go()
except (OSError, ValueError):
    np.load(path, allow_pickle=False)
"""


def name_of(rule: Rule) -> str:
    return rule.__name__


def files(folders: tuple[str, ...], *suffixes: str) -> list[Source]:
    inside = [path for folder in folders for path in sorted((ROOT / folder).rglob("*"))]
    return [read(path) for path in inside if path.suffix in suffixes]


@functools.cache  # each file is parsed once, not once a rule
def read(path: Path) -> Source:
    return Source(path.relative_to(ROOT), path.read_text())


def broken_by(rule: Rule, sources: list[Source]) -> str:
    return "\n".join(f"{source.path}:{line}: {why}" for source in sources for line, why in rule(source))


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_python_keeps_to_the_rule(rule: Rule):
    wrong = broken_by(rule, files(RULES[rule], ".py"))
    assert not wrong, f"\n{wrong}"


@pytest.mark.parametrize("rule", [house.long_file, house.nameless], ids=name_of)
def test_native_code_keeps_to_the_rule(rule: Rule):
    wrong = broken_by(rule, files(ROOMS, ".cpp", ".h", ".js", ".css", ".html"))
    assert not wrong, f"\n{wrong}"


def test_the_documentation_imports_omnifield_by_its_name():
    pages = files(("docs",), ".md") + [read(path) for path in ROOT.glob("*.md")]
    wrong = broken_by(house.bare_rooms_in_fences, pages)
    assert not wrong, f"\n{wrong}"


@pytest.mark.parametrize(("rule", "text"), BROKEN)
def test_the_rule_sees_what_breaks_it(rule: Rule, text: str):
    assert len(list(rule(Source(Path("fields/new.py"), text)))) == 1


def test_who_is_not_a_renderer_knows_samplers_and_no_occupancy():
    """But one that makes the cells in which students are looked for."""
    rooms = tuple(room for room in ROOMS if room != "renderers")
    named = [str(source.path) for source in files(rooms, ".py") if "OccupancyGrid" in source.text]
    assert named == ["distill/space.py"]


def test_a_verb_that_is_more_than_flags_and_what_they_ask_for():
    text = "\n" * (house.MOST_LINES_OF_A_VERB + 1)
    assert list(house.long_verb(Source(Path("scripts/eval.py"), text)))
    assert not list(house.long_verb(Source(Path("scripts/run_folder.py"), text)))


@pytest.mark.parametrize(
    "text", ["import torch", "from ...fields import FIELD_CONFIGS", "from ..outputs import in_words"]
)
def test_flags_that_wait_for_something(text: str):
    assert list(house.slow_flags(Source(Path("scripts/flags/eval.py"), text)))


def test_a_name_means_one_thing_in_all_rooms():
    assert not list(house.names_of_two_ideas(files(ROOMS, ".py")))


def test_a_name_of_two_ideas_is_seen():
    paths = (
        "train/pictures.py",
        "export/pictures.py",
        "scripts/train.py",
        "bench/train.py",
        "ops/cpu/adam.py",
    )
    (wrong,) = house.names_of_two_ideas([Source(Path(path), "") for path in (*paths, "ops/adam.py")])
    assert wrong.startswith("pictures.py is in export, train:")


def test_a_room_beside_is_no_lower():
    assert list(house.off_the_ladder(Source(Path("export/web/new.py"), "from ...viewer import server")))


def test_a_file_called_utils():
    assert list(house.nameless(Source(Path("fields/utils.py"), "")))
    assert list(house.nameless(Source(Path("fields/utils/rays.py"), "")))


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_no_rule_sees_what_is_fine(rule: Rule):
    assert not list(rule(Source(Path("fields/new.py"), FINE)))


def test_one_place_draws_progress_bars():
    """All work that takes long looks alike: `terminal/bar.py` alone knows the columns."""
    drawn = [source.path for source in files(ROOMS, ".py") if "rich.progress" in source.text]
    assert drawn == [Path("terminal/bar.py")]
