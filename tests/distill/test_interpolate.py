"""Cameras between cameras."""

import dataclasses

import torch
from omnifield.distill.interpolate import NEIGHBOURS, rotation, with_cameras_between

from ..train.sphere_scene import around


def test_real_cameras_come_first_as_they_were(generator) -> None:
    cameras = dataclasses.replace(around(20, 16, 0.1), time=torch.linspace(0, 1, 20))
    more = with_cameras_between(cameras, 50, generator)
    assert len(more) == 70
    for name in ("world_from_camera", "focal", "principal", "distortion", "time"):
        assert torch.equal(getattr(more[:20], name), getattr(cameras, name))
    assert set(more.time.tolist()) == set(cameras.time.tolist())


def test_others_are_between_one_and_a_neighbour_of_it(generator) -> None:
    cameras = around(20, 16, 0.1)
    places = cameras.world_from_camera[:, :, 3]
    apart = torch.cdist(places, places)
    near = apart.topk(NEIGHBOURS + 1, largest=False).indices[:, 1:]
    for place in with_cameras_between(cameras, 60, generator)[20:].world_from_camera[:, :, 3]:
        detours = [
            (place - places[a]).norm() + (place - places[b]).norm() - apart[a, b]
            for a in range(20)
            for b in near[a].tolist()
        ]
        assert abs(min(detours)) < 1e-5


def test_others_are_turned_as_far_as_they_are_moved(generator) -> None:
    pair = around(20, 16, 0.0)[torch.tensor([3, 8])]
    between = with_cameras_between(pair, 100, generator)[2:].world_from_camera
    turns = between[:, :, :3]
    assert torch.allclose(turns @ turns.mT, torch.eye(3).expand(100, 3, 3), atol=1e-5)
    assert torch.allclose(torch.linalg.det(turns), torch.ones(100), atol=1e-5)
    share = (between[:, :, 3] - pair.world_from_camera[0, :, 3]).norm(dim=-1)
    angle = (turns[:, :, 2] * pair.world_from_camera[0, :, 2]).sum(-1).clamp(-1, 1).acos()
    order = share.argsort()
    assert (angle[order].diff() > -1e-3).all()


def test_the_nearest_rotation_is_the_matrix_itself_if_it_is_one(generator) -> None:
    turns = torch.linalg.qr(torch.randn(50, 3, 3, generator=generator)).Q
    turns = turns * torch.linalg.det(turns)[:, None, None]
    assert torch.allclose(rotation(turns), turns, atol=1e-5)
    assert torch.allclose(rotation(1.7 * turns), turns, atol=1e-5)
    mirrored = turns * torch.tensor([1.0, 1.0, -0.2])
    assert (torch.linalg.det(rotation(mirrored)) > 0.99).all()


def test_one_camera_stays_alone(generator) -> None:
    assert len(with_cameras_between(around(1, 16, 0.0), 10, generator)) == 1
