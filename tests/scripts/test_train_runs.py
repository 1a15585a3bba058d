"""Trainings one after the other in one place: what takes the place of what, and what may go on."""

import json
import shutil
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from omnifield.fields import HashConfig
from omnifield.scripts import train_begin as module
from omnifield.scripts.train import Train, run_train
from omnifield.train.loop import Training, begin

SMALL = {"preset": "tiny", "set": ("samples_per_step=1024",), "device": "cpu", "max_steps": 2}


@pytest.fixture
def trained(lego, tmp_path: Path) -> Train:
    """The flags of a training that has been."""
    flags = Train(str(lego()), run_dir=tmp_path / "run", **SMALL)
    run_train(flags)
    return flags


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_is_only_replaced_where_that_was_said_and_then_whole(trained, lego, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / "images" / "old.png").write_text("of a view that the next data have not")
    before = contents(folder)
    with pytest.raises(ValueError, match="holds a training already"):
        run_train(trained)
    for wrong in ({"data": str(tmp_path / "absent")}, {"max_seconds": 1e-9}):
        with pytest.raises((ValueError, FileNotFoundError)):
            run_train(replace(trained, overwrite=True, **wrong))
    assert contents(folder) == before
    run_train(replace(trained, overwrite=True, max_steps=3))
    now = contents(folder)
    assert "images/old.png" not in now and now.keys() - before.keys() == {
        name for name in now if name.startswith("events/")
    }
    assert json.loads(now["metrics.json"])["steps"] == 3


def test_a_training_goes_on_wherever_its_data_lie_now(trained, tmp_path: Path) -> None:
    shutil.move(trained.data, tmp_path / "moved")
    flags = Train(str(tmp_path / "moved"), run_dir=trained.run_dir, resume=True, max_steps=4, device="cpu")
    assert run_train(flags)["steps"] == 4
    assert run_train(replace(flags, preset="tiny", set=SMALL["set"], field="hash", seed=0))["steps"] == 4


def test_a_training_goes_on_with_the_sizes_that_it_began_with(
    trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        HashConfig.PRESETS["tiny"], "density_hidden", 24
    )  # a later version has other defaults
    assert run_train(replace(trained, resume=True, max_steps=4))["steps"] == 4


def test_a_training_does_not_go_on_as_anything_else(trained, tmp_path: Path) -> None:
    before = contents(tmp_path / "run")
    again = replace(trained, resume=True, max_steps=4)
    for other, words in (
        ({"field": "cp"}, "has --field hash, not cp"),
        ({"preset": "default"}, "has --preset tiny, not default"),
        ({"sampler": "uniform"}, "has --sampler occupancy, not uniform"),
        ({"seed": 1}, "has --seed 0, not 1"),
        ({"downscale": 2}, "has --downscale 1, not 2"),
        ({"scales": 2}, "has --scales 1, not 2"),
        ({"set": ("levels=2",)}, "has other settings than --set levels=2"),
        ({"overwrite": True}, "--overwrite is for a new training"),
    ):
        with pytest.raises(ValueError, match=words) as caught:
            run_train(replace(again, **other))
        assert "\n" not in str(caught.value)
    assert contents(tmp_path / "run") == before


def test_a_training_does_not_go_on_with_other_data(trained, tmp_path: Path) -> None:
    before = contents(tmp_path / "run")
    again = replace(trained, resume=True, max_steps=4)
    for change, words in (
        (drop_a_view, "they have 3 training and 2 held-out views, and not 4 training and 2 held-out views"),
        (rename_a_view, "their pictures have other names"),
        (move_a_camera, "their cameras are others"),
        (widen_the_view, "their cameras are others"),
    ):
        data = Path(shutil.copytree(trained.data, tmp_path / change.__name__))
        path = data / "transforms_train.json"
        content = json.loads(path.read_text())
        change(content, data)
        path.write_text(json.dumps(content))
        with pytest.raises(ValueError, match=words) as caught:
            run_train(replace(again, data=str(data)))
        assert str(data) in str(caught.value) and "\n" not in str(caught.value)
    assert contents(tmp_path / "run") == before


def drop_a_view(content: dict, data: Path) -> None:
    content["frames"].pop()


def rename_a_view(content: dict, data: Path) -> None:
    (data / "train" / "r_0.png").rename(data / "train" / "s_0.png")
    content["frames"][0]["file_path"] = "./train/s_0"


def move_a_camera(content: dict, data: Path) -> None:
    content["frames"][0]["transform_matrix"][0][3] += 0.1


def widen_the_view(content: dict, data: Path) -> None:
    content["camera_angle_x"] *= 1.1


@pytest.mark.parametrize("wrong", [{"max_seconds": 0.01}, {"seed": 1 << 64}, {"preset": "huge"}])
def test_what_is_refused_leaves_no_folder(lego, tmp_path: Path, wrong: dict) -> None:
    flags = Train(str(lego()), output=tmp_path / "outputs", device="cpu", **{"max_steps": 2} | wrong)
    with pytest.raises(ValueError):
        run_train(flags)
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize("named", [False, True])
def test_a_port_that_is_taken_leaves_no_folder(lego, tmp_path: Path, named: bool) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        flags = Train(str(lego()), viewer=True, port=other.getsockname()[1], **SMALL)
        run_dir = tmp_path / "outputs" / "run" if named else None
        with pytest.raises(ValueError, match="port"):
            run_train(replace(flags, output=tmp_path / "outputs", run_dir=run_dir))
    assert not (tmp_path / "outputs").exists()


def test_a_beginning_that_took_the_whole_budget_is_refused(lego, tmp_path: Path, monkeypatch) -> None:
    def slow(*asked: object, **named: object) -> Training:
        training = begin(*asked, **named)
        training.seconds = 1.0
        return training

    monkeypatch.setattr(module, "begin", slow)
    flags = Train(str(lego()), output=tmp_path / "outputs", **SMALL | {"max_seconds": 0.5})
    with pytest.raises(
        ValueError, match=r"The budget is too small: to begin took 1\.0 s, --max-seconds is 0\.5\."
    ):
        run_train(flags)
    assert not (tmp_path / "outputs").exists()
