"""Edits of a conversion, as they are typed: boxes and moves as numbers between commas."""

import math

import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from ..distill import Edits
from ..scenes import Box
from .flags.convert import Convert

FARTHEST = 1e9  # world units that a field may be moved by


def edits_of(flags: Convert) -> Edits:
    """Raises ValueError, naming the flag."""
    return Edits(
        world_from_field=tuple(pose_of(text) for text in flags.transform),
        keep=tuple(_box("--keep-box", text) for text in flags.keep_box),
        remove=tuple(_box("--remove-box", text) for text in flags.remove_box),
        time=flags.time,
    )


def _numbers(flag: str, text: str, counts: tuple[int, ...], meaning: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in counts or not all(math.isfinite(number) for number in numbers):
        raise ValueError(f"{flag} takes {meaning}, separated by commas, not {text!r}.")
    return numbers


def _box(flag: str, text: str) -> Box:
    x0, y0, z0, x1, y1, z1 = _numbers(flag, text, (6,), "six numbers X0,Y0,Z0,X1,Y1,Z1")
    try:
        return Box((x0, y0, z0), (x1, y1, z1))
    except ValueError as error:
        raise ValueError(f"{flag}: {error}") from error


def pose_of(text: str) -> Tensor:
    """Rows of 4×4."""
    numbers = _numbers("--transform", text, (3, 6), "three numbers X,Y,Z or six X,Y,Z,RX,RY,RZ")
    if max(map(abs, numbers)) > FARTHEST:
        raise ValueError(f"--transform {text}: no number may be beyond {FARTHEST:g}.")
    pose = torch.eye(4)
    if numbers[3:]:
        turn = Rotation.from_euler("xyz", numbers[3:], degrees=True).as_matrix()
        pose[:3, :3] = torch.from_numpy(turn).float()
    pose[:3, 3] = torch.tensor(numbers[:3])
    return pose
