"""A video must be playable by others: as many frames, of the same colours, and never half a file."""

from collections.abc import Iterator
from pathlib import Path

import imageio.v3 as imageio
import pytest
import torch
from omnifield.export.video import write_frames, write_video
from torch import Tensor

COLORS = [(255, 0, 0), (0, 200, 0), (30, 60, 220), (128, 128, 128), (255, 255, 255)]


def plain(height: int = 48, width: int = 64) -> Iterator[Tensor]:
    for color in COLORS:
        yield torch.tensor(color, dtype=torch.uint8).expand(height, width, 3)


def test_a_video_has_its_frames_in_their_colors(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "film.mp4"
    assert write_video(path, plain(), 12.5) == 5
    about = imageio.immeta(path, plugin="FFMPEG")
    assert about["fps"] == 12.5 and about["codec"] == "h264" and "yuv420p" in about["pix_fmt"]
    frames = imageio.imread(path, plugin="FFMPEG")
    assert frames.shape == (5, 48, 64, 3)
    for frame, color in zip(frames, COLORS, strict=True):
        assert abs(frame[24, 32].astype(int) - color).max() <= 6
    assert [each.name for each in path.parent.iterdir()] == ["film.mp4"]


def test_an_odd_side_loses_a_pixel(tmp_path: Path) -> None:
    write_video(tmp_path / "odd.mp4", plain(49, 63), 30.0)
    assert imageio.imread(tmp_path / "odd.mp4", plugin="FFMPEG").shape == (5, 48, 62, 3)


def test_nothing_is_left_of_a_video_that_fails(tmp_path: Path) -> None:
    def broken() -> Iterator[Tensor]:
        yield from plain()
        raise RuntimeError("the renderer failed")

    with pytest.raises(RuntimeError, match="the renderer failed"):
        write_video(tmp_path / "film.mp4", broken(), 30.0)
    with pytest.raises(ValueError, match="Frame 5 has another size"):
        write_video(tmp_path / "film.mp4", iter([*plain(), *plain(20, 20)]), 30.0)
    with pytest.raises(ValueError, match="there is no frame"):
        write_video(tmp_path / "film.mp4", iter([]), 30.0)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_answered_in_a_sentence(tmp_path: Path) -> None:
    for name in ("film.mp4", "frame_00000.png"):
        (tmp_path / name).mkdir()
    with pytest.raises(ValueError, match=r"film\.mp4 cannot be written: Is a directory\.$"):
        write_video(tmp_path / "film.mp4", plain(), 30.0)
    with pytest.raises(ValueError, match=r"frame_00000\.png cannot be written: Is a directory\.$"):
        write_frames(tmp_path, plain())


def test_what_ffmpeg_refuses_is_answered_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"film\.mp4 cannot be written: ffmpeg failed") as caught:
        write_video(tmp_path / "film.mp4", plain(), -1.0)
    assert "\n" not in str(caught.value) and list(tmp_path.iterdir()) == []


def test_frames_are_numbered_pictures(tmp_path: Path) -> None:
    assert write_frames(tmp_path / "film", plain()) == 5
    names = sorted(path.name for path in (tmp_path / "film").iterdir())
    assert names == [f"frame_0000{i}.png" for i in range(5)]
    assert imageio.imread(tmp_path / "film" / names[2])[0, 0].tolist() == list(COLORS[2])
