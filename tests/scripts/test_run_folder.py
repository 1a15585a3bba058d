"""Run folders: each is one training's, and nothing in it is lost unasked."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from omnifield.scripts import run_folder as module
from omnifield.scripts.run_folder import claimed, claimed_anew, clear, refuse_data_folder, refuse_taken

HOLD = """
import sys
from pathlib import Path
from omnifield.scripts.run_folder import claimed
with claimed(Path(sys.argv[1])) as folder:
    (folder / "config.json").write_text("{}")
    print("held", flush=True)
    sys.stdin.read()
"""


def finished(folder: Path) -> Path:
    """What a training leaves, and what a person has put beside it."""
    (folder / "images").mkdir(parents=True)
    for name in (
        "field.safetensors",
        "config.json",
        "images/old.png",
        "notes.txt",
        "field-voxel.safetensors",
    ):
        (folder / name).write_text("old")
    return folder


def test_trainings_that_begin_in_one_second_have_folders_of_their_own(tmp_path: Path, monkeypatch) -> None:
    class Stopped(module.datetime):
        @classmethod
        def now(cls, tz=None) -> "Stopped":
            return cls(2025, 1, 2, 3, 4, 5)

    monkeypatch.setattr(module, "datetime", Stopped)
    with ExitStack() as claims, ThreadPoolExecutor(8) as threads:
        futures = [
            threads.submit(lambda: claims.enter_context(claimed_anew(tmp_path / "a" / "b"))) for _ in range(8)
        ]
        folders = sorted(future.result() for future in futures)
        assert len(set(folders)) == 8 and all(folder.is_dir() for folder in folders)
    assert [folder.name for folder in folders[:3]] == [
        "2025-01-02_030405",
        *(f"2025-01-02_030405_{n}" for n in (2, 3)),
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_a_folder_is_refused_while_another_process_has_it_and_free_when_that_has_died(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], **pipes) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        with pytest.raises(ValueError, match=r"/run is in use by another training: .*\.$"), claimed(folder):
            pass
        assert (folder / "config.json").is_file()
        other.kill()
    with claimed(folder):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_a_folder_that_another_has_just_moved_away_is_not_ours(tmp_path: Path, monkeypatch) -> None:
    """Between opening and locking it: the lock would be on the moved one."""
    import fcntl

    folder, lock = tmp_path / "run", fcntl.flock

    def moved(handle: int, how: int) -> None:
        folder.rename(tmp_path / "done")
        lock(handle, how)

    monkeypatch.setattr(fcntl, "flock", moved)
    with pytest.raises(ValueError, match="in use"), claimed(folder):
        pass


@pytest.mark.parametrize("already", [False, True])
def test_a_claim_that_came_to_nothing_leaves_nothing(tmp_path: Path, already: bool) -> None:
    folder = tmp_path / "a" / "run"
    if already:
        folder.mkdir(parents=True)
    with pytest.raises(KeyboardInterrupt), claimed(folder):
        assert folder.is_dir()
        raise KeyboardInterrupt
    assert folder.exists() == already and (tmp_path / "a").exists() == already


def test_a_finished_run_goes_only_when_that_was_said(tmp_path: Path) -> None:
    folder = finished(tmp_path / "run")
    with pytest.raises(ValueError, match=r"/run holds a training already: --resume .* --overwrite .*\.$"):
        refuse_taken(folder, overwrite=False)
    refuse_taken(folder, overwrite=True)
    clear(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["field-voxel.safetensors", "notes.txt"]
    refuse_taken(folder, overwrite=False)


def test_what_no_training_made_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for overwrite in (False, True):
        with pytest.raises(ValueError, match="holds images, which no training made"):
            refuse_taken(tmp_path, overwrite)


def test_what_a_training_left_that_saved_nothing_may_go(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    (tmp_path / "config.json").write_text(json.dumps({"flags": {}, "config": {}}))
    refuse_taken(tmp_path, overwrite=False)
    (tmp_path / "log.txt").write_text("a person's")
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["log.txt"]
    refuse_taken(tmp_path, overwrite=False)


def test_pictures_of_a_run_do_not_go_among_its_data(tmp_path: Path) -> None:
    (tmp_path / "transforms.json").write_text("{}")
    for data in (tmp_path, tmp_path / "transforms.json"):
        with pytest.raises(ValueError, match="is the folder of the data"):
            refuse_data_folder(tmp_path, str(data))
    refuse_data_folder(tmp_path / "run", str(tmp_path))
    refuse_data_folder(tmp_path, "demo")
