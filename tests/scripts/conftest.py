"""A ball whose pictures are known, as a trained field in a file, and a data set that shows it."""

import json
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from jaxtyping import Float
from omnifield.fields import FIELD_CONFIGS, Field, HashConfig, ParameterGroup, Points, Probe
from omnifield.renderers import OccupancyConfig
from omnifield.scenes import Box, Domain, pinhole
from omnifield.scripts import cli
from omnifield.train.field_file import TrainedField, save_field
from PIL import Image
from torch import Tensor

from .browser import browser as browser
from .browser import opened as opened
from .browser import page as page
from .browser import program as program

Typed = Callable[..., tuple[int, str, str]]
RADIUS, COLOR = 0.6, (0.8, 0.4, 0.2)
SIZE, FOV = 32, 0.6911112070083618
DOMAIN = Box((-1.5, -1.5, -1.5), (1.5, 1.5, 1.5))


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys) -> Typed:
    """Runs the command in this process: exit code, standard output, standard error."""
    monkeypatch.setenv("COLUMNS", "120")

    def run(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["omnifield", *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *capsys.readouterr()

    return run


@dataclass(frozen=True)
class BallConfig(HashConfig):
    tag: ClassVar[str] = "ball"
    x: float = 0.0
    y: float = 0.0
    z: float = 0.0

    def __post_init__(self) -> None:
        """Its middle may be anywhere."""

    def build(self, domain: Domain) -> "Ball":
        return Ball(self, domain)


class Ball(Field):
    """Dense inside, nothing outside, of one colour."""

    def __init__(self, config: BallConfig, domain: Domain) -> None:
        super().__init__(domain, 1)
        self.config = config

    def probe(self, points: Points) -> Probe:
        middle = torch.tensor([self.config.x, self.config.y, self.config.z])
        distance = (points.position - middle).norm(dim=-1)
        return Probe(torch.where(distance < RADIUS, 200.0, 0.0), distance[:, None])

    def features(self, points: Points, probe: Probe) -> Float[Tensor, "n feature"]:
        return probe.carry

    def color(self, features: Float[Tensor, "n feature"], points: Points) -> Float[Tensor, "n rgb=3"]:
        return torch.tensor(COLOR).expand(len(points), 3)

    def parameter_groups(self) -> list[ParameterGroup]:
        return []


@pytest.fixture
def ball_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes a run folder with a ball at `middle`, trained on the cameras of `lego`."""
    monkeypatch.setitem(FIELD_CONFIGS, "ball", BallConfig)

    def write(middle: tuple[float, float, float] = (0.0, 0.0, 0.0), moved: Tensor | None = None) -> Path:
        scene_from_input = torch.eye(4) if moved is None else moved
        poses = scene_from_input @ torch.tensor([ring_pose(i, 4) for i in range(4)])
        x, y, z = middle
        trained = TrainedField(
            field=BallConfig(x=x, y=y, z=z).build(DOMAIN),
            sampler=OccupancyConfig(32, 128).build(DOMAIN),
            cameras=(pinhole(poses[:, :3], (SIZE, SIZE), FOV, near=0.075),),
            background=(1.0, 1.0, 1.0),
            scene_from_input=scene_from_input,
            provenance={"scene": "[b]all"},
            thumbnail=torch.zeros(2, 2, 3, dtype=torch.uint8),
        )
        save_field(tmp_path / "run" / "field.safetensors", trained)
        return tmp_path / "run"

    return write


def ring_pose(index: int, count: int) -> list[list[float]]:
    angle = 2 * math.pi * index / count
    position = np.array([3.5 * math.cos(angle), 3.5 * math.sin(angle), 2.0])
    back = position / np.linalg.norm(position)
    right = np.array([-math.sin(angle), math.cos(angle), 0.0])
    pose = np.eye(4)
    pose[:3] = np.stack([right, np.cross(back, right), back, position], 1)
    return pose.tolist()


def ball_seen(pose: list[list[float]], middle: tuple[float, float, float]) -> np.ndarray:
    """RGBA of a ball from a camera: where a ray passes it nearer than its radius."""
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    focal = SIZE / 2 / math.tan(FOV / 2)
    local = np.stack([(x - SIZE / 2) / focal, -(y - SIZE / 2) / focal, -np.ones_like(x)], -1)
    matrix = np.array(pose)
    direction = local @ matrix[:3, :3].T
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    offset = np.array(middle) - matrix[:3, 3]
    nearest = np.linalg.norm(offset - (direction @ offset)[..., None] * direction, axis=-1)
    rgba = np.zeros((SIZE, SIZE, 4), np.uint8)
    rgba[nearest < RADIUS] = [*(round(255 * channel) for channel in COLOR), 255]
    return rgba


@pytest.fixture
def lego(tmp_path: Path) -> Callable[..., Path]:
    """Four training and two test views of a ball at `middle`, in NeRF-synthetic's layout."""

    def write(middle: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Path:
        folder = tmp_path / "lego"
        for split, count in (("train", 4), ("test", 2)):
            (folder / split).mkdir(parents=True)
            frames = []
            for i in range(count):
                pose = ring_pose(i, count)
                Image.fromarray(ball_seen(pose, middle)).save(folder / split / f"r_{i}.png")
                frames.append({"file_path": f"./{split}/r_{i}", "transform_matrix": pose})
            content = {"camera_angle_x": FOV, "frames": frames}
            (folder / f"transforms_{split}.json").write_text(json.dumps(content))
        return folder

    return write
