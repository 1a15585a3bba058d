"""Files are whole or not there, whatever happens while they are written."""

import json
import math
import os
from pathlib import Path

import pytest
from omnifield.train.files import json_text, write_atomically, write_json, write_text


def listing(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_a_file_is_written_with_the_folders_it_lies_in(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "text"
    write_text(path, "grüße\n")
    assert path.read_bytes() == "grüße\n".encode()
    assert listing(path.parent) == ["text"]


def test_a_file_is_replaced(tmp_path: Path) -> None:
    for text in ("first", "second, which is longer", "3"):
        write_text(tmp_path / "text", text)
    assert (tmp_path / "text").read_text() == "3" and listing(tmp_path) == ["text"]


def test_nothing_shows_before_the_file_is_whole(tmp_path: Path) -> None:
    write_text(tmp_path / "text", "before")

    def write(beside: Path) -> None:
        beside.write_text("half")
        assert (tmp_path / "text").read_text() == "before"
        assert beside.parent == tmp_path  # so that renaming stays within one file system
        beside.write_text("whole")

    write_atomically(tmp_path / "text", write)
    assert (tmp_path / "text").read_text() == "whole"


@pytest.mark.parametrize(
    "error", [RuntimeError("broken"), KeyboardInterrupt(), OSError(28, "No space left on device")]
)
@pytest.mark.parametrize("existing", [False, True])
def test_a_failing_writer_leaves_everything_as_it_was(
    tmp_path: Path, error: BaseException, existing: bool
) -> None:
    if existing:
        write_text(tmp_path / "text", "before")

    def write(beside: Path) -> None:
        beside.write_text("half")
        raise error

    with pytest.raises((type(error), ValueError)):
        write_atomically(tmp_path / "text", write)
    assert listing(tmp_path) == (["text"] if existing else [])
    assert not existing or (tmp_path / "text").read_text() == "before"


def test_what_the_system_refuses_is_one_sentence(tmp_path: Path) -> None:
    def full(beside: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(ValueError, match=r"/text cannot be written: No space left on device\.$"):
        write_atomically(tmp_path / "text", full)


def test_a_folder_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ValueError, match=r"/file/text cannot be written: .*\.$") as caught:
        write_text(tmp_path / "file" / "text", "lost")
    assert "\n" not in str(caught.value)
    assert listing(tmp_path) == ["file"]


def test_a_folder_in_the_place_of_the_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    with pytest.raises(ValueError, match=r"/text cannot be written: .*\.$"):
        write_text(tmp_path / "text", "lost")
    assert listing(tmp_path) == ["text"]


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_folder_without_permission_is_one_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user may write anywhere")
        with pytest.raises(ValueError, match=r"/text cannot be written: Permission denied\.$"):
            write_text(tmp_path / "text", "lost")
    finally:
        tmp_path.chmod(0o700)


def test_the_umask_of_the_process_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread's files would get the one that was set for a moment."""
    monkeypatch.setattr(os, "umask", lambda mask: pytest.fail(f"the umask was set to {mask}"))
    write_text(tmp_path / "text", "")


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_files_have_the_permissions_that_the_user_gives_new_ones(tmp_path: Path) -> None:
    write_text(tmp_path / "text", "")
    (tmp_path / "plain").write_text("")
    assert (tmp_path / "text").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_json_has_null_where_there_is_no_figure(tmp_path: Path) -> None:
    content = {
        "a": math.nan,
        "b": [1.5, (-math.inf, {"c": math.inf})],
        "d": None,
        "e": "NaN",
        "f": 3,
        "g": True,
    }
    write_json(tmp_path / "figures.json", content)
    expected = {"a": None, "b": [1.5, [None, {"c": None}]], "d": None, "e": "NaN", "f": 3, "g": True}
    assert json.loads((tmp_path / "figures.json").read_text()) == expected
    assert json_text({"a": math.nan}) == '{"a": null}'
