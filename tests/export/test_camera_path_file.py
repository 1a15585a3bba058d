"""nerfstudio's camera paths: what is written is read bit by bit, nonsense is refused in a sentence."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from omnifield.datasets.camera_path import from_nerfstudio
from omnifield.export.camera_path_file import to_nerfstudio
from omnifield.scenes import Cameras, Lens

IDENTITY = [1.0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def content(**changes: Any) -> dict[str, Any]:
    frame = {"camera_to_world": IDENTITY, "fov": 90, "aspect": 2.0}
    usual = {"camera_type": "perspective", "render_width": 20, "render_height": 10, "fps": 24, "seconds": 0.5}
    return {**usual, "camera_path": [frame, {**frame, "render_time": 0.25}], **changes}


def written(folder: Path, value: object) -> Path:
    path = folder / "path.json"
    path.write_text(json.dumps(value))
    return path


def test_round_trip_is_exact(tmp_path: Path, ring) -> None:
    known = ring(torch.tensor([0.1, 0.2, 0.3]), 3.0)
    focal = (torch.rand(12, 1, generator=torch.Generator().manual_seed(0)) * 100 + 3).expand(12, 2)
    known = dataclasses.replace(known, focal=focal, time=torch.rand(12))
    to_nerfstudio(tmp_path / "new" / "path.json", known, 24.0)
    read = from_nerfstudio(tmp_path / "new" / "path.json", near=known.near)
    assert read.fps == pytest.approx(24)
    for field in dataclasses.fields(Cameras):
        before, after = getattr(known, field.name), getattr(read.cameras, field.name)
        assert torch.equal(before, after) if isinstance(before, torch.Tensor) else before == after, field.name


def test_the_field_of_view_is_vertical_and_the_matrix_row_by_row(tmp_path: Path) -> None:
    pose = [0.0, -1, 0, 5, 1, 0, 0, 6, 0, 0, 1, 7, 0, 0, 0, 1]
    frame = {"camera_to_world": pose, "fov": 90, "aspect": 1}
    path = from_nerfstudio(written(tmp_path, content(camera_path=[frame])), near=0.1)
    assert path.cameras.focal.tolist() == [[pytest.approx(5), pytest.approx(5)]]
    assert path.cameras.world_from_camera.flatten().tolist() == pose[:12]
    assert path.cameras.near == 0.1


def test_seconds_go_before_fps_and_times_are_read(tmp_path: Path) -> None:
    assert from_nerfstudio(written(tmp_path, content()), near=0.1).fps == 4
    assert from_nerfstudio(written(tmp_path, content()), near=0.1).cameras.time.tolist() == [0, 0.25]
    assert from_nerfstudio(written(tmp_path, content(seconds=None)), near=0.1).fps == 24


def frame_with(**changes: Any) -> dict[str, Any]:
    return content(camera_path=[{"camera_to_world": IDENTITY, "fov": 90, "aspect": 1, **changes}])


REFUSED = {
    "camera_path is missing": content(camera_path=None),
    "camera_path is empty": content(camera_path=[]),
    r"camera_path\[0\] is 3, not an object": content(camera_path=[3]),
    "render_height is missing": content(render_height=None),
    "render_width is 10.5, not a whole number": content(render_width=10.5),
    "seconds is 0, but must be greater": content(seconds=0),
    "fps is missing": content(seconds=None, fps=None),
    "camera_type is 'equirectangular'; only perspective": content(camera_type="equirectangular"),
    "crop is set, and cropping is not supported": content(crop={"crop_center": [0, 0, 0]}),
    r"camera_path\[0\].camera_to_world is missing": frame_with(camera_to_world=None),
    r"camera_path\[0\].camera_to_world is not a list of 16": frame_with(camera_to_world=IDENTITY[:12]),
    r"camera_path\[0\].camera_to_world holds 'x'": frame_with(camera_to_world=["x", *IDENTITY[1:]]),
    r"camera_path\[0\].camera_to_world is not a rigid pose": frame_with(camera_to_world=[2.0, *IDENTITY[1:]]),
    r"camera_path\[0\].camera_to_world is not .*mirrors": frame_with(camera_to_world=[-1.0, *IDENTITY[1:]]),
    r"camera_path\[0\].camera_to_world has the last row": frame_with(camera_to_world=[*IDENTITY[:15], 2.0]),
    r"camera_path\[0\].fov is missing": frame_with(fov=None),
    r"camera_path\[0\].fov is 180, but must be less": frame_with(fov=180),
    r"camera_path\[0\].render_time is 2": frame_with(render_time=2),
    "the top level must be an object": [1, 2],
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_bad_files_are_answered_in_a_sentence(tmp_path: Path, sentence: str) -> None:
    path = written(tmp_path, REFUSED[sentence])
    with pytest.raises(ValueError, match=sentence) as caught:
        from_nerfstudio(path, near=0.1)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_and_one_that_is_no_json(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.json does not exist"):
        from_nerfstudio(tmp_path / "absent.json", near=0.1)
    (tmp_path / "cut.json").write_text('{"camera_path": [')
    with pytest.raises(ValueError, match=r"cut\.json, line 1: this is not valid JSON"):
        from_nerfstudio(tmp_path / "cut.json", near=0.1)


@pytest.mark.parametrize(
    "change",
    [
        {"lens": Lens.FISHEYE},
        {"distortion": torch.full((25, 6), 0.1)},
        {"principal": torch.full((25, 2), 3.0)},
        {"focal": torch.tensor([[20.0, 30.0]]).expand(25, 2)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_lenses_that_the_file_cannot_hold_are_refused(tmp_path: Path, wall, change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"path\.json was not written: a camera path holds"):
        to_nerfstudio(tmp_path / "path.json", dataclasses.replace(wall, **change), 30.0)
    assert not (tmp_path / "path.json").exists()
