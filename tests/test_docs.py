"""The examples in the documentation run as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def test_the_python_example_runs_and_writes_what_it_says(tmp_path: Path) -> None:
    code = "\n".join(re.findall(r"```python\n(.*?)```", (DOCS / "python.md").read_text(), re.DOTALL))
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "step 40:" in run.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"view.png", "field.safetensors"}


def test_a_new_field_is_one_file_and_one_name(tmp_path: Path) -> None:
    """The two steps of docs/add-a-field.md, and no third: the tests that follow from the union pass for it."""
    assert with_siren(tmp_path, "siren and not test_every_field_becomes_every_other") > 30


@pytest.mark.slow
def test_a_new_field_is_converted_as_all_others_are(tmp_path: Path) -> None:
    assert with_siren(tmp_path, "voxel-siren or siren-hash") == 2


def with_siren(folder: Path, chosen: str) -> int:
    """How many of the chosen tests (`pytest -k`) pass as if the example were in fields/ and its name in the union."""
    example = DOCS / "examples" / "siren_field.py"
    assert len(example.read_text().splitlines()) < 75
    (folder / "siren.py").write_text(example.read_text())
    choice = (ROOT / "fields" / "choice.py").read_text()
    named = re.sub(r"^FieldConfig = \(\n", "FieldConfig = (\n    SirenConfig |", choice, flags=re.MULTILINE)
    assert named != choice
    (folder / "choice.py").write_text(f"from .siren import SirenConfig\n{named}")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        "-p",
        "tests.one_field_more",
    ]
    files = ["fields/test_contract.py", "fields/test_choice.py", "distill/test_initialise.py"]
    files = [f"tests/{name}" for name in (*files, "distill/test_matrix.py")]
    run = subprocess.run(
        [*command, "-m", "slow or not slow", "-k", chosen, *files],
        cwd=ROOT,
        env=os.environ | {"ONE_FIELD_MORE": str(folder)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr
    passed = re.search(r"(\d+) passed", run.stdout)
    return int(passed[1]) if passed else 0
