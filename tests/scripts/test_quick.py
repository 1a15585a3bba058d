"""What somebody asks for in passing does not wait for torch, or for anything else that is slow to import."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from omnifield.fields import FIELD_CONFIGS
from omnifield.scripts import cli, field_facts
from omnifield.scripts.flags.choices import FIELDS
from omnifield.scripts.info import Info, run_info
from omnifield.train import load_field
from omnifield.train.field_file import ENTRY, facts
from safetensors import safe_open
from safetensors.torch import load_file, save_file

SLOW = {"torch", "numpy", "scipy", "skimage", "trimesh", "matplotlib", "viser", "open3d", "jaxtyping", "PIL"}


def imported_by(*words: str | Path) -> set[str]:
    """The packages that a command has imported when it ends well."""
    program = f"import sys; sys.argv = {['omnifield', *map(str, words)]!r}\n"
    program += "from omnifield.scripts.cli import main\ntry: main()\n"
    program += "finally: print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout
    return set(done.stderr.split())


@pytest.mark.parametrize("verb", cli.VERBS)
def test_help_imports_nothing_slow(verb: str) -> None:
    assert not imported_by(verb, "--help") & SLOW


def test_help_names_the_verbs_and_imports_nothing_slow() -> None:
    assert not imported_by("--help") & SLOW


def test_info_imports_nothing_slow(ball_file) -> None:
    run = ball_file()
    assert not imported_by("info", run) & SLOW and not imported_by("info", run, "--json") & SLOW


def test_the_names_of_the_fields_are_those_of_the_union() -> None:
    assert FIELDS == tuple(config for config in FIELD_CONFIGS if config != "ball")


def test_a_file_says_what_its_field_says(ball_file) -> None:
    file = ball_file() / "field.safetensors"
    stated = field_facts.facts_of(file)
    assert stated.pop("bytes") == file.stat().st_size
    assert stated == json.loads(json.dumps(facts(load_field(file))))
    assert field_facts.ENTRY == ENTRY and {*field_facts.KINDS} == {*stated}


@pytest.mark.parametrize("said", [None, {}, [], "no facts", {"field": 1}])
def test_a_file_that_does_not_say_it_is_loaded(ball_file, said: object) -> None:
    file = ball_file() / "field.safetensors"
    before = run_info(Info(file, json=True))
    with safe_open(file, "pt") as content:
        header = json.loads(content.metadata()[ENTRY])
    del header["facts"]
    header |= {} if said is None else {"facts": said}
    save_file(load_file(file), file, {ENTRY: json.dumps(header)})
    after = run_info(Info(file, json=True))
    assert {**after, "bytes": 0} == {**before, "bytes": 0}


def test_a_file_that_is_cut_short_is_refused_however_much_it_says(ball_file) -> None:
    file = ball_file() / "field.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ValueError, match="is cut short or damaged"):
        run_info(Info(file))
