"""Sparse points that come with a data set: where they are, and what they tell of the nearest thing."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from omnifield.datasets import load_scene
from omnifield.datasets.colmap import load_colmap
from omnifield.datasets.format import Reading
from omnifield.datasets.points_file import read_points_file
from omnifield.scenes.views import cameras_of
from PIL import Image

from ..scripts.conftest import ring_pose

PLACE = np.array([[0.5, 0.0, 0.0], [0.0, 0.25, 0.0], [0.0, 0.0, -0.5], [0.2, 0.2, 0.2]])
COLOR = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 8, 7]])


def ply(place: np.ndarray, color: np.ndarray) -> str:
    """As nerfstudio writes them, and `omnifield process`."""
    names = [f"property float {name}" for name in "xyz"]
    names += [f"property uint8 {name}" for name in ("red", "green", "blue")]
    rows = [" ".join(map(str, (*p, *c))) for p, c in zip(place.tolist(), color.tolist(), strict=True)]
    head = ("ply", "format ascii 1.0", f"element vertex {len(place)}", *names, "end_header")
    return "\n".join((*head, *rows)) + "\n"


@pytest.fixture
def data(tmp_path: Path) -> Callable[[str | None], Path]:
    """A ring of twelve cameras 4 away, with points around the middle."""

    def write(points: str | None) -> Path:
        frames = []
        for i in range(12):
            Image.fromarray(np.full((24, 32, 3), 9 * i, np.uint8)).save(tmp_path / f"{i}.png")
            frames.append({"file_path": f"{i}.png", "transform_matrix": ring_pose(i, 12)})
        content = {"w": 32, "h": 24, "fl_x": 30.0, "aabb_scale": 16, "frames": frames}
        if points is not None:
            (tmp_path / "sparse_pc.ply").write_text(points)
            content["ply_file_path"] = "sparse_pc.ply"
        (tmp_path / "transforms.json").write_text(json.dumps(content))
        return tmp_path

    return write


def test_they_are_in_the_scene_s_frame_with_their_colours(data) -> None:
    scene = load_scene(data(ply(PLACE, COLOR)))
    assert scene.points is not None
    expected = PLACE @ scene.scene_from_input[:3, :3].numpy().T + scene.scene_from_input[:3, 3].numpy()
    np.testing.assert_allclose(scene.points.position, expected, atol=1e-5)
    assert scene.points.color.tolist() == COLOR.tolist()


def test_rays_start_at_half_the_way_to_the_nearest(data) -> None:
    without = cameras_of(load_scene(data(None)).train)[0].near
    scene = load_scene(data(ply(PLACE, COLOR)))
    [cameras] = cameras_of(scene.train)
    assert scene.points is not None
    place = torch.from_numpy(scene.points.position).float()
    depth = torch.stack([cameras.project(view, place)[1] for view in range(len(cameras))]).min().item()
    known = min(0.5 * depth, 0.1 * scene.domain.side)
    assert cameras.near > without and cameras.near == pytest.approx(known, rel=0.02)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no ply",
        ply(PLACE, COLOR).replace("property float y\n", ""),
        "ply\nformat ascii 1.0\nend_header\n",
    ],
)
def test_what_cannot_be_read_is_left_out_and_said(data, text: str, recwarn: pytest.WarningsRecorder) -> None:
    folder = data(text)
    assert load_scene(folder).points is None
    said = [str(each.message) for each in recwarn if "ply_file_path" in str(each.message)]
    assert len(said) == 1 and "sparse_pc.ply, which is left out: it" in said[0] and str(folder) in said[0]


def test_points_that_are_not_finite_are_left_out(tmp_path: Path) -> None:
    place = PLACE.copy()
    place[1] = np.nan
    (tmp_path / "points.ply").write_text(ply(place, COLOR))
    read = read_points_file(tmp_path / "points.ply")
    assert len(read) == 3 and read.color.tolist() == COLOR[[0, 2, 3]].tolist()


def test_a_missing_file_is_said(data, recwarn: pytest.WarningsRecorder) -> None:
    folder = data(ply(PLACE, COLOR))
    (folder / "sparse_pc.ply").unlink()
    assert load_scene(folder).points is None
    assert any("there is no such file" in str(each.message) for each in recwarn)


def test_colmap_s_points_come_with_their_colours(real: Callable[[str], Path]) -> None:
    scene = load_colmap(real("colmap/banana"), Reading(1, None))
    assert scene.points is not None and len(scene.points) == 9940
    assert scene.points.color.std() > 20
