"""Edited fields against the field itself, asked elsewhere."""

import dataclasses

import pytest
import torch
from omnifield.distill.edits import Confined, Cut, Frozen, Moved, Union, around, bounded, moved_domain, turned
from omnifield.fields import Field, Points
from omnifield.fields.decoders import ColorDecoder
from omnifield.renderers import OccupancyConfig, UniformConfig, VolumeRenderer
from omnifield.scenes import Box, Contraction, Domain
from omnifield.scenes.crop import crop_between
from torch import Tensor

from ..fields.contract import answers, scattered, stirred
from .ball_scene import CUBE, BallConfig, NormalBall

AWAY = torch.tensor([0.7, -1.1, 0.4])
LEFT, RIGHT = Box((-1.0, -1.0, -1.0), (0.0, 1.0, 1.0)), Box((0.0, -1.0, -1.0), (1.0, 1.0, 1.0))


def some_pose(seed: int = 0) -> Tensor:
    """A turn and a shift."""
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(seed))).Q
    pose = torch.eye(4)
    pose[:3, :3] = turn * torch.linalg.det(turn)
    pose[:3, 3] = AWAY
    return pose


def put(points: Points, pose: Tensor) -> Points:
    turn = pose[:3, :3]
    return dataclasses.replace(
        points, position=points.position @ turn.T + pose[:3, 3], direction=points.direction @ turn.T
    )


