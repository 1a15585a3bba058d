"""Which way is up, where the middle is, and how large the scene is."""

import math

import numpy as np
import pytest
import torch
from omnifield.photos.world import DISTANCE, ground, moved, upright_world

from .corner import ring

UP = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)


def table(tilt: float, on_it: int, above: int, generator: torch.Generator) -> torch.Tensor:
    """Points on a plane that is tilted by so many degrees, and over it."""
    flat = torch.rand(on_it + above, 3, generator=generator, dtype=torch.float64) * 2 - 1
    flat[:on_it, 2] = 0.0
    flat[on_it:, 2] = 0.1 + flat[on_it:, 2].abs()
    c, s = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
    return flat @ torch.tensor([[1, 0, 0], [0, c, -s], [0, s, c]], dtype=torch.float64).T


def degrees(one: torch.Tensor, other: torch.Tensor) -> float:
    return math.degrees(math.acos(min(1.0, float(one @ other / one.norm() / other.norm()))))


def test_the_ground_tells_up_where_it_is_clear(generator: torch.Generator) -> None:
    cameras = torch.tensor([[0.0, 0, 3], [1, 1, 2]], dtype=torch.float64)
    found = ground(table(4.0, 500, 500, generator), cameras, UP, 0.02)
    assert abs(degrees(found, UP) - 4.0) < 0.1
    for points in (table(4.0, 100, 900, generator), table(30.0, 900, 100, generator)):
        assert torch.equal(ground(points, cameras, UP, 0.02), UP)
    assert torch.equal(ground(table(4.0, 500, 500, generator), -cameras, UP, 0.02), UP)


def test_a_reconstruction_of_any_frame_and_size_comes_out_the_same(generator: torch.Generator) -> None:
    poses = torch.from_numpy(np.array(ring(9)))
    points = table(0.0, 400, 600, generator)
    turn = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64))[0]
    turn = turn * torch.linalg.det(turn)
    moves = torch.tensor([50.0, -20.0, 7.0], dtype=torch.float64)
    other = poses.clone()
    other[:, :3, :3] = turn @ poses[:, :3, :3]
    other[:, :3, 3] = 30 * poses[:, :3, 3] @ turn.T + moves
    rotation, middle, scale = upright_world(other, 30 * points @ turn.T + moves)
    put = moved(other, rotation, middle, scale)
    up = rotation @ turn @ UP
    assert degrees(up, UP) < 0.5
    centre = rotation @ ((30 * turn @ points.median(0).values + moves) - middle) * scale
    assert (put[:, :3, 3] - centre).norm(dim=-1).median().item() / DISTANCE == pytest.approx(1, abs=0.1)
    assert torch.allclose(
        put[:, :3, :3] @ put[:, :3, :3].mT, torch.eye(3, dtype=torch.float64).expand(9, 3, 3)
    )
