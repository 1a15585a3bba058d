"""The examples in the documentation run as they stand."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from omnifield.fields import FIELD_CONFIGS

from .fields import contract as fields
from .fields import test_contract as contract
from .fields.contract import BOX

DOCS = Path(__file__).parent.parent / "docs"


def test_the_python_example_runs_and_writes_what_it_says(tmp_path: Path) -> None:
    code = "\n".join(re.findall(r"```python\n(.*?)```", (DOCS / "python.md").read_text(), re.DOTALL))
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "step 40:" in run.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"view.png", "field.safetensors"}


def test_a_field_of_ones_own_keeps_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example of docs/add-a-field.md, as if its name were in the union."""
    path = DOCS / "examples" / "siren_field.py"
    assert len(path.read_text().splitlines()) < 75
    spec = importlib.util.spec_from_file_location("siren_field", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "siren_field", module)  # where its dataclass looks for its types
    spec.loader.exec_module(module)
    config = module.SirenConfig

    def config_of(kind: str, preset: str) -> object:
        return config(**config.PRESETS[preset])

    monkeypatch.setitem(FIELD_CONFIGS, "siren", config)
    for place in (contract, fields):
        monkeypatch.setattr(place, "config_of", config_of)
    contract.test_every_field_has_the_three_presets("siren", "paper")
    contract.test_answers_have_their_shapes("siren", BOX, 257)
    contract.test_gradients_are_slopes("siren")
    contract.test_learns_a_sphere_by_heart("siren")
