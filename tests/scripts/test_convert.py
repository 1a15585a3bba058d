"""`omnifield convert` as it is typed: what it writes, what it prints, and one sentence for what it cannot do."""

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import tyro
from omnifield.fields import field_config, preset_of
from omnifield.scenes import Box
from omnifield.scenes.camera_groups import camera_count
from omnifield.scripts import cli
from omnifield.scripts.convert import Convert, run_convert
from omnifield.scripts.edits_typed import pose_of
from omnifield.terminal.bar import Bar
from omnifield.train import load_field, save_field
from PIL import Image

from .conftest import Typed

TINY = ("--preset", "tiny", "--set", "samples_per_step=1024", "--device", "cpu")


@pytest.fixture
def typed(typed: Typed) -> Typed:
    return partial(typed, "convert")


def test_a_file_becomes_another_with_a_report(ball_file, lego, tmp_path: Path, typed: Typed) -> None:
    output, data = tmp_path / "made" / "voxels.safetensors", lego()
    steps = ("--max-steps", "10", "--data", data, "--json")
    code, out, err = typed(ball_file(), "--to", "voxel", *TINY, *steps, "--output", output)
    assert code == 0
    result = json.loads(out)
    json.dumps(result, allow_nan=False)
    assert {"file": str(output), "from": "ball", "to": "voxel", "steps": 10}.items() <= result.items()
    assert result["seconds"] > 0 and result["agreement_psnr"] > 18 and result["psnr"] > 15
    assert result["stages"][0]["name"] == "start"
    for stage in result["stages"]:
        assert set(stage) == {"name", "steps", "seconds", "agreement_psnr"}
    assert sum(stage["steps"] for stage in result["stages"]) == 10
    student = load_field(output)
    assert student.config.tag == "voxel"
    assert student.provenance["converted_from"] == "ball" and student.provenance["conversion_steps"] == 10
    assert student.provenance["scene"] == "[b]all" and student.thumbnail.shape[-1] == 3
    report = tmp_path / "made" / "voxels-report"
    assert {path.name for path in report.iterdir()} == {
        *("report.json", "report.md", "views.png", "agreement.png", "truth.png")
    }
    written = json.loads((report / "report.json").read_text())
    assert written == {name: value for name, value in result.items() if name not in ("file", "report")}
    text = (report / "report.md").read_text()
    assert text.startswith("# ball to voxel\n") and "Against real pictures" in text
    assert Image.open(report / "views.png").size[0] == 3 * 32
    assert np.asarray(Image.open(report / "views.png")).std() > 10
    assert "held-out views agree to" in err and str(output) in err.replace("\n", "")


def test_names_that_nobody_gave(ball_file, typed: Typed) -> None:
    run = ball_file()
    code, out, _ = typed(run, "--to", "voxel", *TINY, "--max-steps", "2")
    assert code == 0 and out == ""
    made = {path.name for path in run.iterdir()}
    assert made == {"field.safetensors", "field-voxel.safetensors", "field-voxel-report"}
    result = json.loads((run / "field-voxel-report" / "report.json").read_text())
    assert "psnr" not in result and not (run / "field-voxel-report" / "truth.png").exists()


def looked_at(run: Path) -> Path:
    """The same field with its occupied cells known: the fewer there are, the quicker a test."""
    trained = load_field(run / "field.safetensors")
    trained.sampler.visit(trained.field.density, 32**3, torch.Generator().manual_seed(0))
    save_field(run / "field.safetensors", trained)
    return run


def test_edits_as_they_are_typed(ball_file, tmp_path: Path) -> None:
    run = looked_at(ball_file())
    flags = {"preset": "tiny", "set": ("samples_per_step=1024",), "max_steps": 2, "device": "cpu"}
    edits = {"transform": ("0,0,0", "1.5,0,0,0,0,90"), "keep_box": ("-1,-1,-1,2.5,1,1",)}
    edits["remove_box"] = ("1.5,-2,-2,3,2,2",)
    output = tmp_path / "both.safetensors"
    result = run_convert(Convert((run, run), "voxel", output=output, **edits, **flags))
    trained = load_field(output)
    assert result["from"] == "ball+ball"
    assert trained.field.domain == Box((-1.0, -1.0, -1.0), (2.5, 1.0, 1.0))
    assert camera_count(trained.cameras) == 8
    middles = torch.tensor([[0.0, 0.0, 0.0], [1.2, 0.0, 0.0], [1.8, 0.0, 0.0], [0.75, 0.0, 0.5]])
    assert trained.sampler.contains(middles).tolist() == [True, True, False, False]


def test_degrees_turn_about_the_axes_x_first() -> None:
    pose = pose_of("1,2,3,90,0,90")
    assert pose[:3, 3].tolist() == [1, 2, 3]
    turned = pose[:3, :3]
    # x → x → y; y → z → z; z → −y → x
    assert turned.round(decimals=5).T.tolist() == [[0, 1, 0], [0, 0, 1], [1, 0, 0]]


