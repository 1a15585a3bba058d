"""Cameras that stand a little beside where they are said to: how much of that a training finds out."""

from dataclasses import replace
from pathlib import Path

import torch
from omnifield.scenes import Cameras, Scene, Views
from omnifield.train import Budget, FitConfig, begin, fit
from omnifield.train.checkpoint import load_training, save_training
from omnifield.train.evaluate import judge
from omnifield.train.field_file import load_field
from omnifield.train.held_out_pose import posed_by_left_half, psnr_posed
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


def test_a_file_knows_where_the_data_had_the_cameras(tmp_path: Path, generator: torch.Generator) -> None:
    """Report 36 (nerfstudio#1191, PR#3116)."""
    scene = displaced(sphere_scene(train=6, test=1), generator)
    given = scene.train[0].cameras.world_from_camera
    for rate in (0.0, RATE):
        training = begin(scene, HASH, FitConfig(poses=rate))
        fit(training, scene, Budget(steps=5))
        trained = load_field(Run(tmp_path, scene, training, {}).save())
        assert torch.equal(trained.given_cameras[0].world_from_camera, given) and trained.knows_given
        assert torch.equal(trained.cameras[0].world_from_camera, given) == (rate == 0.0)
    older = replace(trained, given=())
    assert not older.knows_given


def test_a_held_out_pose_is_found_by_half_of_its_picture(generator: torch.Generator) -> None:
    """Report 35 (nerfstudio#2469, #2496): with refined training poses held-out pictures look worse than they are."""
    scene = sphere_scene(train=16, test=2)
    training = fitted(scene, 0.0)
    (true,) = scene.test
    poses = true.cameras.world_from_camera.clone()
    poses[0, :, 3] += 0.1 * poses[0, :, 0]
    moved = replace(true, cameras=replace(true.cameras, world_from_camera=poses))
    field, sampler, white = training.field, training.sampler, torch.ones(3)
    asking = [parameter.requires_grad for parameter in field.parameters()]
    found = posed_by_left_half(field, sampler, moved, 0, white)
    assert [parameter.requires_grad for parameter in field.parameters()] == asking
    points = 0.5 * torch.eye(3)
    off = [
        (cameras.project(0, points)[0] - true.cameras.project(0, points)[0]).norm(dim=-1).mean()
        for cameras in (moved.cameras, found)
    ]
    assert off[1] < 0.4 * off[0]
    (given,) = judge(field, sampler, (one_view(moved, 0),), white)
    (right,) = judge(field, sampler, (one_view(true, 0),), white)
    assert given.psnr + 3 < psnr_posed(field, sampler, moved, 0, white, 1) < right.psnr + 3
    spoilt = replace(moved, images=moved.images.clone())
    spoilt.images[0, :, true.cameras.width // 2 :] = 77  # the half that is judged says nothing of the pose
    again = posed_by_left_half(field, sampler, spoilt, 0, white)
    assert torch.equal(again.world_from_camera, found.world_from_camera)


def one_view(views: Views, number: int) -> Views:
    rows = slice(number, number + 1)
    return Views(views.cameras[rows], views.images[rows], views.ignored[rows], views.names[rows])
