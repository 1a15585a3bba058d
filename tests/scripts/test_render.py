"""Videos and pictures of a ball, and what the flags mean."""

import json
import math
import signal
from dataclasses import replace
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import torch
import tyro
from omnifield.export import film as module
from omnifield.export.camera_path_file import to_nerfstudio
from omnifield.scenes import pinhole
from omnifield.scripts.render import Render, run_render
from omnifield.scripts.view_tools import tools_for
from omnifield.train.field_file import load_field
from omnifield.viewer.route import Key, Route

from .conftest import FOV, ring_pose

BALL = (204, 102, 51)


def test_a_video_of_an_orbit(ball_file, tmp_path: Path, capsys) -> None:
    path = tmp_path / "film.mp4"
    result = run_render(Render(ball_file(), path, seconds=0.5, fps=8.0, width=48, json=True))
    assert {"file": str(path), "frames": 4, "fps": 8.0, "width": 48, "height": 48}.items() <= result.items()
    assert result["seconds"] > 0 and not result["interrupted"]
    json.dumps(result, allow_nan=False)
    frames = imageio.imread(path, plugin="FFMPEG")
    assert frames.shape == (4, 48, 48, 3)
    assert abs(frames[:, 24, 24].astype(int) - BALL).max() < 12  # in the middle from all sides
    assert frames[:, 2, 2].min() > 245
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("show", ["color", "depth", "opacity"])
def test_pictures_show_what_is_asked_for(ball_file, tmp_path: Path, show) -> None:
    run_render(Render(ball_file(), tmp_path / "film", frames=2, show=show, width=24, height=16))
    names = sorted(path.name for path in (tmp_path / "film").iterdir())
    assert names == ["frame_00000.png", "frame_00001.png"]
    first, second = (imageio.imread(tmp_path / "film" / name).astype(int) for name in names)
    assert first.shape == (16, 24, 3)
    assert abs(first - second).max() <= (0 if show == "opacity" else 8)  # a ball is the same from all sides
    corner, middle = first[0, 0].tolist(), first[8, 12].tolist()
    assert corner == ([0, 0, 0] if show == "opacity" else [255, 255, 255])
    if show == "opacity":
        assert min(middle) > 250
    if show == "color":
        assert abs(np.array(middle) - BALL).max() <= 2
    if show == "depth":
        assert middle[0] > middle[2] + 100  # the middle of a ball is near


def test_a_camera_path_is_followed(ball_file, tmp_path: Path) -> None:
    away = torch.tensor(
        [[[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 4]], [[-1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1, 4]]]
    )
    to_nerfstudio(tmp_path / "path.json", pinhole(away, (40, 20), 0.7, 0.1), 12.0)
    flags = Render(ball_file(), tmp_path / "film", camera_path=tmp_path / "path.json")
    result = run_render(flags)
    assert (result["frames"], result["width"], result["height"]) == (2, 40, 20)
    assert result["fps"] == pytest.approx(12)
    first, second = (imageio.imread(tmp_path / "film" / f"frame_0000{i}.png").astype(int) for i in range(2))
    assert abs(first[10, 20] - BALL).max() <= 2 and (second == 255).all()
    assert run_render(replace(flags, height=10, fps=5.0))["width"] == 20


TURN = torch.tensor([[0.0, -1, 0, 0.1], [1, 0, 0, 0], [0, 0, 1, -0.1], [0, 0, 0, 1]])
MIDDLE = (0.3, -0.2, 0.4)


def turned_ball(ball_file) -> Path:
    """A field whose own frame is not that of its data."""
    there = TURN @ torch.tensor([*MIDDLE, 1.0])
    return ball_file(tuple(there[:3].tolist()), TURN)


def decibels(film: Path, data: Path) -> list[float]:
    """The frames against the pictures of the data, over white."""
    figures = []
    for index in range(2):
        seen = imageio.imread(film / f"frame_{index:05d}.png") / 255
        rgba = imageio.imread(data / "test" / f"r_{index}.png") / 255
        truth = rgba[..., :3] * rgba[..., 3:] + 1 - rgba[..., 3:]
        figures.append(-10 * np.log10(((seen - truth) ** 2).mean()))
    return figures


