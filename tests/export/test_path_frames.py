"""A path's poses are in the frame that its file says, that nerfstudio's run says, or that the user says."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from omnifield.datasets.camera_path import CameraPath, from_nerfstudio
from omnifield.datasets.path_frame import SIDECAR
from omnifield.export.camera_path_file import to_nerfstudio
from omnifield.scenes import Cameras
from omnifield.scenes.world_frames import WorldFrames, moved
from torch import Tensor


def rigid(seed: int, shift: float = 1.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    turn, _ = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64))
    map_ = torch.eye(4, dtype=torch.float64)
    map_[:3, :3] = turn * torch.linalg.det(turn)
    map_[:3, 3] = shift * torch.randn(3, generator=generator, dtype=torch.float64)
    return map_


def scaled(scale: float, there_from_here: Tensor) -> Tensor:
    return torch.diag(torch.tensor([scale, scale, scale, 1.0], dtype=torch.float64)) @ there_from_here


FRAMES = WorldFrames(rigid(0), scaled(0.5, rigid(1)))
SCENE, INPUT = torch.eye(4, dtype=torch.float64), FRAMES.scene_from_input


@pytest.fixture
def cameras(ring) -> Cameras:
    return ring(torch.tensor([0.1, 0.2, 0.3]), 3.0)


def path_in(folder: Path, poses: Tensor, **more: Any) -> Path:
    """Of nobody in particular: poses and nothing that is not needed."""
    rows = [[*pose.flatten().tolist(), 0.0, 0.0, 0.0, 1.0] for pose in poses]
    keys = [{"camera_to_world": row, "fov": 60.0, "aspect": 4 / 3} for row in rows]
    content = {"camera_path": keys, "render_width": 40, "render_height": 30, "fps": 12.0, **more}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "path.json").write_text(json.dumps(content))
    return folder / "path.json"


def read(file: Path, asked: Any = "input") -> CameraPath:
    return from_nerfstudio(file, near=0.1, frames=FRAMES, asked=asked)


def assert_poses(path: CameraPath, before: Cameras, there_from_before: Tensor) -> None:
    expected = moved(before, there_from_before).world_from_camera
    torch.testing.assert_close(path.cameras.world_from_camera, expected, atol=1e-5, rtol=0)


def test_what_is_written_is_in_the_frame_of_the_data_and_says_so(tmp_path: Path, cameras: Cameras) -> None:
    to_nerfstudio(tmp_path / "path.json", cameras, 12.0, FRAMES)
    content = json.loads((tmp_path / "path.json").read_text())
    assert content["frame"] == "input"
    pose = torch.tensor(content["camera_path"][3]["camera_to_world"], dtype=torch.float64).reshape(4, 4)
    seen = FRAMES.scene_from_input @ pose
    torch.testing.assert_close(seen[:3], cameras.world_from_camera[3].double(), atol=1e-6, rtol=0)
    back = read(tmp_path / "path.json")
    assert_poses(back, cameras, SCENE)
    assert back.said == ""


def test_far_from_the_origin_no_digit_is_lost(tmp_path: Path, cameras: Cameras) -> None:
    far = WorldFrames(rigid(2, shift=5e6), FRAMES.input_from_original)
    to_nerfstudio(tmp_path / "path.json", cameras, 12.0, far)
    back = from_nerfstudio(tmp_path / "path.json", near=0.1, frames=far)
    torch.testing.assert_close(back.cameras.world_from_camera, cameras.world_from_camera, atol=1e-6, rtol=0)


def test_poses_are_the_datas_unless_somebody_says_otherwise(tmp_path: Path, cameras: Cameras) -> None:
    file = path_in(tmp_path, cameras.world_from_camera)
    assert_poses(read(file), cameras, INPUT)
    assert f"{file} says no frame: its poses are taken to be in the data's" in read(file).said
    assert_poses(read(file, "scene"), cameras, SCENE)
    file = path_in(tmp_path, cameras.world_from_camera, frame="scene")
    assert_poses(read(file), cameras, SCENE)


def test_frames_that_contradict_or_are_none(tmp_path: Path, cameras: Cameras) -> None:
    with pytest.raises(ValueError, match=r"path\.json: frame is 'camera'; it may be input or scene"):
        read(path_in(tmp_path, cameras.world_from_camera, frame="camera"))
    with pytest.raises(ValueError, match="frame is 'input', and --frame scene says otherwise"):
        read(path_in(tmp_path, cameras.world_from_camera, frame="input"), "scene")


@pytest.mark.parametrize("of_the_viewer", [False, True])
def test_earlier_files_of_this_program_are_in_the_scenes_frame(
    tmp_path: Path, cameras, of_the_viewer
) -> None:
    """Those that `to_nerfstudio` wrote without a frame, to which the viewer added two fields."""
    to_nerfstudio(tmp_path / "path.json", cameras, 12.0)
    content = json.loads((tmp_path / "path.json").read_text())
    del content["frame"]
    content |= {"default_fov": 60.0, "default_transition_sec": 1.0} if of_the_viewer else {}
    (tmp_path / "path.json").write_text(json.dumps(content))
    assert_poses(read(tmp_path / "path.json"), cameras, SCENE)
    assert "written by an earlier omnifield" in read(tmp_path / "path.json").said


@pytest.mark.parametrize("folder", [".", "camera_paths"])
def test_nerfstudios_own_frame_is_left_through_the_file_of_its_run(tmp_path: Path, cameras, folder) -> None:
    """As its parser has it: parsed = scale · T · input, and of `input = applied_scale · A · original` the file holds
    T · A and scale · applied_scale."""
    turned, scale = rigid(5), 0.37
    applied_scale, applied = 0.5, scaled(2.0, FRAMES.input_from_original)
    poses = moved(cameras, scaled(scale, turned)).world_from_camera
    file = path_in(tmp_path / folder, poses)
    transform = (turned @ applied)[:3].tolist()
    (tmp_path / SIDECAR).write_text(json.dumps({"transform": transform, "scale": scale * applied_scale}))
    path = read(file)
    assert_poses(path, cameras, INPUT)
    assert SIDECAR in path.said
    assert_poses(read(file, "scene"), moved(cameras, scaled(scale, turned)), SCENE)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"scale": 1.0}, "transform is missing"),
        ({"transform": [[1, 0, 0, 0], [0, 2, 0, 0], [0, 0, 1, 0]], "scale": 1.0}, "transform is not rigid"),
        ({"transform": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], "scale": 0}, "scale is 0, but must be"),
    ],
)
def test_a_run_of_nerfstudios_that_says_nonsense(tmp_path: Path, cameras, content, sentence) -> None:
    file = path_in(tmp_path, cameras.world_from_camera)
    (tmp_path / SIDECAR).write_text(json.dumps(content))
    with pytest.raises(ValueError, match=rf"{SIDECAR}: {sentence}"):
        read(file)
