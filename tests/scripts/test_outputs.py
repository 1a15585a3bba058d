"""Results that cannot be written are refused before the work, and what is not theirs is not overwritten."""

import dataclasses
import math
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from omnifield.scripts.arguments import (
    check_above_zero,
    check_count,
    check_seconds,
    check_seed,
    choose_size,
)
from omnifield.scripts.bench import Bench, run_bench
from omnifield.scripts.budget import budget_of
from omnifield.scripts.cli import _in_words
from omnifield.scripts.convert import Convert, run_convert
from omnifield.scripts.eval import Eval, run_eval
from omnifield.scripts.outputs import try_file, try_folder
from omnifield.scripts.render import Render, run_render
from omnifield.scripts.train import Train, run_train
from omnifield.train import load_field, save_field
from omnifield.train.files import write_tensors

LONG = "x" * 300


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("in the way")
    return tmp_path / "file"


@pytest.mark.parametrize("attempt", [try_folder, try_file])
def test_what_can_be_written_is_not_touched(tmp_path: Path, attempt: Callable[[Path], None]) -> None:
    attempt(tmp_path / "a" / "b")
    attempt(Path("relative"))
    assert list(tmp_path.iterdir()) == [] and not Path("relative").exists()


@pytest.mark.parametrize("attempt", [try_folder, try_file])
@pytest.mark.parametrize("place", ["{file}/a/b", "{tmp}/" + LONG, "{tmp}/" + LONG + "/a"])
def test_what_cannot_be_written_is_named_as_it_was_given(
    file: Path, attempt: Callable[[Path], None], place: str
) -> None:
    path = Path(place.format(file=file, tmp=file.parent))
    with pytest.raises(ValueError) as caught:
        attempt(path)
    assert str(caught.value).startswith(f"{path} cannot be written: ") and ".part" not in str(caught.value)
    assert "\n" not in str(caught.value) and list(file.parent.iterdir()) == [file]


def test_a_folder_is_no_file_and_a_file_no_folder(file: Path) -> None:
    with pytest.raises(ValueError, match="it is a folder"):
        try_file(file.parent)
    with pytest.raises(ValueError, match=r"file cannot be written: .* is not a folder"):
        try_folder(file)


def never(*asked: object, **named: object) -> None:
    raise AssertionError("work had begun")


def test_no_verb_begins_what_it_could_not_write(ball_file, file: Path, monkeypatch) -> None:
    for name in ("loading.load_scene", "convert.convert", "render.counted", "eval.load_data"):
        monkeypatch.setattr(f"omnifield.scripts.{name}", never)
    run, place = ball_file(), file / "out"
    for work in (
        lambda: run_train(Train("demo", run_dir=place, device="cpu")),
        lambda: run_train(Train("demo", output=place, device="cpu")),
        lambda: run_convert(Convert((run,), "voxel", output=place.with_suffix(".safetensors"), device="cpu")),
        lambda: run_render(Render(run, place, device="cpu")),
        lambda: run_render(Render(run, place.with_suffix(".mp4"), device="cpu")),
        lambda: run_eval(Eval(run, "demo", place, device="cpu")),
        lambda: run_bench(Bench("ops", output=place, device="cpu")),
    ):
        with pytest.raises(ValueError, match=rf"{place}.* cannot be written: .*\.$") as caught:
            work()
        assert "\n" not in str(caught.value) and ".part" not in str(caught.value)
    assert file.read_text() == "in the way"