def data_path(data: Path, poses: list) -> Path:
    """The cameras of the test pictures as a path of somebody's."""
    frames = [
        {
            "camera_to_world": [number for row in pose for number in row],
            "fov": math.degrees(FOV),
            "aspect": 1.0,
        }
        for pose in poses
    ]
    content = {"camera_path": frames, "render_width": 32, "render_height": 32, "fps": 4.0}
    (data / "path.json").write_text(json.dumps(content))
    return data / "path.json"


def test_the_datas_own_poses_give_the_datas_own_pictures(ball_file, lego, tmp_path: Path, capsys) -> None:
    run, data = turned_ball(ball_file), lego(MIDDLE)
    file = data_path(data, [ring_pose(index, 2) for index in range(2)])
    run_render(Render(run, tmp_path / "film", camera_path=file))
    assert min(decibels(tmp_path / "film", data)) > 25
    assert "says no frame: its poses are taken to be in the data's" in capsys.readouterr().err
    inside = [(TURN @ torch.tensor(ring_pose(index, 2))).tolist() for index in range(2)]
    run_render(Render(run, tmp_path / "inside", camera_path=data_path(data, inside), frame="scene"))
    assert min(decibels(tmp_path / "inside", data)) > 25


def test_the_cameras_of_a_data_set_are_a_path(ball_file, lego, tmp_path: Path, capsys) -> None:
    run, data = turned_ball(ball_file), lego(MIDDLE)
    flags = Render(run, tmp_path / "film", camera_path=data / "transforms_test.json")
    result = run_render(flags)
    assert (result["frames"], result["width"], result["height"], result["fps"]) == (2, 32, 32, 30.0)
    assert min(decibels(tmp_path / "film", data)) > 25
    assert "leads through the 2 cameras of" in capsys.readouterr().err
    assert run_render(replace(flags, width=16))["height"] == 16


def test_a_path_that_the_viewer_saved_is_rendered_where_it_was_made(ball_file, lego, tmp_path: Path) -> None:
    run, data = turned_ball(ball_file), lego(MIDDLE)
    inside = (TURN @ torch.tensor([ring_pose(index, 2) for index in range(2)])).numpy()
    keys = tuple(Key(pose[:3], math.degrees(FOV)) for pose in inside)
    frames = load_field(run / "field.safetensors").frames
    tools = tools_for(run, frames)
    tools.write_route(data / "way.json", Route(keys, seconds=1.0, fps=2.0, size=(32, 32)))
    run_render(Render(run, tmp_path / "film", camera_path=data / "way.json"))
    assert min(decibels(tmp_path / "film", data)) > 25
    for key, back in zip(keys, tools.read_route(data / "way.json").keys, strict=True):
        np.testing.assert_allclose(back.pose, key.pose, atol=1e-6)


@pytest.mark.parametrize(
    ("asked", "made"), [((71, 53), (70, 52)), ((48, 33), (48, 32)), ((48, 32), (48, 32))]
)
def test_a_video_says_the_size_that_it_has(ball_file, tmp_path: Path, capsys, asked, made) -> None:
    width, height = asked
    flags = Render(ball_file(), tmp_path / "film.mp4", frames=1, width=width, height=height, json=True)
    result = run_render(flags)
    assert (result["width"], result["height"]) == made
    assert imageio.imread(tmp_path / "film.mp4", plugin="FFMPEG").shape[1:3] == made[::-1]
    said = f"The video is {made[0]}×{made[1]}, not {width}×{height}"
    assert (said in capsys.readouterr().err) == (made != asked)
    result = run_render(replace(flags, output=tmp_path / "pictures"))
    assert (result["width"], result["height"]) == asked  # of pictures any size goes


def test_an_interrupted_path_is_kept_as_far_as_it_came(ball_file, tmp_path: Path, monkeypatch) -> None:
    seen, to_bytes = [], module.to_bytes

    def interrupt(image):
        seen.append(image)  # small pictures, each of one chunk
        if len(seen) == 3:
            signal.raise_signal(signal.SIGINT)
        return to_bytes(image)

    monkeypatch.setattr(module, "to_bytes", interrupt)
    result = run_render(Render(ball_file(), tmp_path / "film.mp4", frames=10, width=16))
    assert result["frames"] == 3 and result["interrupted"]
    assert len(imageio.imread(tmp_path / "film.mp4", plugin="FFMPEG")) == 3


