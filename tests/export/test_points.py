"""Point clouds: on the surface, of its colour, in the input's world frame."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from omnifield.export.points import evenly, surface_points, write_points
from omnifield.scenes import Cameras
from omnifield.train.field_file import TrainedField
from scipy.spatial.transform import Rotation
from torch import Tensor

from ..scripts.conftest import COLOR, DOMAIN, RADIUS, BallConfig

TURN = Rotation.from_euler("xyz", (0.3, -0.7, 1.1)).as_matrix()
SHIFT = np.array([5.0, -3.0, 2.0])


@pytest.fixture
def ball(trained: Callable[..., TrainedField], ring: Callable[[Tensor, float], Cameras]) -> TrainedField:
    scene_from_input = torch.eye(4)
    scene_from_input[:3, :3], scene_from_input[:3, 3] = torch.from_numpy(TURN), torch.from_numpy(SHIFT)
    plain = trained(DOMAIN, ring(torch.zeros(3), 3.0))
    return replace(plain, field=BallConfig().build(DOMAIN), scene_from_input=scene_from_input)


def test_points_lie_on_the_surface_in_the_input_s_frame(ball: TrainedField, tmp_path: Path):
    with torch.no_grad():
        cloud = evenly(surface_points(ball, 400), 1000)
        count = write_points(tmp_path / "ball.ply", cloud, ball.frames.input_from_scene)
    cloud = trimesh.load(tmp_path / "ball.ply")
    assert len(cloud.vertices) == count > 200
    middle = np.linalg.inv(TURN) @ -SHIFT  # where the scene's origin is in the input's frame
    distance = np.linalg.norm(cloud.vertices - middle, axis=1)
    assert np.abs(distance - RADIUS).mean() < 0.05
    expected = np.array([round(255 * channel) for channel in COLOR])
    assert np.abs(np.asarray(cloud.colors)[:, :3].astype(int) - expected).max() <= 1


def test_what_is_clipped_away_leaves_no_points(ball: TrainedField):
    nothing = surface_points(ball, 100, lambda rays: replace(rays, far=rays.near))
    with torch.no_grad(), pytest.raises(ValueError, match="no ray of the training cameras"):
        evenly(nothing, 100)
