"""The teacher after edits: where it is, from where it is looked at, and sentences for what cannot be done."""

import dataclasses
import math

import pytest
import torch
from omnifield.distill import Edits, combined
from omnifield.distill.edits import Moved
from omnifield.distill.space import cells_where
from omnifield.fields import Points
from omnifield.renderers import VolumeRenderer
from omnifield.scenes import Box, Contraction, Lens
from omnifield.scenes.camera_groups import all_times, any_moving, camera_count
from omnifield.train import TrainedField
from torch import Tensor

from ..fields.contract import scattered, stirred
from .ball_scene import CUBE, RADIUS, BallConfig, ball
from .test_edits import some_pose

SMALL = BallConfig(radius=0.3)


def seen(trained: TrainedField, view: int) -> Tensor:
    renderer = VolumeRenderer(trained.sampler)
    return renderer.render_image(trained.field, trained.cameras[0].pixel_rays(view), torch.ones(3)).color


def assert_covered(trained: TrainedField) -> None:
    """Whatever can be seen lies in an occupied cell, but for what those of the teachers left out."""
    points = scattered(20_000, trained.field.domain)
    missed = trained.field.density(points)[~trained.sampler.contains(points.position)]
    assert missed.max() < 0.2
    assert trained.sampler.occupied.float().mean() < 0.6


def test_one_field_without_edits_is_itself(teacher_ball) -> None:
    assert combined([teacher_ball], Edits()) is teacher_ball
    assert combined([teacher_ball], Edits(world_from_field=(torch.eye(4),))) is teacher_ball


def test_a_moved_teacher_looks_the_same_from_its_own_cameras(teacher_ball) -> None:
    there = combined([teacher_ball], Edits(world_from_field=(some_pose(),)))
    assert isinstance(there.field.domain, Box) and there.field.domain != CUBE
    assert_covered(there)
    for view in (0, 7):
        difference = (seen(there, view) - seen(teacher_ball, view)).square().mean()
        assert -10 * math.log10(difference) > 32


def test_two_balls_are_looked_at_from_the_cameras_of_both() -> None:
    away = torch.eye(4)
    away[0, 3] = 1.5
    both = combined([ball(SMALL), ball(SMALL)], Edits(world_from_field=(torch.eye(4), away)))
    assert camera_count(both.cameras) == 40
    assert_covered(both)
    middles = torch.tensor([[0.0, 0.0, 0.0], [1.5, 0.0, 0.0], [0.75, 0.0, 0.0]])
    points = Points(position=middles, direction=torch.eye(3), footprint=torch.zeros(3), time=torch.zeros(3))
    density = both.field.density(points)
    assert (density[:2] > 50).all() and density[2] < 0.1


def test_a_field_is_not_looked_for_where_only_the_other_one_is(teacher_ball) -> None:
    """What nobody taught it there, fog here, is not to come to light."""
    fog = dataclasses.replace(ball(BallConfig(x=0.5, radius=0.2)), field=stirred("mlp", CUBE))
    both = combined([teacher_ball, fog], Edits())
    points = scattered(20_000, CUBE)
    only_ball = teacher_ball.sampler.contains(points.position) & ~fog.sampler.contains(points.position)
    expected = teacher_ball.field.density(points)[only_ball]
    assert torch.equal(both.field.density(points)[only_ball], expected)


def test_boxes_are_cut_and_an_unbounded_scene_is_bounded_by_what_is_kept() -> None:
    unbounded = ball(domain=Contraction(CUBE.lo, CUBE.hi))
    half = Box((-0.9, -0.9, 0.0), (0.9, 0.9, 0.9))
    kept = combined([unbounded], Edits(keep=(half,)))
    assert kept.field.domain == half and kept.sampler.domain == half
    assert_covered(kept)
    rest = combined([unbounded], Edits(remove=(half,)))
    assert isinstance(rest.field.domain, Contraction)
    below, above = torch.tensor([[0.0, 0.0, -0.3]]), torch.tensor([[0.0, 0.0, 0.3]])
    assert rest.sampler.contains(below) and not rest.sampler.contains(above)
    assert kept.sampler.contains(above) and not kept.sampler.contains(below)