def assert_same(one: Field, points: Points, other: Field, there: Points) -> None:
    for a, b in zip(answers(one, points), answers(other, there), strict=True):
        assert torch.allclose(a, b, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("kind", ["mlp", "mipvog", "cam of direction"])
def test_a_moved_field_says_there_what_it_said_here(kind) -> None:
    field, pose = stirred(kind, CUBE), some_pose()
    points = scattered(500, CUBE)
    moved = Moved(field, pose)
    assert moved.shading == field.shading
    assert_same(moved, put(points, pose), field, points)


def test_a_moved_field_looks_as_the_field_from_a_camera_moved_back(teacher_ball) -> None:
    pose = some_pose()
    moved = Moved(teacher_ball.field, pose)
    grid = UniformConfig().build(moved.domain), UniformConfig().build(CUBE)
    [cameras] = teacher_ball.cameras
    rays = cameras.pixel_rays(0, 2)
    there = dataclasses.replace(
        rays, origins=rays.origins @ pose[:3, :3].T + pose[:3, 3], directions=rays.directions @ pose[:3, :3].T
    )
    after = VolumeRenderer(grid[0]).render_image(moved, there, torch.zeros(3))
    before = VolumeRenderer(grid[1]).render_image(teacher_ball.field, rays, torch.zeros(3))
    assert before.opacity.max() > 0.99
    assert (after.color - before.color).abs().max() < 0.03  # steps begin elsewhere in another box
    assert (after.opacity - before.opacity).abs().mean() < 1e-3


@pytest.mark.parametrize("seed", range(4))
def test_a_turned_decoder_answers_as_the_decoder_to_the_turned_direction(seed, generator) -> None:
    torch.manual_seed(seed)
    decoder, rotation = ColorDecoder(5, 32, 2), some_pose(seed)[:3, :3]
    features = torch.randn(200, 5, generator=generator)
    directions = torch.nn.functional.normalize(torch.randn(200, 3, generator=generator), dim=-1)
    expected = decoder(features, directions @ rotation.T)
    assert torch.allclose(turned(decoder, rotation)(features, directions), expected, atol=1e-5)
    assert (decoder(features, directions) - expected).abs().max() > 0.01


def test_a_moved_field_has_the_turned_decoder() -> None:
    """So that a student may inherit it: with the moved field's features it gives the moved field's colours."""
    field, pose = stirred("hash", CUBE), some_pose()
    moved = Moved(field, pose)
    points = put(scattered(100, CUBE), pose)
    _, features, color = answers(moved, points)
    assert torch.allclose(moved.color_decoder(features, points.direction), color, atol=1e-4)


def test_a_frozen_field_stands_still() -> None:
    field = BallConfig(speed=0.8).build(CUBE)
    points = scattered(300, CUBE)
    frozen = Frozen(field, 0.25)
    assert field.follows_time and not frozen.follows_time
    then = dataclasses.replace(points, time=torch.full_like(points.time, 0.25))
    for a, b in zip(answers(frozen, points), answers(field, then), strict=True):
        assert torch.equal(a, b)


def test_a_cut_field_is_empty_outside_of_what_is_kept_and_inside_of_what_is_removed() -> None:
    field = stirred("hash", CUBE)
    low, high = Box((-0.8, -0.8, -0.8), (0.1, 0.2, 0.3)), Box((0.0, 0.0, 0.0), (0.9, 0.9, 0.9))
    hole = Box((-0.2, -0.2, -0.2), (0.1, 0.1, 0.5))
    points = scattered(4000, CUBE)
    (_, features, color), p = answers(field, points), points.position

    def inside(box: Box) -> Tensor:
        return torch.stack([(p[:, i] >= box.lo[i]) & (p[:, i] <= box.hi[i]) for i in range(3)]).all(0)

    for keep, remove, left in (
        ((low, high), (hole,), (inside(low) | inside(high)) & ~inside(hole)),
        ((low,), (), inside(low)),
        ((), (low, hole), ~(inside(low) | inside(hole))),
    ):
        cut = Cut(field, keep, remove)
        assert 0.05 < left.float().mean() < 0.95
        density, said, seen = answers(cut, points)
        assert torch.equal(density, field.density(points) * left)
        assert torch.equal(said, features) and torch.equal(seen, color)


def test_a_crop_may_be_turned() -> None:
    field, points = stirred("hash", CUBE), scattered(4000, CUBE)
    turn = torch.eye(4)
    turn[:2, :2] = torch.tensor([[0.6, -0.8], [0.8, 0.6]])
    crop = crop_between((-0.1, -0.5, -2.0), (0.6, 0.5, 2.0), turn)
    cut = Cut(field, (), (), crop)
    local = points.position @ turn[:3, :3]
    left = (local > torch.tensor([-0.1, -0.5, -2.0])).all(-1) & (local < torch.tensor([0.6, 0.5, 2.0])).all(
        -1
    )
    assert 0.05 < left.float().mean() < 0.95
    assert torch.equal(cut.density(points), field.density(points) * left)
    corners = torch.tensor([[x, y, 0.0] for x in (-0.1, 0.6) for y in (-0.5, 0.5)]) @ turn[:3, :3].T
    assert cut.domain.lo == pytest.approx((*corners.amin(0)[:2].tolist(), CUBE.lo[2]))
    assert cut.domain.hi == pytest.approx((*corners.amax(0)[:2].tolist(), CUBE.hi[2]))


def test_two_halves_united_are_the_whole() -> None:
    field = stirred("mlp", CUBE)
    union = Union([Cut(field, (), (LEFT,)), Cut(field, (), (RIGHT,))])
    points = scattered(1000, CUBE)
    (density, _, color), (whole, _, expected) = answers(union, points), answers(field, points)
    assert torch.allclose(density, whole)
    assert torch.allclose(color, expected, atol=1e-6)


def test_where_two_fields_are_their_colours_mix_by_their_densities() -> None:
    fields = [stirred("mlp", CUBE), stirred("voxel", CUBE), NormalBall(BallConfig(), CUBE)]
    points = scattered(500, CUBE)
    (density, features, color), alone = answers(Union(fields), points), [answers(f, points) for f in fields]
    assert features.shape[1] == sum(1 + field.feature_dim for field in fields)
    whole = sum(d for d, _, _ in alone)
    assert torch.allclose(density, whole, rtol=1e-5)
    assert torch.allclose(color, sum((d / whole)[:, None] * c for d, _, c in alone), atol=1e-5)


def test_a_confined_field_is_nothing_where_nobody_ever_looked() -> None:
    field, grid = stirred("mlp", CUBE), OccupancyConfig(8).build(CUBE)
    grid.set_occupied(torch.rand(512, generator=torch.Generator().manual_seed(0)) < 0.5)
    points = scattered(1000, CUBE)
    there = grid.contains(points.position)
    assert torch.equal(Confined(field, grid.contains).density(points), field.density(points) * there)


def test_united_fields_may_be_moved_frozen_and_deferred_ones(generator) -> None:
    """A renderer takes some rows of a probe: what is carried has to be theirs."""
    parts = [Moved(stirred("mipvog", CUBE), some_pose()), Frozen(stirred("cam of time", CUBE), 0.5)]
    union, points = Union(parts), scattered(400, CUBE)
    rows = torch.randperm(400, generator=generator)[:50].sort().values
    some = union.features(points[rows], union.probe(points).take(rows))
    assert torch.allclose(some, union.features(points, union.probe(points))[rows], atol=1e-5)


def test_domains_hold_all_that_is_in_them() -> None:
    pose, points = some_pose(), scattered(500, CUBE)
    there = put(points, pose).position
    domain = moved_domain(CUBE, pose)
    assert isinstance(domain, Box)
    lo, hi = domain.corners(there)
    assert ((there >= lo) & (there <= hi)).all()
    whole = around([domain, CUBE])
    assert all(a <= min(b, c) for a, b, c in zip(whole.lo, domain.lo, CUBE.lo, strict=True))
    assert isinstance(around([CUBE, Contraction(LEFT.lo, LEFT.hi)]), Contraction)


@pytest.mark.parametrize("domain", [CUBE, Contraction(CUBE.lo, CUBE.hi)], ids=["box", "contraction"])
def test_what_is_kept_is_the_domain(domain: Domain) -> None:
    assert bounded(domain, ()) is domain
    kept = bounded(
        domain, [Box((-0.5, -0.5, -0.5), (0.0, 0.0, 0.0)), Box((-0.2, -0.2, -0.2), (3.0, 0.5, 0.5))]
    )
    assert isinstance(kept, Box)
    assert kept.lo == (-0.5, -0.5, -0.5)
    assert kept.hi == ((1.0 if domain is CUBE else 3.0), 0.5, 0.5)
