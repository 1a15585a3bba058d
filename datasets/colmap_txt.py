"""COLMAP's text files, and what other programs write as such: with spaces in names, without keypoints, with commas in
numbers."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..scenes.sparse_points import GREY
from .colmap_model import MODELS, ModelCamera, ModelImage, Points, by_number, checked_camera, rigid

PARAMETERS = dict(MODELS.values())
BEFORE_NAME = 9  # of an image's line: number, quaternion, translation, camera


def read_cameras(file: Path) -> list[ModelCamera]:
    return [_camera(file, where, line) for where, line in _filled(file)]


def read_images(file: Path) -> list[ModelImage]:
    """Two lines for each; the second, the keypoints, may be empty, and is not missed where it is left out."""
    images, lines = [], _lines(file)
    at = 0
    while at < len(lines):
        where, line = lines[at]
        at += 1
        if line:
            keypoints = _keypoints(lines[at][1]) if at < len(lines) else np.empty((0, 3))
            at += keypoints is not None
            images.append(_image(where, line, np.empty((0, 3)) if keypoints is None else keypoints))
    return images


def read_points(file: Path) -> Points:
    rows, colors = [], []
    for where, line in _filled(file):
        words = line.split()
        rows.append(_numbers(where, words[:4], 4))
        colors.append(_numbers(where, words[4:7], 3) if len(words) > 6 else (GREY,) * 3)
    table = np.array(rows).reshape(-1, 4)
    return by_number(table[:, 0].astype(np.int64), table[:, 1:], np.array(colors).reshape(-1, 3).clip(0, 255))


def _lines(file: Path) -> list[tuple[str, str]]:
    """(where, text) of every line that is no comment; empty ones are kept."""
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{file} is not a text in UTF-8.") from None
    numbered = ((f"{file}: line {i}", line.strip()) for i, line in enumerate(text.split("\n"), 1))
    return [(where, line) for where, line in numbered if not line.startswith("#")]


def _filled(file: Path) -> Iterator[tuple[str, str]]:
    return ((where, line) for where, line in _lines(file) if line)


def _camera(file: Path, where: str, line: str) -> ModelCamera:
    number, model, *values = [*line.split(), "", ""]
    if model not in PARAMETERS:
        raise ValueError(
            f"{where} is of a camera model {model!r}, which is not known here: a line is "
            "a number, the model's name, width, height and its parameters."
        )
    width, height, *parameters = _numbers(where, values[:-2], 2 + PARAMETERS[model])
    return checked_camera(
        file, _whole(where, number), model, (_whole(where, width), _whole(where, height)), tuple(parameters)
    )


def _image(where: str, line: str, keypoints: np.ndarray) -> ModelImage:
    words = line.split(None, BEFORE_NAME)
    if len(words) <= BEFORE_NAME:
        raise ValueError(
            f"{where} is not an image's: a number, four of a quaternion, three of a translation, a camera's "
            "number and a file's name."
        )
    number, *pose, camera = _numbers(where, words[:BEFORE_NAME], BEFORE_NAME)
    values = np.array(pose)
    return ModelImage(
        number=_whole(where, number),
        name=words[BEFORE_NAME],
        camera=_whole(where, camera),
        camera_from_world=rigid(where, values[:4], values[4:]),
        keypoints=keypoints[:, :2],
        point=np.nan_to_num(keypoints[:, 2], nan=-1).astype(np.int64),
    )


def _keypoints(line: str) -> np.ndarray | None:
    """None where the line is another image's."""
    words = line.replace(",", ".").split()
    if len(words) % 3:
        return None
    try:
        return np.array([float(word) for word in words]).reshape(-1, 3)
    except ValueError:
        return None


def _numbers(where: str, words: list[str], count: int) -> list[float]:
    if len(words) != count:
        raise ValueError(f"{where} has {len(words)} numbers where {count} are needed.")
    try:
        return [float(word.replace(",", ".")) for word in words]
    except ValueError:
        raise ValueError(f"{where} has {' '.join(words)[:80]!r} where {count} numbers are needed.") from None


def _whole(where: str, value: str | float) -> int:
    try:
        whole = int(float(value))
    except (ValueError, OverflowError):
        raise ValueError(f"{where} has {value!r} where a whole number is needed.") from None
    if whole != float(value):
        raise ValueError(f"{where} has {value} where a whole number is needed.")
    return whole
