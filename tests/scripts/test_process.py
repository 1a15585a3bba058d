"""The verb as it is typed, and what other verbs do with photographs that nobody has posed."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from omnifield.photos.found import holds_only_photos
from omnifield.photos.options import ProcessOptions
from omnifield.photos.process import work_folder
from omnifield.scripts import photos_scene
from omnifield.scripts.photos_scene import data_of, made, scene_beside
from omnifield.scripts.run_folder import claimed
from PIL import Image
from rich.console import Console

from ..photos.corner import HEIGHT, WIDTH, needs_pycolmap, photograph

PATIENCE = 300  # seconds; a busy machine may stand still for a while
FEW = ["--max-size", "320", "--features", "sift", "--lens", "simple_radial", "--json"]


@needs_pycolmap
def test_photographs_become_a_scene_once(typed, tmp_path: Path) -> None:
    photograph(tmp_path / "photos", [f"{i}.jpg" for i in range(6)])
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "photos" / "noise.jpg")
    code, out, err = typed("process", tmp_path / "photos", *FEW)
    result = json.loads(out)
    assert code == 0 and Path(result["scene"]) == tmp_path / "photos-scene"
    assert len(result["placed"]) == 6 and result["unplaced"] == ["noise.jpg"]
    assert "6 of 7 pictures found a place" in err and "No place was found for noise.jpg." in err
    before = (tmp_path / "photos-scene" / "transforms.json").stat().st_mtime_ns
    code, out, err = typed("process", tmp_path / "photos", *FEW)
    assert code == 0 and "has been made of" in err and json.loads(out) == result
    assert (tmp_path / "photos-scene" / "transforms.json").stat().st_mtime_ns == before
    (tmp_path / "photos" / "noise.jpg").unlink()
    code, _, err = typed("process", tmp_path / "photos", *FEW)
    assert code == 2 and "--overwrite makes it anew" in err
    assert (tmp_path / "photos-scene" / "transforms.json").stat().st_mtime_ns == before


def test_what_is_there_and_no_scene_stays(typed, tmp_path: Path) -> None:
    photograph(tmp_path / "photos", [f"{i}.jpg" for i in range(3)])
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    code, _, err = typed("process", tmp_path / "photos", "--output", tmp_path / "mine", "--overwrite")
    assert code == 2 and "holds something else already" in err
    assert [each.name for each in (tmp_path / "mine").iterdir()] == ["letter.txt"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "There is no file or folder nowhere."),
        (["photos", "--frames", "2"], "--frames must be 3 or more, not 2."),
        (["photos", "--max-size", "10"], "--max-size must be 200 or more, not 10."),
        (["photos/0.jpg"], "photos/0.jpg is neither a folder of photographs nor a video"),
        (["empty"], "The folder empty holds no photographs."),
        (["photos"], "photos holds one picture that can be read"),
        (["photos", "--output", "photos/0.jpg/scene"], "cannot be written"),
    ],
)
def test_bad_input_is_one_sentence(
    typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    photograph(tmp_path / "photos", ["0.jpg"])
    (tmp_path / "empty").mkdir()
    if "--output" in words:
        photograph(tmp_path / "photos", ["0.jpg", "1.jpg", "2.jpg"])
    before = sorted(tmp_path.rglob("*"))
    code, _, err = typed("process", *words)
    assert code == 2 and said in err and err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_without_pycolmap_it_says_how_to_get_it(
    typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photograph(tmp_path / "photos", [f"{i}.jpg" for i in range(3)])
    monkeypatch.setitem(sys.modules, "pycolmap", None)
    code, _, err = typed("process", tmp_path / "photos")
    assert code == 2 and "pip install 'omnifield[photos]'" in err
    assert [each.name for each in tmp_path.iterdir()] == ["photos"]


@needs_pycolmap
def test_a_child_that_dies_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photograph(tmp_path / "photos", [f"{i}.jpg" for i in range(3)])
    monkeypatch.setattr("omnifield.photos.child.WORKER", ["-c", "import os, sys; os.abort()"])
    with pytest.raises(ValueError, match=r"pycolmap ended before its work was done \(signal 6\)"):
        made(tmp_path / "photos", tmp_path / "s", ProcessOptions(), Console(stderr=True), overwrite=False)
    assert [each.name for each in tmp_path.iterdir()] == ["photos"]


def test_photographs_and_videos_are_known_from_data_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_of: list[Path] = []
    monkeypatch.setattr(photos_scene, "made", lambda source, *rest, **more: made_of.append(source))
    photos, console = tmp_path / "holiday.2026", Console(stderr=True)
    photograph(photos, ["0.jpg", "1.PNG"])
    (photos / ".DS_Store").touch()
    (photos / "Thumbs.db").touch()
    (photos / "masks").mkdir()
    (tmp_path / "walk.MOV").touch()
    assert data_of(str(photos), console) == str(tmp_path / "holiday.2026-scene")
    assert data_of(str(tmp_path / "walk.MOV"), console) == str(tmp_path / "walk-scene")
    assert made_of == [photos, tmp_path / "walk.MOV"]
    (photos / "transforms.json").touch()
    for other in (photos, tmp_path, tmp_path / "nothing"):
        assert data_of(str(other), console) == str(other) and not holds_only_photos(other)
    monkeypatch.chdir(photos)
    assert scene_beside(Path(".")) == tmp_path / "holiday.2026-scene"


def test_an_interruption_says_where_the_work_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    photograph(tmp_path / "photos", [f"{i}.jpg" for i in range(3)])

    def interrupted(source: Path, scene: Path, *rest: object) -> None:
        (work_folder(scene) / "sfm").mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(photos_scene, "process", interrupted)
    with pytest.raises(KeyboardInterrupt):
        made(
            tmp_path / "photos",
            tmp_path / "s",
            ProcessOptions(),
            Console(stderr=True, width=400),
            overwrite=False,
        )
    assert f"{work_folder(tmp_path / 's')}: the same command goes on" in capsys.readouterr().err


@needs_pycolmap
def test_ctrl_c_ends_the_child_and_keeps_the_work(tmp_path: Path) -> None:
    photograph(tmp_path / "photos", [f"{i}.jpg" for i in range(8)])
    words = ["process", str(tmp_path / "photos"), "--features", "affine"]
    program = (
        f"import sys; sys.argv = {['omnifield', *words]!r}; from omnifield.scripts.cli import main; main()"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    work = work_folder(tmp_path / "photos-scene")
    database = work / "sfm" / "database.db"
    until(lambda: database.exists() and database.stat().st_size > 0)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130 and "the same command goes on with it" in err
    assert not (tmp_path / "photos-scene").exists() and work.is_dir()
    sizes = [database.stat().st_size for _ in range(2) if time.sleep(0.5) is None]
    assert sizes[0] == sizes[1]


@needs_pycolmap
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_two_at_once_do_not_mix(typed, tmp_path: Path) -> None:
    """The second is refused while the first is at work, and what the first has done stays."""
    photograph(tmp_path / "photos", [f"{i}.jpg" for i in range(4)])
    work = work_folder(tmp_path / "photos-scene")
    with claimed(work):
        (work / "of").write_text("the work of others")
        code, _, err = typed("process", tmp_path / "photos", *FEW)
    assert code == 2 and "photos-scene is being made already: wait for that to end" in err
    assert err.count("\n") == 1 and (work / "of").read_text() == "the work of others"
    code, out, _ = typed("process", tmp_path / "photos", *FEW)  # and goes on where nobody is
    assert code == 0 and len(json.loads(out)["placed"]) == 4 and not work.exists()


@needs_pycolmap
def test_names_of_dots(typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["a..jpg", "b..c.jpg", "...d.jpg", "e.jpg.jpg"]
    photograph(tmp_path / "holiday..2026", names)
    (tmp_path / "scene" / "inner").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "scene" / "inner")
    code, out, _ = typed("process", "../../holiday..2026", "--output", "../inner/../made", *FEW)
    assert code == 0 and set(json.loads(out)["placed"]) == {
        "a..jpg",
        "b..c.jpg",
        "e.jpg.jpg",
    }  # one is hidden
    assert {each.name for each in (tmp_path / "scene").iterdir()} == {"inner", "made"}
    code, _, err = typed("process", "../../holiday..2026", "--output", "..", *FEW)
    assert code == 2 and ".. holds something else already" in err


def until(true: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < PATIENCE
        time.sleep(0.05)
