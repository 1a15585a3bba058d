"""What is said of photographs stripped of their poses."""

import json
from pathlib import Path

import pytest
import torch
from omnifield.bench import process as bench_process
from omnifield.bench.process import ProcessPlan, measure_process, sets_in
from omnifield.bench.similarity import distances_after_similarity, extent
from omnifield.photos.options import ProcessOptions
from rich.console import Console

from ..photos.corner import FOCAL, HEIGHT, WIDTH, needs_pycolmap, photograph


def data_set(folder: Path, count: int) -> Path:
    names = [f"{i}.png" for i in range(count)]
    poses = photograph(folder / "images", names)
    frames = [
        {"file_path": f"images/{name}", "transform_matrix": pose.tolist()}
        for name, pose in zip(names, poses, strict=True)
    ]
    lens = {"fl_x": FOCAL, "w": WIDTH, "h": HEIGHT}
    (folder / "transforms.json").write_text(json.dumps({**lens, "frames": frames}))
    return folder


@needs_pycolmap
def test_poses_found_are_held_against_the_given_ones(tmp_path: Path) -> None:
    data_set(tmp_path / "sets" / "corner", 7)
    options = ProcessOptions(max_size=320, lens="SIMPLE_RADIAL", features="sift")
    measured = measure_process(ProcessPlan(tmp_path / "sets", options), Console(stderr=True))
    (result,) = measured.figures["results"]
    assert (result["scene"], result["pictures"], result["placed"], result["compared"]) == ("corner", 7, 7, 7)
    assert 0 < result["median_off"] <= result["most_off"] < 0.02
    assert measured.sheet.rows[0][:2] == ("corner", "7 of 7") and not measured.figures["interrupted"]


@needs_pycolmap
def test_a_wrong_pose_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The figure is of the poses, not of what happens to be there: of a given pose that is wrong it is large."""
    folder = data_set(tmp_path / "corner", 7)
    content = json.loads((folder / "transforms.json").read_text())
    content["frames"][3]["transform_matrix"][2][3] += 1.0
    (folder / "transforms.json").write_text(json.dumps(content))
    options = ProcessOptions(max_size=320, lens="SIMPLE_RADIAL", features="sift")
    measured = measure_process(ProcessPlan(folder, options), Console(stderr=True))
    assert measured.figures["results"][0]["most_off"] > 0.1


def test_a_similarity_is_taken_out_and_a_reflection_is_not(generator: torch.Generator) -> None:
    true = torch.randn(9, 3, generator=generator, dtype=torch.float64)
    turn = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64))[0]
    turn = turn * torch.linalg.det(turn)
    found = 0.2 * true @ turn.T + torch.tensor([5.0, -3.0, 1.0])
    assert distances_after_similarity(found, true).max() < 1e-9
    assert distances_after_similarity(found * torch.tensor([-1.0, 1.0, 1.0]), true).max() > 0.1
    moved = true.clone()
    moved[0] += 0.5
    assert 0.1 < distances_after_similarity(moved, true)[0] < 0.6
    assert extent(torch.tensor([[0.0, 0, 0], [3, 4, 0], [1, 1, 1]])) == pytest.approx(5.0)


def test_a_folder_without_data_sets_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="bench process needs"):
        sets_in(tmp_path)
    assert bench_process.sets_in(data_set(tmp_path / "corner", 2)) == [tmp_path / "corner"]
