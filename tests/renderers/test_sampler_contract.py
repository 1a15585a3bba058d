"""What every sampler keeps to, whichever it is: the tests of docs/examples/proposal_sampler.py run these as well."""

from dataclasses import replace

import pytest
import torch
from omnifield.ops.ray_march import HORIZON
from omnifield.renderers import (
    SAMPLER_CONFIGS,
    Moment,
    Sampler,
    Samples,
    VolumeRenderer,
    sampler_config,
    sampler_from_stored,
)
from omnifield.renderers.didactic import render_ray
from omnifield.scenes import Box, Domain, Rays
from torch import Tensor

from .analytic import BOX, UNBOUNDED, Ball, rays_around, through_box

SMALL = {"occupancy": ("resolution=16", "steps_per_side=64"), "uniform": ("steps_per_side=64",)}
DOMAINS = pytest.mark.parametrize("domain", [BOX, UNBOUNDED], ids=["box", "unbounded"])
KINDS = pytest.mark.parametrize("kind", SAMPLER_CONFIGS)


def ball(domain: Domain) -> Ball:
    return Ball(domain, 4.0, 0.4, (0.0, 0.0, 0.5))


def made(kind: str, domain: Domain) -> Sampler:
    """Not as it was built: after some steps of a training."""
    sampler, generator = sampler_config(kind, SMALL.get(kind, ())).build(domain), torch.Generator()
    with torch.no_grad():
        for parameter in sampler.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator.manual_seed(1)))
    sampler.begin(lambda resolution: torch.ones(resolution**3, dtype=torch.bool))
    for step in range(0, 200, 8):
        sampler.update(ball(domain).density, Moment(step, step / 200, 1 << 12), generator)
    return sampler


def sampled(sampler: Sampler, rays: Rays, seed: int | None = None) -> Samples:
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    return sampler.sample(ball(sampler.domain).density, rays, generator)


def same(one: Samples, other: Samples) -> bool:
    return all(torch.equal(a, b) for a, b in zip(vars(one).values(), vars(other).values(), strict=True))


@DOMAINS
@KINDS
def test_chance_comes_from_the_generator_alone(kind: str, domain: Domain) -> None:
    sampler, rays = made(kind, domain), rays_around(100)
    assert same(sampled(sampler, rays), sampled(sampler, rays)) and len(sampled(sampler, rays)) > 0
    assert same(sampled(sampler, rays, 1), sampled(sampler, rays, 1))
    assert not same(sampled(sampler, rays, 1), sampled(sampler, rays, 2))


@DOMAINS
@KINDS
@pytest.mark.parametrize("seed", [None, 3])
def test_samples_are_near_to_far_within_the_span_and_the_domain(
    kind: str, domain: Domain, seed: int | None
) -> None:
    rays, generator = rays_around(200), torch.Generator().manual_seed(0)
    near = 2 + torch.rand(200, generator=generator)
    rays = replace(rays, near=near, far=near + 1.5)
    sampler = made(kind, domain)
    samples = sampled(sampler, rays, seed)
    assert samples.offsets[0] == 0 and samples.offsets[-1] == len(samples) > 0
    assert torch.equal(samples.ray, torch.arange(200).repeat_interleave(samples.counts))
    assert (samples.t.diff()[samples.ray.diff() == 0] >= 0).all() and (samples.dt >= 0).all()
    assert (samples.t >= near[samples.ray] - 1e-5).all() and (samples.t <= rays.far[samples.ray] + 1e-5).all()
    assert sampler.contains(samples.points(rays).position).float().mean() > 0.998
    if isinstance(domain, Box):
        enter, leave = through_box(rays, domain)
        assert (samples.t >= enter[samples.ray] - 1e-5).all() and (
            samples.t <= leave[samples.ray] + 1e-5
        ).all()
    else:
        assert samples.t.max() <= HORIZON


@DOMAINS
@KINDS
def test_parts_are_the_whole(kind: str, domain: Domain) -> None:
    sampler, rays = made(kind, domain), rays_around(60)
    whole, density = sampled(sampler, rays), ball(domain).density
    place, parts = torch.zeros(len(rays), dtype=torch.int32), []
    while (place >= 0).any():
        part, place = sampler.next(density, rays, place, 7)
        assert len(part.counts) == len(rays)
        parts.append(part)
    assert len(sampler.next(density, rays, place, 7)[0]) == 0
    ray = torch.cat([part.ray for part in parts])
    order = ray.argsort(stable=True)
    assert torch.equal(ray[order], whole.ray)
    assert torch.equal(torch.cat([part.t for part in parts])[order], whole.t)
    assert torch.equal(torch.cat([part.dt for part in parts])[order], whole.dt)


