"""Frames to a video, or to numbered pictures."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import imageio_ffmpeg
import numpy as np
from jaxtyping import UInt8
from torch import Tensor

from ..train.files import write_atomically
from ..train.pictures import write_picture

QUALITY = 18  # x264's constant rate factor: lower is better; 18 is about where the eye sees no loss
Frame = UInt8[Tensor, "height width rgb=3"]


def video_size(width: int, height: int) -> tuple[int, int]:
    """Of a video of such pictures: H.264 needs even sides, and an odd one loses its last pixel."""
    return width // 2 * 2, height // 2 * 2


def write_video(path: Path, frames: Iterator[Frame], fps: float) -> int:
    """An mp4 (H.264, yuv420p) of frames of one size; returns how many there were.

    Each is encoded as it comes, so the iterator may render them one by one; the video has their `video_size`. Raises
    ValueError where there is no frame, or the file cannot be written.
    """
    first = next(frames, None)
    if first is None:
        raise ValueError(f"{path} was not written: there is no frame to put into it.")
    height, width, _ = first.shape
    if min(height, width) < 2:
        raise ValueError(f"{path} was not written: a video of {width}x{height} pixels is too small.")
    count = 0

    def write(beside: Path) -> None:
        nonlocal count
        beside.touch()  # where that fails the system says why in fewer words than ffmpeg
        process = subprocess.Popen(
            _ffmpeg(beside, (width, height), fps),
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C is for us: ffmpeg has to live to end the file
        )
        assert process.stdin is not None and process.stderr is not None
        with process, process.stderr:
            count = _feed(process.stdin, first, frames)
            complaint = process.stderr.read().decode(errors="replace").strip()
        if process.returncode != 0:
            raise OSError(f"ffmpeg failed ({complaint.splitlines()[0] if complaint else process.returncode})")

    write_atomically(path, write)
    return count


def write_frames(folder: Path, frames: Iterator[Frame]) -> int:
    """frame_00000.png and so on; returns how many. Raises ValueError where they cannot be written."""
    count = 0
    for count, frame in enumerate(frames, 1):
        write_picture(folder / frame_name(count - 1), frame)
    return count


def frame_name(number: int) -> str:
    return f"frame_{number:05d}.png"


def _feed(pipe: IO[bytes], first: Frame, frames: Iterator[Frame]) -> int:
    """Hand every frame to ffmpeg; if it has gone away, stop: its exit code and last words say why."""
    count = 0
    try:
        with pipe:
            frame: Frame | None = first
            while frame is not None:
                if frame.shape != first.shape:
                    raise ValueError(f"Frame {count} has another size than the first one.")
                pipe.write(_pixels(frame).data)
                count += 1
                frame = next(frames, None)
    except BrokenPipeError:
        pass
    return count


def _ffmpeg(path: Path, size: tuple[int, int], fps: float) -> list[str]:
    """Raw frames from standard input to an mp4; its colours are tagged, so that all players show the same."""
    bt709 = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]
    return [
        *(_executable(), "-y", "-nostats", "-loglevel", "error"),
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}", "-r", f"{fps:.6f}", "-i", "-"),
        *("-vf", "crop=trunc(iw/2)*2:trunc(ih/2)*2:0:0,scale=out_color_matrix=bt709:out_range=tv"),
        *("-c:v", "libx264", "-crf", str(QUALITY), "-preset", "medium", "-pix_fmt", "yuv420p", *bt709),
        *("-movflags", "+faststart", "-f", "mp4", str(path)),
    ]


def _executable() -> str:
    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError:
        raise ValueError(
            "A video needs ffmpeg, which is not here: install it, or write single frames into a folder."
        ) from None


def _pixels(image: Frame) -> UInt8[np.ndarray, "height width rgb=3"]:
    return np.ascontiguousarray(image.cpu().numpy())
