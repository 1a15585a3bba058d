"""The command as it is typed: what it explains, what it refuses, and one straight line through its verbs."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from omnifield.scripts import cli
from omnifield.terminal.bar import TrainingBar
from safetensors.torch import load_file

from .conftest import Typed

VERBS = list(cli.VERBS)
UNITS = {
    "train": ("Seconds of training", "(default: hash)", "(default: outputs)"),
    "eval": ("Compare every n-th pixel", "(default: 1)", "a dataset folder, or a mesh"),
    "render": ("Pixels", "in seconds", "Frames per second", "(default: renders/output.mp4)"),
    "info": ("the folder of its training", "(default: False)"),
    "bench": ("seconds of each training", "pixels along each side", "(default: 60.0)", "(default: 5)"),
}
PATIENCE = 300  # seconds; a busy machine may stand still for a while


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


@pytest.fixture
def omnifield(typed: Typed) -> Callable[..., Said]:
    """Runs the command in this process."""
    return lambda *words: Said(*typed(*words))


@pytest.fixture
def tiny(lego, tmp_path: Path) -> list[str]:
    """What every training here has in common."""
    small = ["--preset", "tiny", "--set", "samples_per_step=2048", "--device", "cpu"]
    return [str(lego()), *small, "--run-dir", str(tmp_path / "run")]


def unwrapped(text: str) -> str:
    """Help without the frames and line breaks that the width of the terminal makes."""
    return " ".join(text.replace("│", " ").split())


def test_help_names_every_verb(omnifield) -> None:
    said = omnifield("--help")
    assert said.code == 0 and all(verb in said.out for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_units_and_defaults(omnifield, verb: str) -> None:
    said = omnifield(verb, "--help")
    text = unwrapped(said.out)
    assert said.code == 0 and "--json" in text
    for words in UNITS.get(verb, ("(default: ",)):
        assert words in text


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("train", "demo", "--max-secnds", "3"), "--max-seconds"),
        (("render", "run", "--widht", "3"), "--width"),
        (("eval", "run", "demo", "--stirde", "3"), "--stride"),
    ],
)
def test_an_unknown_flag_answers_with_the_nearest(omnifield, words, meant) -> None:
    said = omnifield(*words)
    assert said.code == 2 and said.out == "" and "Traceback" not in said.err
    assert words[-2] in said.err and meant in said.err.replace(words[-2], "")


@pytest.mark.parametrize("flag", ["--field", "--sampler"])
def test_a_choice_that_there_is_not_answers_with_those_there_are(omnifield, flag: str) -> None:
    said = omnifield("train", "data", flag, "absent")
    assert said.code == 2 and "None" not in said.err
    assert ("uniform" if flag == "--sampler" else "voxel") in said.err


def test_a_number_that_is_none_is_refused(omnifield) -> None:
    said = omnifield("train", "demo", "--max-seconds", "soon")
    assert said.code == 2 and "soon" in said.err and "Traceback" not in said.err


BAD = {
    "There is no file or folder": ("train", "{tmp}/absent"),
    "is empty": ("train", "{tmp}"),
    "There is no mesh file": ("train", "{tmp}/absent.obj"),
    "There is no preset of the hash field named 'huge'": ("train", "{data}", "--preset", "huge"),
    "There is no setting of the hash field named 'levls'": ("train", "{data}", "--set", "levls=4"),
    "The setting levels takes a whole number, not 'four'": ("train", "{data}", "--set", "levels=four"),
    "--max-steps must be above zero, not 0": ("train", "{data}", "--max-steps", "0"),
    "--resume needs --run-dir": ("train", "{data}", "--resume"),
    "there is no training to resume": ("train", "{data}", "--resume", "--run-dir", "{tmp}/absent"),
    "--downscale must be 1 or more": ("train", "{data}", "--downscale", "0"),
    "is not a field file": ("info", "{damaged}"),
    "is cut short or damaged": ("render", "{damaged}"),
    "There is no file or folder {tmp}/absent.": ("eval", "{tmp}/absent", "demo"),
    "bench render needs a trained": ("bench", "render"),
}


@pytest.mark.parametrize("sentence", BAD)
def test_bad_input_is_answered_in_one_sentence(omnifield, lego, tmp_path: Path, sentence: str) -> None:
    damaged, empty = tmp_path / "damaged.safetensors", tmp_path / "empty"
    damaged.write_bytes(b'\x10\0\0\0\0\0\0\0{"cut')
    empty.mkdir()
    places = {"tmp": empty, "data": lego(), "damaged": damaged}
    said = omnifield(*(word.format(**places) for word in BAD[sentence]))
    assert said.code == 2 and said.out == ""
    assert said.err.startswith("omnifield: ") and said.err.count("\n") == 1 and said.err.endswith("\n")
    assert sentence.format(**places) in said.err and said.err.rstrip()[-1] in ".?)"


def test_one_straight_line(omnifield, tiny, tmp_path: Path) -> None:
    run = tmp_path / "run"
    trained = json.loads(omnifield("train", *tiny, "--max-steps", "30", "--json").out)
    assert trained["steps"] == 30 and trained["field"] == "hash" and not trained["interrupted"]
    assert trained["run_dir"] == str(run) and trained["rays_per_second"] > 0
    names = {path.name for path in run.iterdir()}
    assert {"field.safetensors", "state.safetensors", "config.json", "metrics.json", "events"} <= names
    judged = json.loads(omnifield("eval", run, tiny[0], "--json").out)
    assert judged["psnr"] == pytest.approx(trained["psnr"], abs=0.01) and len(judged["images"]) == 2
    film = tmp_path / "film.mp4"
    rendered = omnifield("render", run, "--output", film, "--frames", "3", "--width", "16", "--json")
    assert json.loads(rendered.out)["frames"] == 3 and film.stat().st_size > 0
    facts = json.loads(omnifield("info", "--json", run).out)
    assert facts["provenance"]["steps"] == 30 and facts["config"]["log2_entries"] == 13


def test_people_get_words_and_standard_output_nothing(omnifield, tiny, tmp_path: Path) -> None:
    said = omnifield("train", *tiny, "--max-steps", "3")
    assert said.out == "" and "4 training and 2 held-out views, 32×32" in said.err
    assert str(tmp_path / "run" / "field.safetensors") in said.err  # whole, however long


def test_a_resumed_training_ends_as_an_unbroken_one(omnifield, tiny, tmp_path: Path, monkeypatch) -> None:
    data, *flags, whole = tiny
    assert omnifield("train", data, *flags, whole, "--max-steps", "12").code == 0
    show = TrainingBar.__call__

    def interrupt(bar: TrainingBar, step) -> None:
        show(bar, step)
        if step.step == 5:
            signal.raise_signal(signal.SIGTERM)

    parts = tmp_path / "parts"
    with monkeypatch.context() as patch:
        patch.setattr(TrainingBar, "__call__", interrupt)
        first = json.loads(omnifield("train", data, *flags, parts, "--max-steps", "12", "--json").out)
    assert first["interrupted"] and first["steps"] == 5
    second = json.loads(omnifield("train", data, "--resume", "--run-dir", parts, "--json").out)
    assert second["steps"] == 12 and not second["interrupted"] and second["seconds"] > first["seconds"]
    steps = [point["step"] for point in second["curve"]]
    assert steps == sorted(set(steps)) and steps[0] < 5 < 12 == steps[-1]
    for name in ("state.safetensors", "field.safetensors"):
        one, other = load_file(Path(whole) / name), load_file(parts / name)
        assert one.keys() == other.keys()
        for key in one:  # bit for bit; NaN is a cell that nobody has looked at
            torch.testing.assert_close(one[key], other[key], rtol=0, atol=0, equal_nan=True)


def test_a_resumed_training_may_be_given_more_but_not_a_damaged_state(omnifield, tiny) -> None:
    omnifield("train", *tiny, "--max-steps", "4", "--set", "levels=3", "--seed", "7")
    more = json.loads(omnifield("train", *tiny, "--resume", "--max-steps", "6", "--json").out)
    assert more["steps"] == 6
    assert json.loads(omnifield("info", tiny[-1], "--json").out)["config"]["levels"] == 3
    state = Path(tiny[-1]) / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-100])
    said = omnifield("train", *tiny, "--resume")
    assert said.code == 2 and "is damaged, or not a training of this field" in said.err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send")
def test_sigterm_saves_and_says_so_in_its_exit_code(tiny, tmp_path: Path) -> None:
    program = [sys.executable, "-c", "from omnifield.scripts.cli import main; main()"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    typed = ["train", *tiny, "--max-steps", "100000000", "--json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*program, *typed], env=environment, text=True, **pipes) as child:
        try:
            wait_for(lambda: any((tmp_path / "run" / "events").glob("*")) or child.poll() is not None)
            child.terminate()
            out, err = child.communicate(timeout=PATIENCE)
        finally:
            child.kill()
    assert child.returncode == 128 + signal.SIGTERM and "Traceback" not in err
    result = json.loads(out)
    assert result["interrupted"] and Path(result["file"]).is_file()
    assert (tmp_path / "run" / "state.safetensors").is_file()


def wait_for(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.05)
