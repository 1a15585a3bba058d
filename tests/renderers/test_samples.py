"""Packed samples, and the sampler that knows nothing of the scene."""

import math
from dataclasses import replace

import pytest
import torch
from omnifield.ops.ray_march import HORIZON
from omnifield.renderers import OccupancyConfig, Samples, UniformConfig
from omnifield.renderers.march import CONE
from omnifield.scenes import Domain

from .analytic import BOX, CUBE, UNBOUNDED, rays_around, rays_of, through_box, unasked


def some_samples() -> Samples:
    """Of four rays: 2, 0, 3 and 1."""
    t = torch.tensor([1.0, 2.0, 1.5, 2.5, 3.5, 9.0])
    return Samples(t, t / 10, torch.tensor([0, 0, 2, 2, 2, 3]), torch.tensor([0, 2, 2, 5, 6]))


def test_counts_and_length() -> None:
    assert some_samples().counts.tolist() == [2, 0, 3, 1] and len(some_samples()) == 6


def test_points_lie_on_their_rays() -> None:
    rays, samples = rays_around(4), some_samples()
    rays = replace(rays, time=torch.tensor([0.0, 0.1, 0.2, 0.3]))
    points = samples.points(rays)
    position = rays.origins[samples.ray] + samples.t[:, None] * rays.directions[samples.ray]
    torch.testing.assert_close(points.position, position)
    torch.testing.assert_close(points.direction, rays.directions[samples.ray])
    torch.testing.assert_close(points.footprint, 1e-3 * samples.t)
    torch.testing.assert_close(points.time, 0.1 * samples.ray)


@pytest.mark.parametrize("box", [BOX, CUBE], ids=["box", "cube"])
@pytest.mark.parametrize("steps", [7, 64, 500])
@pytest.mark.parametrize("seed", [None, 0])
def test_the_steps_of_a_ray_fill_its_chord(box: Domain, steps: int, seed: "int | None") -> None:
    rays = rays_around(300)
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    samples = UniformConfig(steps).build(box).sample(unasked, rays, generator)
    enter, leave = through_box(rays, box)
    length = torch.zeros(300).index_add(0, samples.ray, samples.dt)
    slack = (0.5 if seed is None else 1.0) * box.side / steps + 1e-5
    assert ((length - (leave - enter)).abs() <= slack).all()
    assert (samples.dt == samples.dt[0]).all() and samples.dt[0].item() == pytest.approx(box.side / steps)
    assert ((samples.t >= enter[samples.ray] - 1e-5) & (samples.t <= leave[samples.ray] + 1e-5)).all()
    inside = box.unit_from_world(samples.points(rays).position)
    assert (inside > -1e-4).all() and (inside < 1 + 1e-4).all()


def test_an_unbounded_scene_is_marched_to_its_horizon_in_growing_steps() -> None:
    rays = rays_of(torch.zeros(5, 3), torch.randn(5, 3, generator=torch.Generator().manual_seed(0)))
    samples = UniformConfig(64).build(UNBOUNDED).sample(unasked, rays, None)
    horizon = HORIZON * CUBE.side / 2
    length = torch.zeros(5).index_add(0, samples.ray, samples.dt)
    assert ((length / horizon - 1).abs() <= CONE).all() and samples.t.max() > (1 - 2 * CONE) * horizon
    fine = 2 * CUBE.side / 64  # near the camera: the box fills but half of the cube
    assert (samples.dt == (samples.t * CONE).clamp_min(fine)).all()
    assert (samples.t.diff()[samples.ray.diff() == 0] > 0).all()
    assert samples.counts.max() < 64 + math.log(HORIZON) / CONE


def test_a_far_that_is_near_ends_an_unbounded_march() -> None:
    rays = rays_of(torch.zeros(5, 3), torch.randn(5, 3, generator=torch.Generator().manual_seed(0)), far=7.0)
    samples = UniformConfig(64).build(UNBOUNDED).sample(unasked, rays, None)
    length = torch.zeros(5).index_add(0, samples.ray, samples.dt)
    assert samples.t.max() < 7 and ((length - 7).abs() <= 7 * CONE).all()


@pytest.mark.parametrize("domain", [CUBE, UNBOUNDED], ids=["box", "contraction"])
def test_jitter_is_anywhere_in_the_first_step_and_the_middle_without_it(domain: Domain) -> None:
    rays = rays_of(
        torch.tensor([[0.0, 0.0, -0.5]]).expand(2000, 3), torch.tensor([[0.0, 0.0, 1.0]]).expand(2000, 3)
    )
    sampler = UniformConfig(10).build(domain)
    middle = sampler.sample(unasked, rays, None)
    first = middle.offsets[:-1]
    assert (middle.t[first] == middle.t[0]).all() and middle.t[0].item() == pytest.approx(
        middle.dt[0].item() / 2
    )
    shaken = sampler.sample(unasked, rays, torch.Generator().manual_seed(0))
    place = shaken.t[shaken.offsets[:-1]] / shaken.dt[shaken.offsets[:-1]]
    assert place.min() >= 0 and place.max() <= 1
    assert place.histc(10, 0, 1).min() > 120  # of 200


@pytest.mark.parametrize("domain", [BOX, UNBOUNDED], ids=["box", "unbounded"])
def test_parts_of_the_samples_are_the_samples(domain: Domain) -> None:
    rays, grid = rays_around(40), OccupancyConfig().build(domain)
    for sampler in (UniformConfig(50).build(domain), grid, grid.longer(3.0)):
        whole = sampler.sample(unasked, rays, None)
        place, parts = torch.zeros(len(rays), dtype=torch.int32), []
        while (place >= 0).any():
            part, place = sampler.next(unasked, rays, place, 7)
            parts.append(part)
        ray = torch.cat([part.ray for part in parts])
        order = ray.argsort(stable=True)
        assert torch.equal(ray[order], whole.ray) and len(parts) > 1
        assert torch.equal(torch.cat([part.t for part in parts])[order], whole.t)
        assert torch.equal(torch.cat([part.dt for part in parts])[order], whole.dt)
