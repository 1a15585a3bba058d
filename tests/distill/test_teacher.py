"""What a teacher is asked, and what it answers."""

import dataclasses
import math

import pytest
import torch
from omnifield.distill.interpolate import NEIGHBOURS
from omnifield.distill.teacher import HIDDEN, MISSES, OCCUPIED, SURFACE, PointLesson, RayLesson, Teacher
from omnifield.fields import Level
from omnifield.renderers import UniformConfig, VolumeRenderer
from omnifield.scenes import Lens, Rays
from omnifield.scenes.camera_groups import all_poses, rays_in_frame
from omnifield.scenes.rays import no_view
from omnifield.train import TrainedField

from .ball_scene import CUBE, RADIUS, BallConfig, ball, far_ball

COUNT = 4000


@pytest.fixture(scope="module")
def teacher(teacher_ball: TrainedField) -> Teacher:
    return Teacher(teacher_ball, torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def rays(teacher: Teacher) -> RayLesson:
    generator = torch.Generator().manual_seed(1)
    return teacher.ask_rays(teacher.random_cameras(COUNT, generator), generator)


@pytest.fixture(scope="module")
def points(teacher: Teacher, rays: RayLesson) -> PointLesson:
    return teacher.ask_points(COUNT, rays, torch.Generator().manual_seed(2))


@pytest.mark.parametrize(("views", "held_out"), [(1, [0]), (2, [1]), (5, [2]), (12, [6]), (40, [8, 24])])
def test_some_cameras_are_held_out_and_never_asked(views, held_out, generator) -> None:
    trained = ball()
    poses = trained.cameras[0].world_from_camera
    turned = torch.cat([poses, poses @ torch.diag(torch.tensor([-1.0, -1.0, 1.0, 1.0]))])[:views]
    each = torch.arange(views) % len(poses)
    trained = dataclasses.replace(
        trained, cameras=(dataclasses.replace(trained.cameras[0][each], world_from_camera=turned),)
    )
    teacher = Teacher(trained, generator)
    assert torch.equal(all_poses(teacher.held_out), turned[held_out])
    if views > 1:
        known = teacher.poses[: views - len(held_out)]
        rest = [view for view in range(views) if view not in held_out]
        assert torch.equal(known, turned[rest])
        for pose in turned[held_out]:
            for others in (teacher.cameras, teacher.choosing):
                assert (all_poses(others) - pose).abs().amax((1, 2)).min() > 1e-3
    if 1 < views < 40:  # of 40 two stand in each place, and there is nothing in between
        for pose in all_poses(teacher.choosing):
            assert (teacher.poses - pose).abs().amax((1, 2)).min() > 1e-4
    assert NEIGHBOURS > 1


def test_rays_are_the_teachers_pictures(teacher: Teacher, rays: RayLesson) -> None:
    seen = VolumeRenderer(teacher.trained.sampler).render_image(
        teacher.trained.field, rays.rays, torch.zeros(3)
    )
    # Which rays share a round decides how their sums are rounded.
    assert torch.allclose(seen.color, rays.color, atol=1e-5) and torch.allclose(
        seen.opacity, rays.opacity, atol=1e-5
    )
    starts = teacher.poses[rays.camera, :, 3]
    assert torch.equal(rays.rays.origins, starts)


def test_few_rays_meet_nothing(rays: RayLesson) -> None:
    missed = (rays.opacity == 0).float().mean()
    assert 0 < missed < 3 * MISSES and len(rays.camera) < COUNT


def test_points_lie_where_they_should(teacher: Teacher, points: PointLesson) -> None:
    position, space = points.points.position, teacher.space
    assert abs(len(position) - COUNT) <= 2
    surface, occupied = round(SURFACE * COUNT), round(OCCUPIED * COUNT)
    shell, empty = (COUNT - surface - occupied) // 2, (COUNT - surface - occupied + 1) // 2
    around = position[:surface].norm(dim=-1)
    assert (around - RADIUS).abs().median() < 4 * teacher.trained.sampler.grid.step
    inside, beside, far = position[surface:].split([occupied, shell, empty])
    contains = teacher.trained.sampler.contains
    assert contains(inside).all()
    assert space.is_near(beside).all() and not contains(beside).any()
    assert not space.is_near(far).any()
    assert (points.visible[:surface] == 1).all() and (points.visible[surface:] == HIDDEN).all()


def test_answers_are_the_fields_own_and_zero_outside_of_occupied_cells(teacher: Teacher, points) -> None:
    own = teacher.trained.field.levels(points.points, Level.COLOR)
    inside = teacher.trained.sampler.contains(points.points.position)
    assert torch.equal(points.color, own.color) and torch.equal(points.features, own.features)
    assert torch.equal(points.density[inside], own.density[inside])
    assert (points.density[~inside] == 0).all() and (own.density[~inside] > 0).any()


def test_points_are_seen_as_cameras_see_them(teacher: Teacher, generator) -> None:
    position = 0.5 * torch.randn(500, 3, generator=generator)
    seen, step = teacher.seen_from_somewhere(position, generator)
    away = seen.position[:, None] - teacher.poses[None, :, :, 3]
    distance = away.norm(dim=-1)
    aligned = ((away / distance[:, :, None]) * seen.direction[:, None]).sum(-1)
    camera = aligned.argmax(1)
    assert torch.allclose(aligned.amax(1), torch.ones(500), atol=1e-5)
    cone = teacher.cameras[0].cone_radius(camera, seen.direction)
    assert torch.allclose(seen.footprint, distance[torch.arange(500), camera] * cone)
    assert torch.allclose(seen.direction.norm(dim=-1), torch.ones(500), atol=1e-5)
    assert (step == teacher.trained.sampler.grid.step).all()  # a bounded scene has steps of one length


def test_steps_are_those_of_the_march_that_the_points_are_seen_in(generator) -> None:
    """Of a ray through each point its step there, from the place that it is seen from: long far away."""
    trained = far_ball()
    teacher = Teacher(trained, generator)
    rays = teacher.ask_rays(teacher.random_cameras(300, generator), generator)
    points = teacher.ask_points(300, rays, generator)
    away = points.points.position[:, None] - teacher.poses[None, :, :, 3]
    aligned = (away * points.points.direction[:, None]).sum(-1) / away.norm(dim=-1)
    distance = away.norm(dim=-1)[torch.arange(len(away)), aligned.argmax(1)]
    chosen = distance < trained.sampler.grid.horizon
    origins = points.points.position - distance[:, None] * points.points.direction
    count = len(distance)
    through = Rays(
        origins=origins,
        directions=points.points.direction,
        near=torch.full((count,), 1e-3),
        far=torch.full((count,), torch.inf),
        footprint=torch.zeros(count),
        time=torch.zeros(count),
        view=no_view(count, "cpu"),
    )
    march = (
        UniformConfig(trained.sampler.config.steps_per_side)
        .build(trained.field.domain)
        .sample(trained.field.density, through, None)
    )
    apart = (march.t - distance[march.ray]).abs()
    for ray in chosen.nonzero()[:, 0].tolist():
        own = slice(int(march.offsets[ray]), int(march.offsets[ray + 1]))
        nearest = apart[own].argmin()
        if apart[own][nearest] < march.dt[own][nearest]:
            assert points.step[ray].item() == pytest.approx(march.dt[own][nearest].item(), rel=0.05)
    assert points.step.max() > 20 * points.step.min()


def test_surface_points_are_in_front_of_their_cameras(points: PointLesson) -> None:
    surface = points.points[torch.arange(round(SURFACE * COUNT))]
    facing = (surface.position * surface.direction).sum(-1)
    assert (facing < 0.3).float().mean() > 0.95  # the near side of the ball


def test_moments_are_those_of_the_cameras(generator) -> None:
    trained = ball(BallConfig(radius=0.3, x=-0.5, speed=1.0))
    [cameras] = trained.cameras
    moments = torch.linspace(0, 1, len(cameras))
    trained = dataclasses.replace(trained, cameras=(dataclasses.replace(cameras, time=moments),))
    teacher = Teacher(trained, generator)
    rays = teacher.ask_rays(teacher.random_cameras(2000, generator), generator)
    points = teacher.ask_points(2000, rays, generator).points
    assert set(points.time.tolist()) <= set(moments.tolist()) and points.time.unique().numel() > 10
    middle = torch.stack([points.time - 0.5, torch.zeros(2000), torch.zeros(2000)], -1)[:1000]
    assert ((points.position[:1000] - middle).norm(dim=-1) - 0.3).abs().median() < 0.1


def test_a_teacher_that_no_ray_meets_still_has_points(teacher_ball: TrainedField, generator) -> None:
    [cameras] = teacher_ball.cameras
    poses = cameras.world_from_camera.clone()
    poses[:, :, [0, 2]] *= -1  # looking away
    away = dataclasses.replace(cameras, world_from_camera=poses)
    teacher = Teacher(dataclasses.replace(teacher_ball, cameras=(away,)), generator)
    rays = teacher.ask_rays(teacher.random_cameras(500, generator), generator)
    assert (rays.opacity == 0).all() and len(rays.camera) > 0
    points = teacher.ask_points(1000, rays, generator)
    assert len(points.points) == 1000 - round(SURFACE * 1000) and (points.visible == HIDDEN).all()
    assert math.isfinite(points.color.sum().item()) and teacher.space.domain == CUBE


def test_cameras_of_two_sizes_and_lenses_are_all_asked(generator) -> None:
    """Each ray through its own camera's picture and lens, each point as wide as its camera sees it."""
    trained = ball()
    [cameras] = trained.cameras
    fisheye = dataclasses.replace(cameras[8:].resized(48, 20), lens=Lens.FISHEYE)
    teacher = Teacher(dataclasses.replace(trained, cameras=(cameras[:8], fisheye)), generator)
    assert [each.lens for each in teacher.cameras] == [Lens.PERSPECTIVE, Lens.FISHEYE]
    first, count = len(teacher.cameras[0]), len(teacher.poses)
    camera = torch.arange(count).flip(0)
    x, y = torch.rand(2, count, generator=generator)
    rays = rays_in_frame(teacher.cameras, camera, x, y)
    for row, number in enumerate(camera.tolist()):
        group = teacher.cameras[number >= first]
        place = torch.tensor([number - first * (number >= first)])
        one = group.rays(place, x[row : row + 1] * group.width, y[row : row + 1] * group.height)
        assert torch.allclose(rays.directions[row], one.directions[0], atol=1e-6)
        assert torch.equal(rays.origins[row], one.origins[0])
        assert rays.footprint[row].item() == pytest.approx(one.footprint[0].item())
    asked = teacher.ask_rays(teacher.random_cameras(400, generator), generator)
    assert torch.equal(asked.rays.origins, teacher.poses[asked.camera, :, 3])
    assert (asked.camera < first).any() and (asked.camera >= first).any()
    assert len(teacher.ask_points(500, asked, generator).points) == 500
