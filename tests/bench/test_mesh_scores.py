"""Scores of meshes that are off by a known distance, and pictures of a mesh that is one of them itself."""

import numpy as np
import pytest
import torch
import trimesh
from omnifield.bench import mesh_scores
from omnifield.bench.mesh_scores import compare, spread
from omnifield.bench.mesh_views import psnr_of_views
from omnifield.export.mesh_making import ColoredMesh
from omnifield.export.triangles import Triangles
from omnifield.studio.shots import Shots, hemisphere, orbit, views


def ball(radius: float) -> Triangles:
    made = trimesh.creation.icosphere(4, radius)
    return Triangles(np.array(made.vertices), np.array(made.faces, np.int64))


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mesh_scores, "POINTS", 20_000)


def test_a_mesh_is_as_good_as_itself() -> None:
    same = compare(ball(1.0), ball(1.0))
    assert same.f_score == 1 and same.chamfer < 0.003


def test_a_ball_too_large_is_off_by_that() -> None:
    size = ball(1.0).size
    near, far = (compare(ball(1 + part * size), ball(1.0)) for part in (0.008, 0.02))
    assert near.f_score > 0.9 and far.f_score == 0
    assert far.chamfer == pytest.approx(0.02, rel=0.1)


def test_half_of_a_mesh_has_half_of_the_recall(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mesh_scores, "POINTS", 100_000)  # so close that each has one within a hundredth
    whole = ball(1.0)
    half = whole.only(whole.vertices[whole.faces].mean(1)[:, 2] > 0)
    found = compare(half, whole)
    assert found.precision == 1 and 0.48 < found.recall < 0.54


def test_only_what_cameras_see_counts() -> None:
    cameras = orbit(hemisphere(8, 0), 16)
    above = spread(ball(1.0), 5000, cameras)
    distance = cameras.world_from_camera[:, :, 3].norm(dim=-1).min().item()
    lowest = cameras.world_from_camera[:, 2, 3].min().item() / distance  # sine of the elevation
    horizon = np.arcsin(lowest) - np.arccos(1 / distance)  # what is lower on the ball is hidden from all
    assert len(above) < 5000 and above[:, 2].min() > np.sin(horizon) - 0.02
    inner = Triangles(np.concatenate([ball(1.0).vertices, ball(0.5).vertices]), ball(1.0).faces)
    both = Triangles(inner.vertices, np.concatenate([inner.faces, inner.faces + len(ball(1.0).vertices)]))
    assert np.linalg.norm(spread(both, 5000, cameras), axis=1).min() > 0.98


def test_pictures_of_a_mesh_are_compared_with_the_truth() -> None:
    mesh = ball(1.0)
    paint = np.tile(np.array([200, 100, 50], np.uint8), (len(mesh.vertices), 1))
    shots = Shots(size=32, test=2)
    cameras = orbit(hemisphere(shots.test, 0), shots.size)
    images = np.zeros((shots.test, 32, 32, 4), np.uint8)
    for view in range(shots.test):
        rays = cameras.pixel_rays(view)
        along = -(rays.origins * rays.directions).sum(-1)
        nearest = (rays.origins + along[:, None] * rays.directions).norm(dim=-1)
        images[view][(nearest < 1).reshape(32, 32).numpy()] = [200, 100, 50, 255]
    truth = views(torch.from_numpy(images), cameras, "test")
    right = psnr_of_views(ColoredMesh(mesh, paint), truth, (1.0, 1.0, 1.0), 1)
    wrong = psnr_of_views(ColoredMesh(mesh, 255 - paint), truth, (1.0, 1.0, 1.0), 1)
    assert right > 20 and wrong < right - 8