@DOMAINS
@KINDS
def test_no_rays_have_no_samples(kind: str, domain: Domain) -> None:
    assert len(sampled(made(kind, domain), rays_around(3)[:0])) == 0


@DOMAINS
@KINDS
def test_chance_moves_a_sample_no_farther_than_its_step(kind: str, domain: Domain) -> None:
    sampler, rays = made(kind, domain), rays_around(50)
    still, shaken = sampled(sampler, rays), sampled(sampler, rays, 5)
    assert not torch.equal(still.t[:20], shaken.t[:20])
    for ray in range(len(rays)):
        mine, theirs = (slice(int(each.offsets[ray]), int(each.offsets[ray + 1])) for each in (shaken, still))
        assert abs(int(shaken.counts[ray] - still.counts[ray])) <= max(2, int(still.counts[ray]) // 5)
        if still.counts[ray]:
            apart = (shaken.t[mine, None] - still.t[None, theirs]).abs()
            assert (apart.amin(1) <= 1.05 * shaken.dt[mine]).all()


@DOMAINS
@KINDS
def test_steps_have_a_length_and_may_be_longer(kind: str, domain: Domain) -> None:
    sampler, rays, distance = made(kind, domain), rays_around(100), torch.linspace(0, 50, 100)
    steps = sampler.step_at(distance)
    assert steps.shape == distance.shape and (steps > 0).all() and (steps.diff() >= 0).all()
    longer = sampler.longer(3.0)
    assert len(sampled(longer, rays)) <= len(sampled(sampler, rays)) > 0
    assert same(sampled(sampler.longer(1.0), rays), sampled(sampler, rays))


@DOMAINS
@KINDS
def test_a_file_and_a_state_bring_it_back(kind: str, domain: Domain) -> None:
    sampler, rays = made(kind, domain), rays_around(100)
    viewed = sampler_from_stored(sampler.config, domain, sampler.stored_state())
    assert same(sampled(viewed, rays), sampled(sampler, rays)) and viewed.config == sampler.config
    everything = (*viewed.parameters(), *viewed.buffers())
    assert not any(tensor.is_meta for tensor in everything)
    resumed = type(sampler)(domain, sampler.config)  # pyright: ignore[reportCallIssue]
    state: dict[str, Tensor] = {name: tensor.clone() for name, tensor in sampler.state_dict().items()}
    resumed.check(state)
    resumed.load_state_dict(state)
    moment, generators = Moment(200, 0.5, 1 << 12), [torch.Generator().manual_seed(7) for _ in range(2)]
    for each, generator in zip((sampler, resumed), generators, strict=True):
        each.update(ball(domain).density, moment, generator)
    assert same(sampled(resumed, rays, 1), sampled(sampler, rays, 1))
    with pytest.raises(ValueError, match="stranger"):
        resumed.check({**state, "stranger": torch.zeros(1)})


@DOMAINS
@KINDS
def test_its_loss_teaches_its_parameters_and_not_the_field(kind: str, domain: Domain) -> None:
    sampler, rays = made(kind, domain), rays_around(100)
    weights = torch.rand(len(sampled(sampler, rays)), generator=torch.Generator().manual_seed(0))
    weights.requires_grad_(True)
    loss = sampler.loss(rays, sampled(sampler, rays), weights / 4)
    trained = [parameter for group in sampler.parameter_groups() for parameter in group.parameters]
    assert {id(each) for each in trained} == {id(each) for each in sampler.parameters()}
    assert loss.shape == () and loss.isfinite() and loss.requires_grad == bool(trained)
    if trained:
        loss.backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in trained)
    assert weights.grad is None


@KINDS
def test_pictures_are_those_of_the_twin_that_is_read(kind: str) -> None:
    field, sampler, rays = ball(BOX), made(kind, BOX), rays_around(20)
    background = torch.tensor([0.1, 0.2, 0.3])
    image = VolumeRenderer(sampler).render_image(field, rays, background)
    for ray in range(len(rays)):
        color, opacity = render_ray(field, rays[ray : ray + 1], sampler, background)
        torch.testing.assert_close(image.color[ray], color, rtol=0, atol=1e-4)
        assert image.opacity[ray].item() == pytest.approx(opacity, abs=1e-4)
