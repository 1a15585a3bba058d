"""Ctrl-C, SIGTERM and a closed terminal: one line, an exit code that says so, and what there is is saved."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from omnifield.scripts import cli
from omnifield.scripts import eval as eval_module
from omnifield.terminal import interrupts
from omnifield.terminal.bar import TrainingBar
from omnifield.terminal.interrupts import (
    answering,
    end_at_once,
    until_interrupted,
    until_told_to_stop,
    unwind,
    unwound,
)
from omnifield.train.run import Run

from .conftest import Typed

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="these are POSIX's signals")
CALLED = """
import builtins, os, signal, sys
real = builtins.__import__
def importing(name, *rest):
    if name == "torch":
        os.kill(os.getpid(), signal.{signum})
    return real(name, *rest)
builtins.__import__ = importing
sys.argv = ["omnifield", "view", "absent"]
from omnifield.scripts.cli import main
main()
"""


@pytest.mark.parametrize("signum", ["SIGINT", "SIGTERM"])
def test_while_torch_is_imported_it_ends_in_one_line(signum: str) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    program = [sys.executable, "-c", CALLED.format(signum=signum)]
    done = subprocess.run(program, env=environment, capture_output=True, text=True)
    assert done.returncode == 128 + signal.Signals[signum]
    assert done.stdout == "" and done.stderr.strip() == "omnifield: interrupted."


@pytest.mark.parametrize("verb", cli.VERBS)
def test_what_a_verb_does_is_said_alike_everywhere(verb: str) -> None:
    assert cli.flags_of(verb).__doc__ == cli.VERBS[verb]


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_while_a_scene_is_loaded_it_ends_in_one_line(
    typed: Typed, tmp_path: Path, monkeypatch, signum
) -> None:
    def loading(*asked: object, **named: object) -> None:
        signal.raise_signal(signum)

    monkeypatch.setattr("omnifield.scripts.loading.load_scene", loading)
    code, out, err = typed("train", "demo", "--run-dir", tmp_path / "runs" / "run", "--device", "cpu")
    assert (code, out, err) == (128 + signum, "", "omnifield: interrupted.\n")
    assert not (tmp_path / "runs").exists()


def test_what_swallows_an_interrupt_does_not_keep_the_program(monkeypatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(interrupts, "GRACE", 0.01)
    monkeypatch.setattr(interrupts.os, "_exit", lambda code: ended.set())
    with answering(unwind):
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert ended.wait(30)
    unwound()


def test_handlers_are_put_back_and_nohup_is_respected() -> None:
    before = [signal.getsignal(signum) for signum in interrupts.SIGNALS]
    with answering(end_at_once):
        assert all(signal.getsignal(signum) not in before for signum in interrupts.SIGNALS)
    assert [signal.getsignal(signum) for signum in interrupts.SIGNALS] == before
    hangup = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with answering(end_at_once):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, hangup)


def test_the_first_signal_ends_the_work_and_one_too_many_the_program() -> None:
    with until_told_to_stop() as told:
        signal.raise_signal(signal.SIGTERM)
        assert told.is_set() and not told.again.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    with until_told_to_stop(2) as told:
        signal.raise_signal(signal.SIGINT)
        assert told.is_set() and not told.again.is_set()
        signal.raise_signal(signal.SIGINT)
        assert told.again.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    unwound()


def trained(typed: Typed, data: Path, folder: Path) -> tuple[int, dict, str]:
    small = (
        "--preset",
        "tiny",
        "--set",
        "samples_per_step=1024",
        "--device",
        "cpu",
        "--max-steps",
        "9",
        "--json",
    )
    code, out, err = typed("train", data, "--run-dir", folder, *small)
    return code, json.loads(out), err


@pytest.mark.parametrize("times", [1, 2])
def test_a_training_saves_and_a_second_ctrl_c_leaves_the_pictures_out(
    typed: Typed, lego, tmp_path: Path, monkeypatch, times: int
) -> None:
    show = TrainingBar.__call__

    def interrupt(bar: TrainingBar, step) -> None:
        show(bar, step)
        if step.step == 2:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(TrainingBar, "__call__", interrupt)
    code, result, err = trained(typed, lego(), tmp_path / "run")
    assert code == 130 and "Traceback" not in err
    assert "Stopped after 2 steps; the field is saved." in err and "Ctrl-C leaves them out" in err
    assert result["interrupted"] and result["steps"] == 2 and Path(result["file"]).is_file()
    assert (tmp_path / "run" / "state.safetensors").is_file()
    assert (result["psnr"] is None) == (times == 2)
    assert (tmp_path / "run" / "picture.png").exists() == (times == 1)
    assert json.loads((tmp_path / "run" / "metrics.json").read_text()) == result


def test_ctrl_c_while_pictures_are_drawn_leaves_the_others_out(
    typed: Typed, lego, tmp_path: Path, monkeypatch
) -> None:
    drawn = Run._to_draw

    def interrupt(run: Run):
        for view in drawn(run):
            signal.raise_signal(signal.SIGINT)
            yield view

    monkeypatch.setattr(Run, "_to_draw", interrupt)
    code, result, _ = trained(typed, lego(), tmp_path / "run")
    assert code == 130 and result["interrupted"] and result["psnr"] is None and result["steps"] == 9
    assert len(list((tmp_path / "run" / "images").iterdir())) == 1


def test_an_evaluation_keeps_what_it_has(typed: Typed, ball_file, lego, tmp_path: Path, monkeypatch) -> None:
    figures = eval_module.figures_of

    def interrupt(*asked: object) -> dict:
        signal.raise_signal(signal.SIGINT)
        return figures(*asked)

    monkeypatch.setattr(eval_module, "figures_of", interrupt)
    code, out, _ = typed(
        "eval", ball_file(), lego(), "--output", tmp_path / "out", "--device", "cpu", "--json"
    )
    result = json.loads(out)
    assert code == 130 and result["interrupted"] and len(result["images"]) == 1 and result["psnr"] > 20
    assert json.loads((tmp_path / "out" / "eval.json").read_text()) == result


def test_a_measurement_keeps_what_it_has(typed: Typed, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("omnifield.bench.ops.measure", measured_until(2))
    words = ("bench", "ops", "--device", "cpu", "--output", tmp_path, "--json")
    code, out, _ = typed(*words)
    result = json.loads(out)
    assert code == 130 and result["interrupted"] and len(result["results"]) == 2
    assert Path(result["file"]).stem.endswith("-interrupted") and Path(result["file"]).is_file()
    monkeypatch.setattr("omnifield.bench.ops.measure", measured_until(0))
    assert typed(*words)[0] == 130


def measured_until(end: int) -> Callable[..., dict]:
    done = []

    def measure(*asked: object, **named: object) -> dict:
        if len(done) == end:
            signal.raise_signal(signal.SIGINT)
        done.append(1)
        return {"op": "op", "unit": "unit", "count": 1, "target": None, "passes": {}}

    return measure


def test_pieces_are_whole_or_not_there() -> None:
    def pieces():
        yield 1
        raise KeyboardInterrupt

    assert until_interrupted(iter([1, 2])) == ([1, 2], False)
    assert until_interrupted(pieces()) == ([1], True)
