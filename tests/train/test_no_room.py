"""A field's file that cannot be written: one sentence, and what was there stays."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from omnifield.train import save_field

from .test_field_file import trained


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """A full disk, as far as a writer can tell."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_one_sentence_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "field.safetensors"
    save_field(path, trained())
    content = path.read_bytes()
    with no_file_larger_than(1000), pytest.raises(ValueError, match="cannot be written: ") as caught:
        save_field(path, trained())
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert path.read_bytes() == content and [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_folder_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"file/field\.safetensors cannot be written: "):
        save_field(tmp_path / "file" / "field.safetensors", trained())