def test_a_conversion_takes_the_place_of_nothing_but_a_conversion(
    ball_file, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("omnifield.scripts.convert.convert", never)
    run = ball_file()
    own, other, foreign = (
        run / "field.safetensors",
        tmp_path / "other.safetensors",
        tmp_path / "a.safetensors",
    )
    trained = load_field(own)
    save_field(other, trained)
    write_tensors(foreign, {}, {})
    (tmp_path / "link.safetensors").symlink_to(own)
    for output in (own, other, foreign, tmp_path / "link.safetensors"):
        before = output.read_bytes()
        with pytest.raises(ValueError, match="name another file"):
            run_convert(Convert((run,), "voxel", output=output, device="cpu"))
        assert output.read_bytes() == before
    save_field(other, dataclasses.replace(trained, provenance={"converted_from": "ball"}))
    with pytest.raises(AssertionError, match="work had begun"):
        run_convert(Convert((run,), "voxel", output=other, device="cpu"))


def test_old_pictures_do_not_stay_among_new_ones(ball_file, lego, tmp_path: Path) -> None:
    run, folder = ball_file(), tmp_path / "out"
    folder.mkdir()
    (folder / "frame_00002.png").write_text("of a longer path")
    with pytest.raises(ValueError, match="holds more frames than the 2 of this path"):
        run_render(Render(run, folder, frames=2, width=8, device="cpu"))
    (folder / "0002_r_2.png").write_text("of another data set")
    with pytest.raises(ValueError, match=r"pictures of another evaluation, such as 0002_r_2\.png"):
        run_eval(Eval(run, str(lego()), folder, device="cpu"))
    assert len(list(folder.iterdir())) == 2


def test_a_video_does_not_replace_the_field_it_shows(ball_file, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    os.link(ball_file() / "field.safetensors", film)
    with pytest.raises(ValueError, match="is the field's own file"):
        run_render(Render(tmp_path / "run", film, frames=1, width=8, device="cpu"))
    assert load_field(film).config.tag == "ball"


@pytest.mark.parametrize("number", [0, -1, -(10**400), math.nan, math.inf, -math.inf, 10**400])
def test_numbers_out_of_all_bounds_are_refused_by_name(number: float) -> None:
    for check in (check_above_zero, check_count):
        if isinstance(number, int) or check is check_above_zero:
            with pytest.raises(ValueError, match=r"--flag (must be|may be) "):
                check("--flag", number, 1000)
    if isinstance(number, float):
        for refused in (lambda: budget_of(number, None), lambda: check_seconds("--max-seconds", number)):
            with pytest.raises(ValueError, match=r"--max-seconds (must be|may be) "):
                refused()
    else:
        with pytest.raises(ValueError, match=r"--max-steps (must be|may be) "):
            budget_of(None, number)
        with pytest.raises(ValueError, match="--width must be"):
            choose_size(number, None, (40, 30))


def test_a_field_is_not_moved_out_of_the_world(ball_file) -> None:
    with pytest.raises(ValueError, match="--transform 1e300,0,0: no number may be beyond"):
        run_convert(Convert((ball_file(),), "voxel", transform=("1e300,0,0",), device="cpu"))


def test_what_the_system_refuses_is_a_sentence() -> None:
    assert _in_words(OSError(28, "No space left on device", "x")) == "x failed: No space left on device."
    assert _in_words(FileNotFoundError("There is no file x.")) == "There is no file x."


def test_seeds_have_64_bits() -> None:
    for seed in (None, 0, -(1 << 63), (1 << 64) - 1):
        check_seed(seed)
    for seed in (1 << 64, -(1 << 63) - 1, 10**400):
        with pytest.raises(ValueError, match="--seed must be a number of 64 bits"):
            check_seed(seed)


def test_a_side_that_follows_from_the_other_has_the_same_bounds() -> None:
    with pytest.raises(ValueError, match="--width and --height make pictures of 16384x32768 pixels"):
        choose_size(16384, None, (10, 20))


@pytest.mark.parametrize("wrong", [{"fps": 1e300}, {"fps": 1e-9}, {"seconds": math.inf}, {"frames": 10**400}])
def test_numbers_of_a_video(ball_file, tmp_path: Path, wrong: dict) -> None:
    with pytest.raises(ValueError, match=f"--{next(iter(wrong))}"):
        run_render(Render(ball_file(), tmp_path / "film.mp4", device="cpu", **wrong))
