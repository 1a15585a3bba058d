"""Photographs out of a video, with the numbered reports of other programs' users."""

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from omnifield.photos.video_frames import frame_name, sharpest, sharpness_of, take_frames
from PIL import Image
from scipy.ndimage import uniform_filter1d

from .corner import ring, seen


def silent(count: int) -> None:
    del count


def encode(path: Path, frames: list[np.ndarray], *words: str) -> Path:
    height, width = frames[0].shape
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-y"]
    command += ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{width}x{height}", "-r", "30", "-i", "-"]
    command += ["-c:v", "libx264", "-crf", "10", "-pix_fmt", "yuv420p", *words, str(path)]
    subprocess.run(command, input=b"".join(frame.tobytes() for frame in frames), check=True)
    return path


def walk(count: int, blurred: set[int]) -> list[np.ndarray]:
    frames = [seen(pose, (96, 64)) for pose in ring(count)]
    return [uniform_filter1d(frame, 9, axis=1) if i in blurred else frame for i, frame in enumerate(frames)]


def test_the_sharpest_of_each_stretch_the_same_every_time(tmp_path: Path) -> None:
    """Report 24, and names in the order of time (26)."""
    video = encode(tmp_path / "ü #1.mp4", walk(12, {0, 1, 3, 5, 6, 8, 9, 10}))
    paths = take_frames(video, tmp_path / "one", 4, silent)
    assert [path.name for path in paths] == [frame_name(i) for i in (2, 4, 7, 11)]
    assert sorted(paths) == paths
    again = take_frames(video, tmp_path / "other", 4, silent)
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in again]


@pytest.mark.parametrize("count", [5, 100])
def test_as_many_frames_as_there_are(tmp_path: Path, count: int) -> None:
    """Report 25: asked for more than there are; a stream without a container has no count of frames at all."""
    video = encode(tmp_path / "raw.mpg", walk(5, set()), "-f", "h264")
    told: list[int] = []
    assert len(take_frames(video, tmp_path / "frames", count, told.append)) == 5
    assert max(told) == 5


def test_a_tag_that_turns_the_picture(tmp_path: Path) -> None:
    """Report 27."""
    upright = encode(tmp_path / "upright.mp4", [frame[:36, :64] for frame in walk(3, set())])
    tagged = tmp_path / "tagged.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-display_rotation", "90"]
    subprocess.run([*command, "-i", str(upright), "-c", "copy", str(tagged)], check=True)
    (path, *_) = take_frames(tagged, tmp_path / "frames", 3, silent)
    (stored, *_) = take_frames(upright, tmp_path / "stored", 3, silent)
    assert Image.open(path).size == (36, 64)
    turned = np.rot90(np.asarray(Image.open(stored).convert("L"), np.float64))
    assert np.abs(np.asarray(Image.open(path).convert("L")) - turned).mean() < 3


def test_a_file_without_pictures_is_named(tmp_path: Path) -> None:
    sound = tmp_path / "sound.mp4"
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-loglevel",
        "error",
        "-f",
        "lavfi",
        "-i",
        "sine=duration=0.2",
    ]
    subprocess.run([*command, str(sound)], check=True)
    (tmp_path / "text.mp4").write_text("no video")
    for name in ("sound.mp4", "text.mp4"):
        with pytest.raises(ValueError, match=f"{name} has no pictures in it that can be read"):
            take_frames(tmp_path / name, tmp_path / "frames", 3, silent)


def test_stretches_cover_all_frames_once() -> None:
    for count, total in ((3, 10), (7, 7), (4, 30)):
        peaks = sharpest([float(i) for i in range(total)], count)
        assert len(peaks) == count and peaks[-1] == total - 1 and peaks == sorted(set(peaks))
    assert sharpest([1.0, 1.0, 1.0, 1.0], 2) == [0, 2]


def test_dark_is_not_blurred() -> None:
    picture = seen(ring(1)[0])
    dark, blurred = picture // 2, uniform_filter1d(picture, 7, axis=1)
    assert sharpness_of(dark) > 0.8 * sharpness_of(picture) > 1.6 * sharpness_of(blurred)
