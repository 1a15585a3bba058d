"""COLMAP's binary files: little endian, without padding. Every length is checked against what the file still holds."""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .colmap_model import MODELS, ModelCamera, ModelImage, Points, by_number, checked_camera, rigid

KEYPOINT = np.dtype([("xy", "<f8", 2), ("point", "<i8")])
ON_TRACK = 8  # bytes of an image's and a keypoint's number


@dataclass
class Reader:
    """Goes through one file. `inside` is what is being read, for complaints; all readers raise ValueError."""

    file: Path
    data: bytes
    at: int = 0
    inside: str = "its count"

    def numbers(self, layout: str) -> tuple[Any, ...]:
        layout = "<" + layout
        start = self._skip(struct.calcsize(layout))
        return struct.unpack_from(layout, self.data, start)

    def count(self, smallest: int, of: str) -> int:
        """A number of things that take at least `smallest` bytes each."""
        (count,) = self.numbers("Q")
        left = (len(self.data) - self.at) // smallest
        if count > left:
            raise ValueError(
                f"{self.file} is cut off or no file of COLMAP's: it states {count} {of} where there is room for {left}."
            )
        return count

    def text(self) -> str:
        end = self.data.find(b"\0", self.at)
        if end < 0:
            raise self._cut_off()
        raw, self.at = self.data[self.at : end], end + 1
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise ValueError(f"{self.file}: {self.inside} has a name that is not in UTF-8.") from None

    def table(self, dtype: np.dtype, count: int) -> np.ndarray:
        return np.frombuffer(self.data, dtype, count, self._skip(dtype.itemsize * count))

    def skip(self, bytes_: int) -> None:
        self._skip(bytes_)

    def _skip(self, bytes_: int) -> int:
        start = self.at
        if bytes_ > len(self.data) - start:
            raise self._cut_off()
        self.at += bytes_
        return start

    def _cut_off(self) -> ValueError:
        return ValueError(f"{self.file} is cut off, or no file of COLMAP's: it ends within {self.inside}.")


def read_cameras(file: Path) -> list[ModelCamera]:
    reader = Reader(file, file.read_bytes())
    return [_camera(reader, i) for i in range(reader.count(24, "cameras"))]


def read_images(file: Path) -> list[ModelImage]:
    reader = Reader(file, file.read_bytes())
    return [_image(reader, i) for i in range(reader.count(73, "images"))]


def read_points(file: Path) -> Points:
    reader = Reader(file, file.read_bytes())
    count = reader.count(51, "points")
    number, position, color = np.empty(count, np.int64), np.empty((count, 3)), np.empty((count, 3), np.uint8)
    for i in range(count):
        reader.inside = f"point {i + 1} of {count}"
        number[i], *place, red, green, blue, _ = reader.numbers("q3d3Bd")
        position[i], color[i] = place, (red, green, blue)
        reader.skip(ON_TRACK * reader.count(ON_TRACK, f"images on the track of {reader.inside}"))
    return by_number(number, position, color)


def _camera(reader: Reader, i: int) -> ModelCamera:
    reader.inside = f"entry {i + 1} of its cameras"
    number, model, width, height = reader.numbers("iiQQ")
    if model not in MODELS:
        raise ValueError(
            f"{reader.file}: camera {number} has a model that is not known here (COLMAP's number {model})."
        )
    name, parameters = MODELS[model]
    return checked_camera(reader.file, number, name, (width, height), reader.numbers(f"{parameters}d"))


def _image(reader: Reader, i: int) -> ModelImage:
    reader.inside = f"entry {i + 1} of its images"
    number, *pose, camera = reader.numbers("I7dI")
    name = reader.text()
    where = f"{reader.file}: image {number} ({name})"
    keypoints = reader.table(KEYPOINT, reader.count(KEYPOINT.itemsize, f"keypoints of image {number}"))
    values = np.array(pose)
    return ModelImage(
        number=number,
        name=name,
        camera=camera,
        camera_from_world=rigid(where, values[:4], values[4:]),
        keypoints=np.array(keypoints["xy"], np.float64),
        point=np.array(keypoints["point"], np.int64),
    )
