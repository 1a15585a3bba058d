"""Paths must show what the training cameras saw: upright, centred, and all around."""

import math

import pytest
import torch
from omnifield.export.paths import face_the_same_way, orbit, spiral, undistorted
from omnifield.scenes import Box, Contraction, pinhole

BOX = Box((-1.0, -2.0, 0.0), (3.0, 2.0, 4.0))
MIDDLE = torch.tensor([1.0, 0.0, 2.0])


def test_an_orbit_keeps_the_middle_of_the_box_in_the_middle_of_the_picture(trained, ring) -> None:
    cameras = orbit(trained(BOX, ring(MIDDLE, 3.0)), 8, (40, 30))
    for view in range(8):
        sensor, depth = cameras.project(view, MIDDLE[None])
        torch.testing.assert_close(sensor, torch.tensor([[20.0, 15.0]]), atol=1e-3, rtol=0)
        torch.testing.assert_close(depth, torch.tensor([3.0]), atol=1e-4, rtol=0)


def test_an_orbit_is_upright_and_goes_all_around_from_the_first_camera(trained, ring) -> None:
    known = ring(MIDDLE, 3.0)
    poses = orbit(trained(BOX, known), 90, (40, 30)).world_from_camera
    offset = poses[:, :, 3] - MIDDLE
    azimuth = torch.atan2(offset[:, 1], offset[:, 0])
    steps = (azimuth.roll(-1) - azimuth) % (2 * math.pi)
    torch.testing.assert_close(steps, torch.full((90,), 2 * math.pi / 90), atol=1e-4, rtol=0)
    torch.testing.assert_close(poses[0], known.world_from_camera[0], atol=1e-4, rtol=0)
    assert poses[:, 2, 0].abs().max() < 1e-6  # the horizon is level
    assert poses[:, 2, 1].min() > 0.5  # and the sky is above
    gram = poses[:, :, :3].transpose(1, 2) @ poses[:, :, :3]
    torch.testing.assert_close(gram, torch.eye(3).expand(90, 3, 3), atol=1e-5, rtol=0)
    assert (torch.linalg.det(poses[:, :, :3]) > 0).all()


def test_an_orbit_straight_from_above_is_no_exception(trained) -> None:
    down = torch.eye(3, 4).expand(3, 3, 4).clone()
    down[:, :, 3] = torch.tensor([[1.0, 0, 9], [1.0, 0, 8], [1.0, 0, 7]])
    cameras = orbit(trained(BOX, pinhole(down, (8, 8), 1.0, 0.1)), 4, (8, 8))
    assert cameras.world_from_camera.isfinite().all()
    torch.testing.assert_close(
        cameras.project(1, MIDDLE[None])[0], torch.tensor([[4.0, 4.0]]), atol=1e-3, rtol=0
    )


def test_photographs_are_orbited_around_what_they_look_at(trained, ring) -> None:
    target = torch.tensor([0.5, -0.25, 0.125])
    domain = Contraction((-4.0, -4.0, -4.0), (4.0, 4.0, 4.0))
    cameras = orbit(trained(domain, ring(target, 3.0)), 5, (40, 30))
    sensor, depth = cameras.project(3, target[None])
    torch.testing.assert_close(sensor, torch.tensor([[20.0, 15.0]]), atol=0.02, rtol=0)
    torch.testing.assert_close(depth, torch.tensor([3.0]), atol=0.01, rtol=0)


def test_photographs_of_what_is_all_around_are_turned_on_the_spot(trained, ring) -> None:
    domain = Contraction((-4.0, -4.0, -4.0), (4.0, 4.0, 4.0))
    outwards = ring(torch.zeros(3), -0.1)
    poses = orbit(trained(domain, outwards), 12, (40, 30)).world_from_camera
    middle = outwards.world_from_camera[:, :, 3].mean(0)
    torch.testing.assert_close(poses[:, :, 3], middle.expand(12, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(poses[:, :, :3], outwards.world_from_camera[:, :, :3], atol=1e-4, rtol=0)


@pytest.mark.parametrize("size", [(40, 30), (400, 300), (30, 90), (90, 30)])
def test_a_path_sees_at_least_as_much_as_the_training_cameras(trained, ring, size: tuple[int, int]) -> None:
    known = ring(MIDDLE, 3.0)
    cameras = orbit(trained(BOX, known), 1, size)
    reach = [cameras.width / cameras.focal[0, 0].item(), cameras.height / cameras.focal[0, 1].item()]
    before = [known.width / known.focal[0, 0].item(), known.height / known.focal[0, 1].item()]
    assert min(now / then for now, then in zip(reach, before, strict=True)) == pytest.approx(1, rel=1e-5)


def test_a_spiral_stays_among_the_cameras_and_looks_at_their_target(trained, wall) -> None:
    cameras = spiral(trained(BOX, wall), 60, (40, 30))
    position = cameras.world_from_camera[:, :, 3]
    assert position[:, 0].abs().max() == pytest.approx(1, abs=0.01)
    assert position[:, 2].abs().max() == pytest.approx(0.5, abs=0.01)
    assert position[:, 1].abs().max() < 0.1
    for view in (0, 17, 43):
        sensor, _ = cameras.project(view, torch.tensor([[0.0, 10.0, 0.0]]))
        torch.testing.assert_close(sensor, torch.tensor([[20.0, 15.0]]), atol=0.2, rtol=0)
    assert cameras.world_from_camera[:, 2, 1].min() > 0.99


def test_a_spiral_is_refused_where_cameras_look_everywhere(trained, ring, wall) -> None:
    assert face_the_same_way([wall]) and not face_the_same_way([ring(MIDDLE, 3.0)])
    with pytest.raises(ValueError, match=r"look the same way.*--path orbit"):
        spiral(trained(BOX, ring(MIDDLE, 3.0)), 10, (40, 30))


def test_resizing_keeps_the_vertical_field_of_view(wall) -> None:
    small = undistorted(wall, (100, 15))
    assert (small.width, small.height) == (100, 15)
    torch.testing.assert_close(small.focal, wall.focal / 2)
    torch.testing.assert_close(small.principal[0], torch.tensor([50.0, 7.5]))
