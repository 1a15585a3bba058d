"""Edits and crops are given in numbers, which are made on the CPU; the fields and rays they meet may be elsewhere."""

import copy
import dataclasses

import pytest
import torch
from omnifield.distill.combine import _placed
from omnifield.distill.edits import Cut, Frozen, Moved, Union
from omnifield.scenes import Box, Rays
from omnifield.scenes.rays import no_view
from omnifield.train import TrainedField
from omnifield.viewer.subject import Crop

from ..far_device import far_device
from ..fields.contract import answers, scattered, stirred
from .ball_scene import CUBE
from .test_edits import some_pose

SMALL = Box((-0.5, -0.5, -0.5), (0.5, 0.5, 0.5))


def test_the_far_device_refuses_what_a_gpu_does() -> None:
    with far_device() as device:
        there = torch.ones(3, 2).to(device)
        assert (there + 1).sum().item() == 12 and there.cpu().device.type == "cpu"
        for mixed in (lambda: there + torch.ones(3, 2), lambda: there @ torch.ones(2, 3)):
            with pytest.raises(RuntimeError, match="two devices"):
                mixed()


@pytest.mark.parametrize("kind", ["mlp", "hash"])
def test_edits_of_a_far_field_say_what_those_of_a_near_one_say(kind: str) -> None:
    points, pose = scattered(40, CUBE), some_pose()

    def edited(field) -> Union:
        moved = Moved(field, pose)
        return Union([Cut(moved, [SMALL], [Box((0.0, 0.0, 0.0), (0.2, 0.2, 0.2))]), Frozen(field, 0.5)])

    expected = answers(edited(stirred(kind, CUBE)), points)
    with far_device() as device:
        field = edited(stirred(kind, CUBE).to(device)).to(device)
        far = dataclasses.replace(points, **{name: x.to(device) for name, x in vars(points).items()})
        found = [answer.cpu() for answer in answers(field, far)]
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_a_far_teacher_is_put_elsewhere_with_its_cameras(teacher_ball: TrainedField) -> None:
    position = torch.rand(20, 3, generator=torch.Generator().manual_seed(0))
    _, near, near_cameras = _placed(teacher_ball, some_pose(), None)
    expected = near(position)
    with far_device() as device:
        far = dataclasses.replace(
            teacher_ball,
            sampler=copy.deepcopy(teacher_ball.sampler).to(device),
            cameras=(teacher_ball.cameras[0].to(device),),
        )
        _, contains, cameras = _placed(far, some_pose().to(device), 0.5)
        assert torch.equal(contains(position.to(device)).cpu(), expected)
        seen = cameras[0].world_from_camera.cpu()
    torch.testing.assert_close(seen, near_cameras[0].world_from_camera)


def test_a_crop_box_cuts_far_rays() -> None:
    crop = Crop(torch.tensor([0.1, 0.0, 0.0]), some_pose()[:3, :3], torch.tensor([1.0, 0.5, 2.0]))
    origins, directions = torch.randn(2, 30, 3, generator=torch.Generator().manual_seed(0))
    one = torch.ones(30)
    rays = Rays(
        origins=origins,
        directions=torch.nn.functional.normalize(directions, dim=-1),
        near=0.1 * one,
        far=9 * one,
        footprint=one,
        time=0 * one,
        view=no_view(len(one), "cpu"),
    )
    near = crop.apply(rays)
    with far_device() as device:
        far = crop.apply(rays.to(device))
        assert torch.equal(far.near.cpu(), near.near) and torch.equal(far.far.cpu(), near.far)