def test_flags_as_they_are_typed() -> None:
    words = ["a", "b", "--to", "mlp", "--active", "ray", "--remove-box", "0,0,0,1,1,1"]
    flags = tyro.cli(Convert, args=[*words, "--remove-box", "1,1,1,2,2,2", "--transform=-1,0,0"])
    assert flags.files == (Path("a"), Path("b")) and flags.active == ("ray",)
    assert flags.remove_box == ("0,0,0,1,1,1", "1,1,1,2,2,2") and flags.transform == ("-1,0,0",)
    assert tyro.cli(Convert, args=["a", "--to", "mlp", "--active"]).active == ()
    assert preset_of("mlp", None) == "default" and preset_of("voxel", None) == "fine"
    assert preset_of("voxel", "tiny") == "tiny"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("--keep-box", "1,2,3"),
            "--keep-box takes six numbers X0,Y0,Z0,X1,Y1,Z1, separated by commas, not '1,2,3'",
        ),
        (("--keep-box", "0,0,0,1,1,nan"), "--keep-box takes six numbers"),
        (("--remove-box", "0,0,0,0,1,1"), "--remove-box: "),
        (("--remove-box", "5,5,5,6,6,6"), "The box to remove, from (5.0, 5.0, 5.0)"),
        (("--transform", "1,2"), "--transform takes three numbers X,Y,Z or six"),
        (("--time", "2"), "The moment of a scene is from 0 to 1, not 2.0"),
        (("--max-seconds", "-1"), "--max-seconds must be above zero, not -1.0"),
        (("--max-seconds", "0.001"), "The budget is too small"),
        (("--set", "no_such=1"), "There is no setting of the voxel field named 'no_such'"),
        (("--preset", "huge"), "There is no preset of the voxel field named 'huge'"),
        (("--output", "made.ply"), "ending in .safetensors"),
        (("--output", "run/field.safetensors"), "name another file than the field's own"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    ball_file, tmp_path: Path, monkeypatch, typed: Typed, words, sentence
) -> None:
    run = ball_file()
    before = (run / "field.safetensors").read_bytes()
    monkeypatch.chdir(tmp_path)
    # What comes last counts, where a flag is given twice.
    code, out, err = typed("run", "--to", "voxel", "--max-steps", "5", *TINY, *words)
    assert code == cli.BAD_INPUT and out == ""
    said = err.strip().splitlines()[-1]
    assert said.startswith("omnifield: ") and sentence in said and "Traceback" not in err
    assert [path.name for path in run.iterdir()] == ["field.safetensors"]
    assert (run / "field.safetensors").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


def test_an_unknown_field_is_answered_with_the_nearest(ball_file, typed: Typed) -> None:
    code, _, err = typed(ball_file(), "--to", "voxle", *TINY)
    assert code == cli.BAD_INPUT and "voxel" in err and "Traceback" not in err


def test_files_that_are_none(ball_file, tmp_path: Path, typed: Typed) -> None:
    code, _, err = typed(tmp_path / "absent", "--to", "mlp")
    assert code == cli.BAD_INPUT and "There is no file or folder" in err
    file = ball_file() / "field.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    code, _, err = typed(file, "--to", "mlp", *TINY)
    assert code == cli.BAD_INPUT and err.count("omnifield: ") == 1 and "damaged" in err
    code, _, err = typed("--to", "mlp")
    assert code == cli.BAD_INPUT and "Name at least one field's file" in err
    assert [path.name for path in file.parent.iterdir()] == ["field.safetensors"]


def test_a_file_of_a_newer_version_is_refused(ball_file, typed: Typed, monkeypatch) -> None:
    monkeypatch.setattr("omnifield.train.field_header.VERSION", 2)
    run = ball_file()
    monkeypatch.setattr("omnifield.train.field_header.VERSION", 1)
    code, _, err = typed(run, "--to", "mlp", *TINY)
    assert code == cli.BAD_INPUT and "written by a newer omnifield" in err


def test_ctrl_c_keeps_the_best_so_far(ball_file, tmp_path: Path, typed: Typed, monkeypatch) -> None:
    update = Bar.update

    def interrupt(bar: Bar, done: float, what: str, figures: str) -> None:
        update(bar, done, what, figures)
        if figures.endswith("step 5"):
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Bar, "update", interrupt)
    output = tmp_path / "made.safetensors"
    code, out, _ = typed(
        ball_file(), "--to", "voxel", *TINY, "--max-steps", "500", "--output", output, "--json"
    )
    assert code == 130
    result = json.loads(out)
    assert result["interrupted"] and 5 <= result["steps"] < 10
    assert load_field(output).config.tag == "voxel"
    assert "stopped early" in (tmp_path / "made-report" / "report.md").read_text()


def test_the_example_of_the_documentation_runs(ball_file, tmp_path: Path) -> None:
    """From a field of a known kind: what this process calls a ball no other one does."""
    run = looked_at(ball_file())
    trained = load_field(run / "field.safetensors")
    torch.manual_seed(0)
    field = field_config("voxel", "tiny").build(trained.field.domain)
    save_field(tmp_path / "field.safetensors", dataclasses.replace(trained, field=field))
    page = Path(__file__).parents[2] / "docs" / "convert.md"
    code = "\n".join(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert " dB after " in done.stdout
    assert {"voxels.safetensors", "voxels-report"} <= {path.name for path in tmp_path.iterdir()}
