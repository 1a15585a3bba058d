"""Cameras that stand a little beside where they are said to: how much of that a training finds out."""

from dataclasses import replace
from pathlib import Path

import torch
from omnifield.scenes import Cameras, Scene
from omnifield.train import Budget, FitConfig, begin, fit
from omnifield.train.checkpoint import load_training, save_training
from omnifield.train.field_file import load_field
from omnifield.train.loop import Training
from omnifield.train.pose_refinement import PoseRefinement, rotation_of
from omnifield.train.run import Run
from torch import Tensor

from .sphere_scene import HASH, sphere_scene

RATE = 1e-3


def test_a_rotation_by_an_axis_times_an_angle() -> None:
    quarter = rotation_of(torch.tensor([[0.0, 0.0, torch.pi / 2]]))[0]
    torch.testing.assert_close(quarter @ torch.tensor([1.0, 2.0, 3.0]), torch.tensor([-2.0, 1.0, 3.0]))


def test_rays_of_refined_cameras_are_the_refined_rays(generator: torch.Generator) -> None:
    scene = sphere_scene(train=4, test=1)
    (views,) = scene.train
    poses = PoseRefinement(4, scene.domain.side, RATE)
    with torch.no_grad():
        poses.motions.copy_(0.1 * torch.randn(4, 6, generator=generator) + 1)
    view = torch.arange(4).repeat_interleave(5)
    x, y = 24 * torch.rand(2, 20, generator=generator)
    found = poses.refined(replace(views.cameras.rays(view, x, y), view=view))
    expected = poses.cameras(views).rays(view, x, y)
    torch.testing.assert_close(found.origins, expected.origins)
    torch.testing.assert_close(found.directions, expected.directions)
    assert found.directions.requires_grad and not expected.directions.requires_grad


def displaced(scene: Scene, generator: torch.Generator) -> Scene:
    """Each training camera moved across its axis by about a pixel and a half of what it sees."""
    (views,) = scene.train
    shift = 0.1 * torch.randn(len(views), 2, generator=generator)
    poses = views.cameras.world_from_camera.clone()
    poses[:, :, 3] += (poses[:, :, :2] * (shift - shift.mean(0))[:, None]).sum(-1)
    cameras = replace(views.cameras, world_from_camera=poses)
    return replace(scene, train=(replace(views, cameras=cameras),))


def where_a_point_is_seen(cameras: Cameras) -> Tensor:
    points = 0.5 * torch.eye(3)
    return torch.stack([cameras.project(view, points)[0] for view in range(len(cameras))])


def fitted(scene: Scene, poses: float) -> Training:
    training = begin(scene, HASH, FitConfig(poses=poses))
    fit(training, scene, Budget(steps=300))
    return training


def test_cameras_come_back(generator: torch.Generator) -> None:
    scene = sphere_scene(train=16, test=1)
    moved = displaced(scene, generator)
    true, given, found = (
        where_a_point_is_seen(cameras)
        for cameras in (
            scene.train[0].cameras,
            moved.train[0].cameras,
            fitted(moved, 5 * RATE).poses.cameras(moved.train[0]),
        )
    )
    assert (found - true).norm(dim=-1).mean() < 0.6 * (given - true).norm(dim=-1).mean()


def test_a_file_has_the_refined_cameras_and_its_training_goes_on(
    tmp_path: Path, generator: torch.Generator
) -> None:
    scene = displaced(sphere_scene(train=6, test=1), generator)
    training = begin(scene, HASH, FitConfig(poses=RATE))
    fit(training, scene, Budget(steps=5))
    path = Run(tmp_path, scene, training, {}).save()
    trained = load_field(path)
    assert trained.provenance["poses"] == "refined"
    [cameras] = trained.cameras
    assert torch.equal(cameras.world_from_camera, training.poses.cameras(scene.train[0]).world_from_camera)
    assert not torch.equal(cameras.world_from_camera, scene.train[0].cameras.world_from_camera)
    again = begin(scene, HASH, FitConfig(poses=RATE))
    save_training(tmp_path / "state", training)
    load_training(tmp_path / "state", again)
    assert torch.equal(again.poses.motions, training.poses.motions)
    assert "poses" not in begin(scene, HASH).poses.facts()
