"""Photographs out of a video: of every stretch the sharpest frame, the same ones every time.

A container's own count of frames is often wrong, or none, so they are counted by decoding. ffmpeg turns what a
phone has tagged to be turned.
"""

import math
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import IO

import imageio_ffmpeg
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from .prepared import QUALITY

WIDTH = 640  # at which sharpness is told: noise is gone, motion blur is not
LARGEST_HEADER = 64  # bytes
Counted = Callable[[int], None]


def frame_name(number: int) -> str:
    """Padded, so that names sort as the frames came."""
    return f"frame_{number:06d}.jpg"


def take_frames(video: Path, folder: Path, count: int, told: Counted) -> list[Path]:
    """At most `count` frames as pictures in the folder; `told` how many were looked at. Raises ValueError where the
    file is no video, or has no pictures in it."""
    folder.mkdir(parents=True, exist_ok=True)
    sharpness = []
    for frame in _decoded(video, f"scale='min({WIDTH},iw)':-2,format=gray", "pgm"):
        sharpness.append(sharpness_of(frame[..., 0]))
        told(len(sharpness))
    chosen = sharpest(sharpness, count)
    paths = {number: folder / frame_name(number) for number in chosen}
    if not all(path.exists() for path in paths.values()):
        for number, frame in enumerate(_decoded(video, "format=rgb24", "ppm")):
            if number in paths:
                _save(frame, paths[number])
            told(number + 1)
    return list(paths.values())


def sharpest(sharpness: list[float], count: int) -> list[int]:
    """Of as many equal stretches as are asked for, or fewer where there are not so many frames, the sharpest frame
    each; the first of equals."""
    count = min(count, len(sharpness))
    edges = [math.floor(i * len(sharpness) / count) for i in range(count + 1)] if count else [0]
    return [max(range(begin, end), key=lambda i: sharpness[i]) for begin, end in pairwise(edges)]


def sharpness_of(gray: UInt8[np.ndarray, "height width"]) -> float:
    """The variance of the Laplacian, by that of the picture: what is dark or flat is not blurred for that."""
    x = gray.astype(np.float32)
    if min(x.shape) < 3:
        return 0.0
    middle = 4 * x[1:-1, 1:-1]
    laplacian = x[:-2, 1:-1] + x[2:, 1:-1] + x[1:-1, :-2] + x[1:-1, 2:] - middle
    return float(laplacian.var() / (x.var() + 1.0))


def _save(frame: UInt8[np.ndarray, "height width rgb=3"], path: Path) -> None:
    beside = path.with_name(f".{path.name}.part")
    Image.fromarray(frame).save(beside, "JPEG", quality=QUALITY, subsampling=0)
    os.replace(beside, path)


def _decoded(video: Path, filters: str, kind: str) -> Iterator[UInt8[np.ndarray, "height width channel"]]:
    """Every frame, as portable pixmaps through a pipe: their headers say the size that ffmpeg has made of it.

    Raises ValueError where there is none."""
    count = 0
    with _ffmpeg(video, filters, kind) as process:
        assert process.stdout is not None and process.stderr is not None
        while (frame := _read(process.stdout)) is not None:
            count += 1
            yield frame
        complaint = process.stderr.read().decode(errors="replace").strip().splitlines()
    if not count:
        why = f" ({complaint[-1]})" if complaint else ""
        raise ValueError(f"{video} has no pictures in it that can be read as a video's{why}.")


@contextmanager
def _ffmpeg(video: Path, filters: str, kind: str) -> Iterator[subprocess.Popen[bytes]]:
    """Ended when we are done with it, read to its end or not."""
    words = ["-nostdin", "-loglevel", "fatal", "-i", f"file:{video}", "-map", "0:v:0", "-an", "-vf", filters]
    process = subprocess.Popen(
        [imageio_ffmpeg.get_ffmpeg_exe(), *words, "-f", "image2pipe", "-c:v", kind, "-"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # a Ctrl-C is for us
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _read(pipe: IO[bytes]) -> UInt8[np.ndarray, "height width channel"] | None:
    """The next picture; None at the end, or where the last one is cut short."""
    words: list[bytes] = []
    while len(words) < 4:  # P5 or P6, width, height, and the largest value
        line = pipe.readline(LARGEST_HEADER)
        if not line:
            return None
        words += line.split()
    width, height, channels = int(words[1]), int(words[2]), 3 if words[0] == b"P6" else 1
    data = pipe.read(width * height * channels)
    if len(data) < width * height * channels:
        return None
    return np.frombuffer(data, np.uint8).reshape(height, width, channels)
