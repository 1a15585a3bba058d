"""The data format of docs/extending.md, as if it were in `datasets/` and its name in `load.py`."""

import importlib.util
import math
from pathlib import Path
from types import ModuleType

import pytest
import torch
from omnifield.datasets import load, load_scene

from .conftest import Dataset, disc, ring_pose

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "csv_dataset.py"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("csv_dataset", EXAMPLE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(load, "FORMATS", (*load.FORMATS, module.CSV))
    return module


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = []
    for i in range(12):
        Dataset(tmp_path).save(f"{i}.png", disc(24, 16, i))
        pose = ring_pose(2 * math.pi * i / 12, 3.0, 1.0)
        rows.append(",".join(map(str, [f"{i}.png", 20.0, *(value for row in pose[:3] for value in row)])))
    (tmp_path / "cameras.csv").write_text("\n".join(rows))
    return tmp_path


def test_a_format_of_ones_own_is_one_file_and_one_name(module: ModuleType, folder: Path) -> None:
    assert len(EXAMPLE.read_text().splitlines()) < 70
    scene = load_scene(folder)
    assert [views.names for views in scene.test] == [("0", "8")] and len(scene.train[0]) == 10
    assert torch.equal(scene.train[0].images[0], torch.from_numpy(disc(24, 16, 1)))
    assert scene.train[0].cameras.focal.tolist() == [[20.0, 20.0]] * 10
    smaller = load_scene(folder, downscale=2)
    assert smaller.train[0].images.shape[1:3] == (8, 12)


def test_it_refuses_in_a_sentence_that_names_the_row(module: ModuleType, folder: Path) -> None:
    (folder / "cameras.csv").write_text("0.png,20,1,0,0\n")
    with pytest.raises(ValueError, match=r"cameras\.csv: row 1 is not a file's name and thirteen numbers\."):
        load_scene(folder)


def test_a_folder_of_no_format_is_told_of_this_one_too(module: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no cameras")
    with pytest.raises(FileNotFoundError, match=r"nor cameras\.csv \(a row for each picture\) is in it"):
        load_scene(tmp_path)