def test_a_moment_of_a_moving_ball_is_where_the_ball_is_then() -> None:
    moving = ball(BallConfig(radius=0.3, x=-0.5, speed=1.0))
    still = combined([moving], Edits(time=0.9))
    assert not still.field.follows_time and not any_moving(still.cameras)
    assert all_times(still.cameras).tolist() == pytest.approx([0.9] * 20)
    place, zero = torch.tensor([[0.4, 0.0, 0.0]]), torch.zeros(1)
    there = Points(position=place, direction=torch.eye(3)[:1], footprint=zero, time=zero)
    assert still.field.density(there) > 50


def test_cells_are_occupied_where_their_middle_or_a_corner_is() -> None:
    size, middle = 128, torch.tensor([0.1, -0.2, 0.3])

    def in_ball(position: Tensor) -> Tensor:
        return (position - middle).norm(dim=-1) < RADIUS

    grid = cells_where(CUBE, in_ball, torch.device("cpu"))
    assert grid.resolution == size
    points = scattered(50_000, CUBE).position
    distance = (points - middle).norm(dim=-1)
    diagonal = math.sqrt(3) * 2 / size
    assert grid.contains(points[distance < RADIUS - 1e-3]).float().mean() > 0.9999
    assert not grid.contains(points[distance > RADIUS + diagonal]).any()


def test_cameras_of_another_size_and_lens_stay_what_they_are(teacher_ball) -> None:
    [one] = teacher_ball.cameras
    fisheye = dataclasses.replace(one.resized(64, 48), lens=Lens.FISHEYE, near=0.05)
    other = dataclasses.replace(teacher_ball, cameras=(fisheye,))
    both = combined([teacher_ball, other], Edits())
    assert both.cameras == (one, fisheye)


def shifted(scale: float = 1.0, mirrored: bool = False) -> Tensor:
    pose = torch.eye(4)
    pose[0, 0] = -1 if mirrored else 1
    pose[:3, :3] *= scale
    return pose


FAR, BIG = Box((2.0, 2.0, 2.0), (3.0, 3.0, 3.0)), Box((-2.0, -2.0, -2.0), (2.0, 2.0, 2.0))


@pytest.mark.parametrize(
    ("edits", "sentence"),
    [
        (Edits(world_from_field=(shifted(1.1),)), "must be rigid: turned and shifted"),
        (Edits(world_from_field=(shifted(mirrored=True),)), "must be rigid"),
        (Edits(world_from_field=(torch.eye(4),) * 2), "There are 1 fields to convert, but 2 transforms"),
        (Edits(keep=(FAR,)), r"The box to keep, .*lies outside the scene, which reaches from"),
        (Edits(remove=(FAR,)), r"The box to remove, from \(2.0, 2.0, 2.0\).*lies outside the scene"),
        (Edits(remove=(BIG,)), "There is nothing to convert: .* the boxes leave nothing of it"),
        (Edits(keep=(Box((0.8, 0.8, 0.8), (0.9, 0.9, 0.9)),)), "There is nothing to convert"),
        (Edits(time=1.5), r"The moment of a scene is from 0 to 1, not 1\.5"),
    ],
)
def test_what_cannot_be_done_is_said(teacher_ball, edits, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        combined([teacher_ball], edits)


def test_an_empty_field_is_said_to_be_empty() -> None:
    nothing = ball()
    nothing.sampler.bits.zero_()
    with pytest.raises(ValueError, match="There is nothing to convert: no cell of the field is occupied"):
        combined([nothing], Edits())


def test_moved_fields_know_the_way_back() -> None:
    moved = Moved(stirred("mlp", CUBE), some_pose())
    assert torch.allclose(moved.field_from_world @ some_pose(), torch.eye(4), atol=1e-6)