@pytest.fixture
def times(monkeypatch) -> list[float]:
    """The moments of the frames that are rendered, one by one."""
    seen: list[float] = []

    class Watched(module.VolumeRenderer):
        def render_chunks(self, field, rays, background):
            seen.append(rays[:].time.unique().item())
            return super().render_chunks(field, rays, background)

    monkeypatch.setattr(module, "VolumeRenderer", Watched)
    return seen


@pytest.mark.parametrize(
    ("asked", "moments"),
    [
        ({}, [0, 0, 0]),
        ({"time": 0.3}, [0.3, 0.3, 0.3]),
        ({"time_to": 1.0}, [0, 0.5, 1]),
        ({"time": 0.9, "time_to": 0.1}, [0.9, 0.5, 0.1]),
        ({"time": 0.2, "time_to": 1.0, "frames": 1}, [0.2]),
    ],
)
def test_time_stands_still_or_runs_over_the_frames(ball_file, tmp_path: Path, times, asked, moments) -> None:
    run_render(Render(ball_file(), tmp_path / "film", **{"frames": 3, "width": 8, **asked}))
    assert times == pytest.approx(moments)


def test_a_camera_path_has_its_own_times_unless_others_are_asked_for(
    ball_file, tmp_path: Path, times
) -> None:
    pose = torch.eye(4)[:3].expand(2, 3, 4)
    cameras = replace(pinhole(pose, (8, 8), 0.7, 0.1), time=torch.tensor([0.25, 0.75]))
    to_nerfstudio(tmp_path / "path.json", cameras, 12.0)
    flags = Render(ball_file(), tmp_path / "film", camera_path=tmp_path / "path.json")
    for change in ({}, {"time": 0.0}, {"time": 0.5, "time_to": 0.6}):
        run_render(replace(flags, **change))
    assert times == pytest.approx([0.25, 0.75, 0, 0, 0.5, 0.6])


BAD = {
    "--output film.avi: a video is a file that ends in .mp4": {"output": Path("film.avi")},
    "--frames must be above zero, not 0": {"frames": 0},
    "--seconds must be above zero, not -1": {"seconds": -1.0},
    "--time must be from 0 to 1, not 1.5": {"time": 1.5},
    "--time-to must be from 0 to 1, not nan": {"time_to": float("nan")},
    "--fps must be above zero, not nan": {"fps": float("nan")},
    "--frames and --seconds: give one": {"frames": 3, "seconds": 1.0},
    "--frames, or --seconds times --fps, may be at most": {"seconds": 1e6},
    "--frame is that of a --camera-path": {"frame": "scene"},
    "--camera-path says by itself": {"camera_path": Path("path.json"), "frames": 4},
    "--width must be from 2 to 16384 pixels, not 1": {"width": 1},
    "A spiral is for cameras that look the same way": {"path": "spiral"},
}


@pytest.mark.parametrize("sentence", BAD)
def test_bad_flags(ball_file, tmp_path: Path, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        run_render(replace(Render(ball_file(), tmp_path / "film.mp4"), **BAD[sentence]))
    assert sentence in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "film.mp4").exists()


def test_bad_files(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="There is no file or folder"):
        run_render(Render(tmp_path / "absent"))
    (tmp_path / "text").write_text("no field")
    with pytest.raises(ValueError, match="is not a field file"):
        run_render(Render(tmp_path / "text"))
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="--device cuda: torch finds no CUDA device"):
            run_render(Render(tmp_path / "text", device="cuda"))


def test_flags_as_they_are_typed() -> None:
    typed = ["run", "--camera-path", "path.json", "--show", "depth", "--fps", "24", "--width", "200"]
    flags = tyro.cli(Render, args=typed)
    assert flags == Render(Path("run"), camera_path=Path("path.json"), show="depth", fps=24.0, width=200)
    moving = tyro.cli(Render, args=["run", "--time", "0.25", "--time-to", "1"])
    assert moving == Render(Path("run"), time=0.25, time_to=1.0)
