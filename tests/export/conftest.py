"""Cameras in the usual arrangements, and a field that was trained on them."""

import math
from collections.abc import Callable

import pytest
import torch
from omnifield.fields import HashConfig
from omnifield.renderers import OccupancyConfig
from omnifield.scenes import Cameras, Domain, pinhole
from omnifield.train.field_file import TrainedField
from torch import Tensor

from ..scripts.browser import browser as browser


def looking(positions: Tensor, targets: Tensor) -> Cameras:
    """Cameras of 40x30 pixels, world +Z up, 60 degrees high."""
    back = torch.nn.functional.normalize(positions - targets, dim=-1)
    right = torch.nn.functional.normalize(
        torch.linalg.cross(torch.tensor([[0.0, 0, 1]]).expand_as(back), back), dim=-1
    )
    poses = torch.stack([right, torch.linalg.cross(back, right), back, positions], -1)
    return pinhole(poses, (40, 30), math.radians(60), near=0.05)


@pytest.fixture
def ring() -> Callable[[Tensor, float], Cameras]:
    """A dozen cameras around a point, 3 away (signed: negative looks outwards) at 30 degrees of elevation."""

    def build(middle: Tensor, distance: float) -> Cameras:
        angle = torch.arange(12) * (2 * math.pi / 12) + 0.3
        flat = torch.stack([angle.cos(), angle.sin(), torch.full_like(angle, math.tan(math.pi / 6))], -1)
        offset = torch.nn.functional.normalize(flat, dim=-1) * abs(distance)
        return looking(middle + offset, middle + offset - offset * math.copysign(1, distance))

    return build


@pytest.fixture
def wall() -> Cameras:
    """A grid of 5 by 5 cameras, 2 wide and 1 high, looking along +y at points about 10 ahead."""
    x, z = torch.meshgrid(torch.linspace(-1, 1, 5), torch.linspace(-0.5, 0.5, 5), indexing="ij")
    positions = torch.stack([x.flatten(), torch.zeros(25), z.flatten()], -1)
    return looking(positions, torch.tensor([[0.0, 10, 0]]).expand(25, 3))


@pytest.fixture
def trained() -> Callable[[Domain, Cameras], TrainedField]:
    def build(domain: Domain, cameras: Cameras) -> TrainedField:
        return TrainedField(
            field=HashConfig(**HashConfig.PRESETS["tiny"]).build(domain),
            sampler=OccupancyConfig(16).build(domain),
            cameras=(cameras,),
            background=(1.0, 1.0, 1.0),
            scene_from_input=torch.eye(4),
            provenance={},
            thumbnail=torch.zeros(2, 2, 3, dtype=torch.uint8),
        )

    return build
