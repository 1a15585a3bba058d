"""How a field is fitted, from the command line: --set fit.NAME=VALUE, kept with the run and minded when it goes on."""

import dataclasses
import json
from dataclasses import replace
from pathlib import Path

import pytest
from omnifield.scripts import train as module
from omnifield.scripts.cli import flags_of
from omnifield.scripts.flags import train as flags_module
from omnifield.scripts.train import Train, run_train
from omnifield.train import FitConfig
from omnifield.train.schedule import BOUNDS

SMALL = {"preset": "tiny", "device": "cpu", "max_steps": 2}
SET = ("samples_per_step=1024", "fit.warmup=0.02", "fit.coarse=2", "fit.sample_color=0.5")


@pytest.fixture
def flags(lego, tmp_path: Path) -> Train:
    return Train(str(lego()), run_dir=tmp_path / "run", set=SET, **SMALL)


def test_they_reach_the_training_and_are_kept_with_the_run(flags: Train, monkeypatch) -> None:
    fitted = []
    monkeypatch.setattr(module, "fit", lambda training, *rest: fitted.append(training))
    run_train(flags)
    [training] = fitted
    assert training.config == FitConfig(warmup=0.02, coarse=2.0, sample_color=0.5)
    assert [(term.name, term.weight) for term in training.terms] == [
        ("photometric", 1.0),
        ("sample_color", 0.5),
    ]
    assert flags.run_dir is not None
    config = json.loads((flags.run_dir / "config.json").read_text())
    assert config["fit"] == dataclasses.asdict(training.config) and tuple(config["flags"]["set"]) == SET


def test_a_training_goes_on_with_its_own_and_with_no_others(flags: Train) -> None:
    run_train(flags)
    again = replace(flags, resume=True, max_steps=3, set=())
    with pytest.raises(ValueError, match=r"other settings than --set fit\.coarse=3: leave"):
        run_train(replace(again, set=("fit.coarse=3",)))
    assert run_train(again)["steps"] == 3
    assert run_train(replace(again, max_steps=4, set=("fit.coarse=2",)))["steps"] == 4


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("fit.corse=2", "no setting of the training named 'corse': .* Did you mean coarse"),
        ("fot.coarse=2", "no group of settings named 'fot': .* Did you mean fit"),
        ("coarse=2", "no setting of the hash field named 'coarse'"),
        ("fit.coarse=many", "coarse takes a number, not 'many'"),
        ("fit.coarse=nan", r"fit\.coarse must be from 1 to 64, not nan"),
        ("fit.warmup=2", r"fit\.warmup must be from 0 to 1, not 2"),
        ("fit.final_rate=0", r"fit\.final_rate must be from 1e-06 to 1, not 0"),
        ("fit.seed=3", "--seed says it"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(flags: Train, setting: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        run_train(replace(flags, set=(setting,)))
    assert "\n" not in str(caught.value) and str(caught.value).endswith((".", "?"))
    assert flags.run_dir is not None and not flags.run_dir.exists()


def test_every_setting_has_bounds_and_help_names_it() -> None:
    names = {each.name for each in dataclasses.fields(FitConfig)} - {"seed"}
    help_text = Path(flags_module.__file__).read_text().split("(fit. has")[1].split(")")[0]
    assert set(BOUNDS) == names and all(name in help_text for name in names)
    assert flags_of("train") is Train


@pytest.mark.parametrize("end", ["least", "most"])
def test_a_training_works_at_the_ends_of_all_bounds(lego, tmp_path: Path, monkeypatch, end: str) -> None:
    """But for the weights, which may be as heavy as anybody wants."""
    monkeypatch.setattr("omnifield.renderers.occupancy.FIRST_LOOK", 0)
    bounds = {name: ends[end == "most"] for name, ends in BOUNDS.items() if ends[1] < 1e6}
    settings = tuple(f"fit.{name}={value}" for name, value in bounds.items())
    flags = Train(str(lego()), run_dir=tmp_path / "run", set=("samples_per_step=256", *settings), **SMALL)
    assert run_train(flags)["steps"] == 2
