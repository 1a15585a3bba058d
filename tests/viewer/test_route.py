"""Camera paths: through their keys, smoothly, in a loop without a seam, and to files and back."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from omnifield.datasets.camera_path import from_nerfstudio
from omnifield.scripts.view_tools import read_route, write_route
from omnifield.viewer.file_names import file_in, names_in
from omnifield.viewer.lens import fov_of, opencv_from_pose, pose_from_opencv, pose_of
from omnifield.viewer.route import Key, Route

from .conftest import cameras


def route(loop: bool, count: int = 4) -> Route:
    ring = cameras(count)
    keys = tuple(Key(pose_of(ring, view), 30.0 + 10 * view) for view in range(count))
    return Route(keys, seconds=2.0, loop=loop, fps=15.0, size=(64, 48))


@pytest.mark.parametrize("loop", [False, True])
def test_the_way_leads_through_its_keys(loop: bool):
    way = route(loop)
    legs = len(way.keys) if loop else len(way.keys) - 1
    for number, key in enumerate(way.keys):
        there = way.at(number / legs)
        np.testing.assert_allclose(there.pose, key.pose, atol=1e-6)
        assert there.fov == pytest.approx(key.fov)


@pytest.mark.parametrize("loop", [False, True])
def test_it_is_smooth_and_its_poses_are_rigid(loop: bool):
    poses = np.stack([key.pose for key in route(loop).keys_along(400)])
    if loop:
        poses = np.concatenate([poses, poses[:2]])
    speed = np.diff(poses, axis=0) * 400
    assert np.abs(np.diff(speed, axis=0)).max() < 0.15 * np.abs(speed).max()
    turned = poses[:, :, :3]
    np.testing.assert_allclose(
        turned @ turned.transpose(0, 2, 1), np.broadcast_to(np.eye(3), turned.shape), atol=1e-9
    )


def test_a_video_s_cameras_are_those_of_its_frames():
    way = route(False)
    film = way.cameras(near=0.2)
    assert len(film) == 30 and (film.width, film.height) == (64, 48)
    assert np.degrees(fov_of(film, 0)) == pytest.approx(30) and np.degrees(fov_of(film, 29)) == pytest.approx(
        60
    )


def test_one_key_stays_where_it_is():
    still = Route(route(False).keys[:1], seconds=1.0, fps=5.0)
    assert len(still.cameras(0.1)) == 5
    np.testing.assert_array_equal(still.at(0.7).pose, still.keys[0].pose)


def test_a_browser_s_camera_and_ours_are_one(generator: torch.Generator):
    for pose in (pose_of(cameras(7), view) for view in range(7)):
        np.testing.assert_allclose(pose_from_opencv(*opencv_from_pose(pose)), pose, atol=1e-9)


@pytest.mark.parametrize("loop", [False, True])
def test_a_file_gives_the_same_route_back_and_nerfstudio_s_frames(loop: bool, tmp_path: Path):
    way = route(loop)
    write_route(tmp_path / "way.json", way)
    back = read_route(tmp_path / "way.json")
    assert (back.loop, back.fps, back.size, back.seconds) == (loop, 15.0, (64, 48), pytest.approx(2.0))
    for key, same in zip(way.keys, back.keys, strict=True):
        np.testing.assert_allclose(same.pose, key.pose, atol=1e-6)
        assert same.fov == pytest.approx(key.fov)
    frames = from_nerfstudio(tmp_path / "way.json", near=0.1)
    assert torch.allclose(frames.cameras.world_from_camera, way.cameras(0.1).world_from_camera)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ({"matrix": [1.0]}, "matrix"),
        ({"fov": 190.0}, "fov"),
        ({"fov": "wide"}, "fov"),
        ({"matrix": "eye"}, "matrix"),
    ],
)
def test_a_damaged_file_is_refused_in_words(damage: dict, words: str, tmp_path: Path):
    write_route(tmp_path / "way.json", route(False))
    content = json.loads((tmp_path / "way.json").read_text())
    content["keyframes"][1] |= damage
    (tmp_path / "way.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=words):
        read_route(tmp_path / "way.json")


@pytest.mark.parametrize(
    "name", ["../up", "a/b", "/etc/passwd", "..", ".hidden", "", "a\0b", "C:\\x", "~root", "a" * 80]
)
def test_a_name_is_never_a_path(name: str, tmp_path: Path):
    with pytest.raises(ValueError, match="no name for a file"):
        file_in(tmp_path, name, ".json")


def test_a_name_is_a_file_of_the_folder(tmp_path: Path):
    assert file_in(tmp_path, " my path-2.json ", ".json") == tmp_path / "my path-2.json"
    (tmp_path / "b.json").write_text("{}")
    (tmp_path / "a.json").symlink_to("/etc/hostname")
    (tmp_path / "c.mp4").write_text("")
    assert names_in(tmp_path, ".json") == ["b"]
