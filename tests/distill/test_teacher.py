"""What a teacher is asked, and what it answers."""

import dataclasses
import math

import pytest
import torch
from omnifield.distill.interpolate import NEIGHBOURS
from omnifield.distill.teacher import HIDDEN, MISSES, OCCUPIED, SURFACE, PointLesson, RayLesson, Teacher
from omnifield.fields import Level
from omnifield.renderers import UniformSampler, VolumeRenderer
from omnifield.scenes import Rays
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
    poses = trained.cameras.world_from_camera
    turned = torch.cat([poses, poses @ torch.diag(torch.tensor([-1.0, -1.0, 1.0, 1.0]))])[:views]
    each = torch.arange(views) % len(poses)
    trained = dataclasses.replace(
        trained, cameras=dataclasses.replace(trained.cameras[each], world_from_camera=turned)
    )
    teacher = Teacher(trained, generator)
    assert torch.equal(teacher.held_out.world_from_camera, turned[held_out])
    if views > 1:
        known = teacher.cameras.world_from_camera[: views - len(held_out)]
        rest = [view for view in range(views) if view not in held_out]
        assert torch.equal(known, turned[rest])
        for pose in turned[held_out]:
            for others in (teacher.cameras, teacher.choosing):
                assert (others.world_from_camera - pose).abs().amax((1, 2)).min() > 1e-3
    if 1 < views < 40:  # of 40 two stand in each place, and there is nothing in between
        for pose in teacher.choosing.world_from_camera:
            assert (teacher.cameras.world_from_camera - pose).abs().amax((1, 2)).min() > 1e-4
    assert NEIGHBOURS > 1


def test_rays_are_the_teachers_pictures(teacher: Teacher, rays: RayLesson) -> None:
    seen = VolumeRenderer(teacher.trained.sampler).render_image(
        teacher.trained.field, rays.rays, torch.zeros(3)
    )
    assert torch.equal(seen.color, rays.color) and torch.equal(seen.opacity, rays.opacity)
    starts = teacher.cameras.world_from_camera[rays.camera, :, 3]
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
    away = seen.position[:, None] - teacher.cameras.world_from_camera[None, :, :, 3]
    distance = away.norm(dim=-1)
    aligned = ((away / distance[:, :, None]) * seen.direction[:, None]).sum(-1)
    camera = aligned.argmax(1)
    assert torch.allclose(aligned.amax(1), torch.ones(500), atol=1e-5)
    cone = teacher.cameras.cone_radius(camera, seen.direction)
    assert torch.allclose(seen.footprint, distance[torch.arange(500), camera] * cone)
    assert torch.allclose(seen.direction.norm(dim=-1), torch.ones(500), atol=1e-5)
    assert (step == teacher.grid.step).all()  # a bounded scene has steps of one length


def test_steps_are_those_of_the_march_that_the_points_are_seen_in(generator) -> None:
    """Of a ray through each point its step there, from the place that it is seen from: long far away."""
    trained = far_ball()
    teacher = Teacher(trained, generator)
    rays = teacher.ask_rays(teacher.random_cameras(300, generator), generator)
    points = teacher.ask_points(300, rays, generator)
    away = points.points.position[:, None] - teacher.cameras.world_from_camera[None, :, :, 3]
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
    )
    march = UniformSampler(trained.field.domain, trained.sampler.steps_per_side).sample(through, None)
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
    moments = torch.linspace(0, 1, len(trained.cameras))
    trained = dataclasses.replace(trained, cameras=dataclasses.replace(trained.cameras, time=moments))
    teacher = Teacher(trained, generator)
    rays = teacher.ask_rays(teacher.random_cameras(2000, generator), generator)
    points = teacher.ask_points(2000, rays, generator).points
    assert set(points.time.tolist()) <= set(moments.tolist()) and points.time.unique().numel() > 10
    middle = torch.stack([points.time - 0.5, torch.zeros(2000), torch.zeros(2000)], -1)[:1000]
    assert ((points.position[:1000] - middle).norm(dim=-1) - 0.3).abs().median() < 0.1


def test_a_teacher_that_no_ray_meets_still_has_points(teacher_ball: TrainedField, generator) -> None:
    poses = teacher_ball.cameras.world_from_camera.clone()
    poses[:, :, [0, 2]] *= -1  # looking away
    away = dataclasses.replace(teacher_ball.cameras, world_from_camera=poses)
    teacher = Teacher(dataclasses.replace(teacher_ball, cameras=away), generator)
    rays = teacher.ask_rays(teacher.random_cameras(500, generator), generator)
    assert (rays.opacity == 0).all() and len(rays.camera) > 0
    points = teacher.ask_points(1000, rays, generator)
    assert len(points.points) == 1000 - round(SURFACE * 1000) and (points.visible == HIDDEN).all()
    assert math.isfinite(points.color.sum().item()) and teacher.space.domain == CUBE
