"""The run folder: what is in it, and that it is whole whenever the program is stopped."""

import json
import math
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from omnifield.train import Budget, begin, fit, judge, load_field
from omnifield.train.callbacks import Curve, Saving
from omnifield.train.checkpoint import load_training
from omnifield.train.events import Events
from omnifield.train.files import write_tensors
from omnifield.train.run import Run
from PIL import Image
from torch import Tensor

from .sphere_scene import HASH, SIZE, sphere_scene

STEPS = 40


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Trained, saved and illustrated; the tests but look at it."""
    scene = sphere_scene()
    run = Run(tmp_path_factory.mktemp("runs") / "sphere", scene, begin(scene, HASH), {"scene": "sphere"})
    with run.kept(), Events(run.folder / "events", run.curve) as events:
        fit(run.training, scene, Budget(steps=STEPS), [Curve(run, Budget(steps=STEPS)), events])
    run.write_pictures()
    return run


def test_everything_is_there_and_nothing_else(run: Run) -> None:
    files = sorted(str(path.relative_to(run.folder)) for path in run.folder.rglob("*") if path.is_file())
    [events] = [name for name in files if name.startswith("events/")]
    files.remove(events)
    images = [f"images/r_{view}.png" for view in range(3)]
    assert files == [
        "curve.json",
        "curve.png",
        "field.safetensors",
        *images,
        "picture.png",
        "state.safetensors",
    ]
    assert (run.folder / events).stat().st_size > 500


def test_the_curve_rises_from_mark_to_mark(run: Run) -> None:
    curve = json.loads((run.folder / "curve.json").read_text())
    assert curve == run.curve
    steps = [point["step"] for point in curve]
    assert steps == [1, 2, 3, 4, 6, 8, 12, 16, 20, 24, 28, 32, 36, 40]
    assert [point["seconds"] for point in curve] == sorted(point["seconds"] for point in curve)
    assert curve[-1]["psnr"] > curve[0]["psnr"] + 3


def test_the_figure_at_the_end_is_the_judges(run: Run) -> None:
    views = list(judge(run.training.field, run.training.settled(), run.scene.test, torch.ones(3)))
    mean = sum(view.psnr for view in views) / len(views)
    assert run.curve[-1]["psnr"] == pytest.approx(mean, abs=1e-4)


def test_pictures_stand_beside_the_truth(run: Run) -> None:
    truth = np.asarray(run.scene.test[0].images[1].numpy(), float)
    over_white = truth[..., :3] * truth[..., 3:] / 255 + 255 - truth[..., 3:]
    with Image.open(run.folder / "images" / "r_1.png") as image:
        pixels = np.asarray(image, float)
    assert pixels.shape == (SIZE, 2 * SIZE, 3)
    assert abs(pixels[:, SIZE:] - over_white).max() <= 1
    error = ((pixels[:, :SIZE] - over_white) / 255).__pow__(2).mean()
    [_, judged, _] = judge(run.training.field, run.training.settled(), run.scene.test, torch.ones(3))
    assert -10 * math.log10(error) == pytest.approx(judged.psnr, abs=0.1)


def test_the_saved_field_is_the_trained_one(run: Run) -> None:
    trained = load_field(run.folder / "field.safetensors")
    before = run.training.field.state_dict()
    assert all(torch.equal(before[name], tensor) for name, tensor in trained.field.state_dict().items())
    assert torch.equal(trained.sampler.bits, run.training.settled().bits)
    assert trained.provenance["scene"] == "sphere" and trained.provenance["steps"] == STEPS
    assert trained.thumbnail.shape == (SIZE, SIZE, 3) and trained.thumbnail[0, 0].tolist() == [255, 255, 255]
    assert str(run.folder).encode() not in (run.folder / "field.safetensors").read_bytes()[:5000]


def test_a_run_is_taken_up_with_its_curve(run: Run) -> None:
    training = begin(run.scene, HASH)
    load_training(run.folder / "state.safetensors", training)
    training.step = 13  # the curve went on after the state was saved
    again = Run(run.folder, run.scene, training, {})
    again.go_on()
    assert [point["step"] for point in again.curve] == [1, 2, 3, 4, 6, 8, 12]
    assert again.earlier_seconds == training.seconds > 0


def test_a_slow_disk_holds_no_step_up_and_two_saves_are_never_written_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, going, said = sphere_scene(train=4, test=1), threading.Event(), []

    def slow(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
        said.append(path.name)
        going.wait()
        write_tensors(path, tensors, metadata)

    monkeypatch.setattr("omnifield.train.callbacks.LOST_SECONDS", 0.0)
    monkeypatch.setattr("omnifield.train.run.write_tensors", slow)
    run = Run(tmp_path, scene, begin(scene, HASH), {})
    fit(run.training, scene, Budget(steps=8), [Saving(run)])
    assert run.training.step == 8 and said == ["field.safetensors"]
    going.set()
    run.save()
    assert said == ["field.safetensors", "state.safetensors"] * 2
    assert load_field(tmp_path / "field.safetensors").provenance["steps"] == 8


def test_a_save_is_of_the_moment_at_which_it_began_and_its_error_comes_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, going = sphere_scene(train=4, test=1), threading.Event()
    run = Run(tmp_path, scene, begin(scene, HASH), {})

    def late(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
        going.wait()
        write_tensors(path, tensors, metadata)

    monkeypatch.setattr("omnifield.train.run.write_tensors", late)
    before = {name: tensor.clone() for name, tensor in run.training.field.state_dict().items()}
    run.save_beside()
    fit(run.training, scene, Budget(steps=2))
    going.set()
    run.saver.finish()
    kept = load_field(tmp_path / "field.safetensors").field.state_dict()
    assert all(torch.equal(before[name], kept[name]) for name in before)

    def full(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
        raise ValueError(f"{path} cannot be written: No space left on device.")

    monkeypatch.setattr("omnifield.train.run.write_tensors", full)
    run.save_beside()
    with pytest.raises(ValueError, match="No space left"):
        run.save_beside()
    with pytest.raises(ValueError, match="No space left"):
        run.save()


def test_with_room_for_one_file_it_is_the_field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def small(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
        if path.name.startswith("state"):
            raise ValueError(f"{path} cannot be written: No space left on device.")
        write_tensors(path, tensors, metadata)

    scene = sphere_scene(train=4, test=1)
    monkeypatch.setattr("omnifield.train.run.write_tensors", small)
    with pytest.raises(ValueError, match="state"):
        Run(tmp_path, scene, begin(scene, HASH), {}).save()
    load_field(tmp_path / "field.safetensors")


@pytest.mark.slow
def test_killed_at_any_moment_a_run_can_be_looked_at_and_resumed(tmp_path: Path) -> None:
    chance, scene = random.Random(0), sphere_scene(train=4, test=1)
    script = Path(__file__).with_name("endless_training.py")
    field, steps = tmp_path / "run" / "field.safetensors", 0
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, script, tmp_path / "run"], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None and process.stdout.readline() != ""
        time.sleep(chance.random())
        process.kill()
        said = [int(line) for line in process.stdout.read().split()]
        process.wait()
        trained = load_field(field)
        assert trained.provenance["steps"] >= max(said, default=1)
        training = begin(scene, HASH)
        load_training(tmp_path / "run" / "state.safetensors", training)
        assert training.step >= max(said, default=1)
        json.loads((tmp_path / "run" / "curve.json").read_text())
        steps += len(said)
    assert steps > 0


@pytest.mark.slow
def test_killed_between_saves_a_training_has_lost_little(tmp_path: Path) -> None:
    """It saves by itself: what is on the disk is younger than the steps that were made meanwhile."""
    script, state = Path(__file__).with_name("endless_training.py"), tmp_path / "state.safetensors"
    process = subprocess.Popen([sys.executable, script, tmp_path, "0.5"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said, saves = [], set()
    for line in process.stdout:
        said.append(int(line))
        saves |= {state.stat().st_mtime_ns} if state.exists() else set()
        if len(saves) >= 4:
            break
    process.kill()
    said += [int(line) for line in process.stdout.read().split()]
    process.wait()
    scene = sphere_scene(train=4, test=1)
    training = begin(scene, HASH)
    load_training(state, training)
    assert load_field(tmp_path / "field.safetensors").provenance["steps"] >= training.step > max(said) / 4
