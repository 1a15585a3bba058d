"""Surfaces fused from depths: in scenes of any size, and a sentence where open3d is not there."""

import math
import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from omnifield.export.fusion import fused, open3d, views_of
from omnifield.export.mesh_making import METHODS, MeshPlan, by_density
from omnifield.export.stages import finished, stage
from omnifield.fields import Field, ParameterGroup, Points, Probe
from omnifield.scenes import Box, Cameras, Domain
from omnifield.scenes.crop import crop_of
from omnifield.train.field_file import TrainedField
from torch import Tensor

from ..scripts.conftest import DOMAIN, BallConfig


class LargeBall(Field):
    """Fills two fifths of its box."""

    def __init__(self, domain: Domain) -> None:
        super().__init__(domain, 1)
        self.config = BallConfig()

    def probe(self, points: Points) -> Probe:
        distance = points.position.norm(dim=-1)
        density = torch.where(distance < 0.2 * self.domain.side, 600 / self.domain.side, 0.0)
        return Probe(density, distance[:, None])

    def features(self, points: Points, probe: Probe) -> Tensor:
        return probe.carry

    def color(self, features: Tensor, points: Points) -> Tensor:
        return torch.full((len(points), 3), 0.5)

    def parameter_groups(self) -> list[ParameterGroup]:
        return []


@pytest.fixture
def scene(
    trained: Callable[..., TrainedField], ring: Callable[[Tensor, float], Cameras]
) -> Callable[[float], TrainedField]:
    def build(scale: float) -> TrainedField:
        domain = Box(*((sign * 1.5 * scale,) * 3 for sign in (-1, 1)))
        plain = trained(domain, replace(ring(torch.zeros(3), 3.0 * scale), near=0.05 * scale))
        return replace(plain, field=LargeBall(domain))

    return build


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_a_ball_of_any_size_is_round(scene: Callable[[float], TrainedField], scale: float) -> None:
    """Open3D#4419, #4342: voxels, truncation and the farthest depth are of metres, and nothing came of other units."""
    library = pytest.importorskip("open3d")
    trained = scene(scale)
    work = fused(trained, crop_of(trained.field.domain, ()), 48, 0.0, library)
    mesh, cell = finished(stage(work, "", 0.0, 1.0), lambda at: None)
    assert cell == pytest.approx(3 * scale / 48)
    distance = np.linalg.norm(mesh.vertices, axis=1)
    assert len(mesh.faces) > 500 and np.abs(distance - 0.6 * scale).mean() < 0.2 * cell
    assert (mesh.face_normals * mesh.vertices[mesh.faces].mean(1)).sum(1).min() > 0  # and outwards


def test_views_look_where_no_camera_does(scene: Callable[[float], TrainedField]) -> None:
    trained = scene(1.0)
    views = views_of(trained, crop_of(DOMAIN, ()), 0.05)
    places = torch.cat([view.world_from_camera[:, :, 3] for view in views])
    toward = torch.nn.functional.normalize(places, dim=-1)
    assert len(views) > 12 and toward[:, 2].min() < -0.8 and toward[:, 2].max() > 0.8
    for view in views:
        sensor, depth = view.project(0, torch.zeros(1, 3))
        assert depth.item() > 0 and torch.allclose(
            sensor, torch.tensor([[view.width, view.height]]) / 2, atol=1
        )
        pixel = depth.item() / view.focal[0, 0].item()
        assert 0.5 < pixel / 0.05 < 2 or max(view.width, view.height) == 64
        assert math.isclose(view.near, 0.05, rel_tol=1e-6)


def test_without_open3d_a_sentence_says_what_to_do(scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "open3d", None)
    with pytest.raises(ValueError, match=r"libusb-1.0-0 libgl1.*--method density") as caught:
        open3d()
    assert "\n" not in str(caught.value)
    plan = MeshPlan(crop_of(DOMAIN, ()), 24, 500, 0, 0.0)
    auto, density = (
        finished(method(scene(1.0), plan), lambda at: None)[0] for method in (METHODS["auto"], by_density)
    )
    np.testing.assert_array_equal(auto.vertices, density.vertices)
