"""Pictures known in closed form, the didactic twin, and what the renderer may leave out."""

import copy
from dataclasses import replace

import pytest
import torch
from omnifield.fields import Field, Points, Probe, field_config
from omnifield.ops import STOP
from omnifield.renderers import Rendering, UniformConfig, UniformSampler, VolumeRenderer
from omnifield.renderers.didactic import render_ray
from omnifield.renderers.uniform import CONE
from omnifield.renderers.volume import VISIBLE
from omnifield.scenes import Domain, Rays
from torch import Tensor

from .analytic import (
    BOX,
    COLOR,
    CUBE,
    UNBOUNDED,
    Ball,
    rays_around,
    rays_of,
    stirred,
    through_ball,
    through_box,
)

STEPS = 256
DENSITIES = pytest.mark.parametrize("sigma", [0.3, 2.0, 15.0, 300.0])


def render(field: Field, rays: Rays, background: Tensor, steps: int = STEPS) -> Rendering:
    return VolumeRenderer(UniformConfig(steps).build(field.domain)).render(field, rays, background)


def backgrounds(count: int) -> Tensor:
    return torch.rand(count, 3, generator=torch.Generator().manual_seed(7))


def assert_homogeneous(field: Ball, rays: Rays, enter: Tensor, leave: Tensor, places: float) -> None:
    """Between two distances of constant density: opacity, mean distance and colour in closed form.

    A march knows where its medium begins and ends to within `places` steps.
    """
    step, background = field.domain.side / STEPS, backgrounds(len(rays))
    rendering = render(field, rays, background)
    depth = field.sigma * (leave - enter)
    opacity = -torch.expm1(-depth)
    slack = -torch.expm1(torch.as_tensor(-field.sigma * step * places)) * torch.exp(-depth) + 2e-4
    assert ((rendering.opacity - opacity).abs() <= slack).all()

    seen = opacity > 0.02
    assert seen.sum() > len(rays) / 4
    expected = enter + 1 / field.sigma - (leave - enter) * torch.exp(-depth) / opacity
    assert ((rendering.depth - expected).abs()[seen] <= step * (places + 0.5)).all()
    assert rendering.depth[opacity == 0].isinf().all()

    closed = opacity[:, None] * torch.tensor(COLOR) + (1 - opacity)[:, None] * background
    assert ((rendering.color - closed).abs().amax(-1) <= slack).all()


@DENSITIES
def test_fog_in_a_box_follows_from_its_chords(sigma: float) -> None:
    rays = rays_around(300)
    assert_homogeneous(Ball(BOX, sigma), rays, *through_box(rays, BOX), places=0.5)


@DENSITIES
def test_a_ball_follows_from_its_chords(sigma: float) -> None:
    field, rays = Ball(CUBE, sigma, radius=0.7, middle=(0.1, 0.0, -0.2)), rays_around(300)
    assert_homogeneous(field, rays, *through_ball(rays, field), places=1)


def test_a_ball_in_an_unbounded_scene_follows_from_its_chords() -> None:
    """To within the length of the steps there, which grow with the distance."""
    field, rays = Ball(UNBOUNDED, 2.0, radius=0.7), rays_around(300)
    enter, leave = through_ball(rays, field)
    rendering = render(field, rays, torch.zeros(300, 3))
    depth, slack = 2 * (leave - enter), 2 * CONE * leave
    assert ((rendering.opacity + torch.expm1(-depth)).abs() <= slack * torch.exp(slack - depth)).all()
    assert rendering.opacity[depth == 0].max() == 0


def test_a_ray_that_starts_inside_sees_what_is_before_it() -> None:
    rays = rays_of(torch.zeros(2, 3), torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0]]))
    opacity = render(Ball(CUBE, 1.0), rays, torch.zeros(2, 3)).opacity
    torch.testing.assert_close(opacity, torch.full((2,), 1 - torch.e**-1), rtol=0, atol=1e-5)


def test_near_and_far_are_respected() -> None:
    rays = rays_of(torch.tensor([[0.0, 0.0, -1.0]]), torch.tensor([[0.0, 0.0, 1.0]]), far=1.5)
    near = replace(rays, near=torch.tensor([0.25]))
    opacity = render(Ball(CUBE, 1.0), near, torch.zeros(1, 3)).opacity
    assert opacity.item() == pytest.approx(1 - torch.e**-1.25, abs=1e-5)


def test_a_ray_past_the_box_sees_the_background_and_nothing_else() -> None:
    rays, background = rays_around(50), backgrounds(50)
    past = replace(rays, directions=-rays.directions)
    rendering = render(Ball(CUBE, 5.0), past, background)
    assert torch.equal(rendering.color, background)
    assert not rendering.opacity.any() and rendering.depth.isinf().all() and not rendering.samples.any()


def test_in_an_empty_scene_every_ray_sees_its_background() -> None:
    rays, background = rays_around(50), backgrounds(50)
    for domain in (CUBE, UNBOUNDED):
        rendering = render(Ball(domain, 0.0), rays, background)
        assert torch.equal(rendering.color, background) and rendering.depth.isinf().all()
        assert rendering.samples.any()


@pytest.mark.parametrize("domain", [CUBE, UNBOUNDED], ids=["box", "contraction"])
def test_no_rays(domain: Domain) -> None:
    field, none = field_config("mlp", "tiny").build(domain), rays_around(0)
    renderer = VolumeRenderer(UniformConfig(16).build(domain))
    rendering = renderer.render(field, none, torch.zeros(0, 3), torch.Generator())
    image = renderer.render_image(field, none, torch.zeros(3))
    for each in (rendering, image):
        assert each.color.shape == (0, 3)
        assert each.opacity.shape == each.depth.shape == each.samples.shape == (0,)
    rendering.color.sum().backward()


@pytest.mark.parametrize(("tag", "denser"), [("hash", 3.0), ("mlp", 3.0), ("mipvog", 3000.0)])
@pytest.mark.parametrize("domain", [CUBE, UNBOUNDED], ids=["box", "contraction"])
@pytest.mark.parametrize("visible", [0.0, VISIBLE, 0.1, 0.9])
def test_the_renderer_is_its_didactic_twin(
    tag: str, denser: float, domain: Domain, visible: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where colours are made once per pixel, and where many samples are too faint to be asked."""
    monkeypatch.setattr("omnifield.renderers.didactic.VISIBLE", visible)
    field, sampler = stirred(tag, domain, seed=3, denser=denser), UniformConfig(24).build(domain)
    rays, background = rays_around(10), torch.tensor([0.2, 0.9, 0.4])
    rays = replace(rays, far=torch.full((10,), 8.0))
    renderer = VolumeRenderer(sampler, visible=visible)
    rendering = renderer.render(field, rays, background.expand(10, 3))
    image = renderer.render_image(field, rays, background)
    for i in range(10):
        color, opacity = render_ray(field, rays[i : i + 1], sampler, background)
        torch.testing.assert_close(rendering.color[i], color, rtol=0, atol=2e-5)
        torch.testing.assert_close(image.color[i], color, rtol=0, atol=1e-4)
        assert rendering.opacity[i].item() == pytest.approx(opacity, abs=2e-5)
    assert rendering.opacity.max() > 0.9 and rendering.color.std(0).max() > 0.02


def test_a_pixel_of_one_opaque_sample_has_the_samples_own_colour() -> None:
    """Deferred or not; and at the edge of an object, as much of the object's colour as there is of the object."""

    class Deferred(Ball):
        shading = "pixel"

        def color(self, features: Tensor, points: Points) -> Tensor:
            return features.square()

    rays, background = rays_around(300), backgrounds(300)
    rendering = render(Deferred(CUBE, 2.0, radius=0.7), rays, background)
    color = (
        rendering.opacity[:, None] * torch.tensor(COLOR).square()
        + (1 - rendering.opacity)[:, None] * background
    )
    torch.testing.assert_close(rendering.color, color, rtol=0, atol=3e-3)
    assert 0.05 < rendering.opacity.mean() < 0.95


def picture_and_gradients(field: Field, rays: Rays) -> tuple[Rendering, list[Tensor]]:
    rendering = render(field, rays, backgrounds(len(rays)))
    weight = torch.linspace(0.5, 1.5, len(rays))
    loss = ((rendering.color.square().sum(-1) + rendering.opacity) * weight).sum()
    return rendering, list(torch.autograd.grad(loss, list(field.parameters()), allow_unused=True))


@pytest.mark.parametrize("tag", ["hash", "mlp"])
@pytest.mark.parametrize("denser", [1.0, 30.0, 3000.0])
def test_what_is_behind_opaque_matter_has_neither_weight_nor_gradient(
    tag: str, denser: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    field, rays = stirred(tag, CUBE, 5, denser), rays_around(200)
    quick, quick_gradients = picture_and_gradients(field, rays)
    monkeypatch.setattr("omnifield.renderers.opaque.FIRST_ROUND", 1 << 30)
    whole, gradients = picture_and_gradients(field, rays)
    for name in ("color", "opacity", "depth"):
        torch.testing.assert_close(getattr(quick, name), getattr(whole, name), rtol=1e-5, atol=1e-5)
    for ours, theirs in zip(quick_gradients, gradients, strict=True):
        largest = theirs.abs().max().item()
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5 * largest)
    assert (quick.samples <= whole.samples).all()
    if denser > 1:
        assert quick.samples.sum() < 0.9 * whole.samples.sum()


def test_a_solid_scene_is_asked_no_deeper_than_one_can_see() -> None:
    field, rays = Ball(CUBE, 1e4, radius=0.9), rays_around(500, aim=0.2)
    rendering = render(field, rays, backgrounds(500))
    assert rendering.opacity.min() > 0.999
    assert field.asked == rendering.samples.sum()
    assert (
        rendering.samples.max() <= 4 + 8 + 16 + 32 + 64
    )  # the surface is within the first fifth of 256 steps or so


def test_a_field_that_breaks_down_is_seen_to(monkeypatch: pytest.MonkeyPatch) -> None:
    field = Ball(CUBE, float("nan"), radius=0.5)
    rays = rays_of(
        torch.tensor([[0.0, 0.0, -3.0], [0.9, 0.9, -3.0]]), torch.tensor([[0.0, 0.0, 1.0]]).expand(2, 3)
    )
    color = render(field, rays, torch.zeros(2, 3)).color
    assert color[0].isnan().all() and torch.equal(color[1], torch.zeros(3))


def test_gradients_are_those_of_the_integral() -> None:
    """The slope of a pixel of fog with respect to its density and colour, in closed form."""
    sigma, color = torch.tensor(0.8, requires_grad=True), torch.tensor(0.6, requires_grad=True)

    class Fog(Ball):
        def probe(self, points: Points) -> Probe:
            return Probe(sigma.expand(len(points)), points.position)

        def color(self, features: Tensor, points: Points) -> Tensor:
            return color.expand(len(points), 3)

    rays = rays_of(torch.tensor([[0.0, 0.0, -3.0]]), torch.tensor([[0.0, 0.0, 1.0]]))
    render(Fog(CUBE, 0.0), rays, torch.full((1, 3), 0.1)).color[0, 0].backward()
    transmittance = torch.e ** (-2 * 0.8)
    assert sigma.grad.item() == pytest.approx(2 * transmittance * (0.6 - 0.1), rel=1e-3)
    assert color.grad.item() == pytest.approx(1 - transmittance, rel=1e-3)


def test_a_picture_in_pieces_is_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnifield.renderers.front_to_back.SAMPLES_ON_CPU", 1 << 14)
    field, rays, background = stirred("hash", CUBE, 1), rays_around(6000), torch.tensor([0.1, 0.2, 0.3])
    pieces: list[int] = []

    class Counting(UniformSampler):
        def next(self, density, rays, place, most):
            pieces.append(int((place == 0).sum()))  # that begin
            return super().next(density, rays, place, most)

    image = VolumeRenderer(Counting(CUBE, UniformConfig(32))).render_image(field, rays, background)
    assert len(pieces) > 3 and sum(pieces) == 6000 and max(pieces[2:]) < 3000
    whole = VolumeRenderer(UniformConfig(32).build(CUBE)).render(field, rays, background.expand(6000, 3))
    for name in ("color", "opacity", "depth"):
        torch.testing.assert_close(getattr(image, name), getattr(whole, name).detach(), rtol=1e-5, atol=1e-6)
        assert not getattr(image, name).requires_grad
    assert image.samples.sum() <= whole.samples.sum()


@pytest.mark.parametrize("tag", ["hash", "mipvog"])
@pytest.mark.parametrize("denser", [1.0, 30.0, 3000.0])
def test_a_picture_is_composited_front_to_back_as_if_all_at_once(tag: str, denser: float) -> None:
    """For both kinds of shading; behind matter there may be as much as `STOP` of a difference."""
    field, rays, background = stirred(tag, CUBE, 4, denser), rays_around(300), torch.tensor([0.1, 0.2, 0.3])
    image = VolumeRenderer(UniformConfig(200).build(CUBE)).render_image(field, rays, background)
    whole = render(field, rays, background.expand(300, 3), steps=200)
    torch.testing.assert_close(image.opacity, whole.opacity.detach(), rtol=0, atol=2 * STOP)
    torch.testing.assert_close(image.color, whole.color.detach(), rtol=0, atol=20 * VISIBLE)
    seen = whole.opacity > 0.1
    torch.testing.assert_close(image.depth[seen], whole.depth[seen].detach(), rtol=0, atol=5e-3)
    assert (image.samples <= UniformConfig(200).build(CUBE).sample(field.density, rays, None).counts).all()


def test_jitter_comes_from_the_generator_alone() -> None:
    field, rays, background = stirred("mlp", CUBE, 2), rays_around(50), backgrounds(50)
    renderer = VolumeRenderer(UniformConfig(16).build(CUBE))

    def color(seed: "int | None") -> Tensor:
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        return renderer.render(field, rays, background, generator).color

    assert torch.equal(color(None), color(None)) and torch.equal(color(1), color(1))
    assert not torch.equal(color(1), color(2)) and not torch.equal(color(1), color(None))


def test_the_field_is_left_as_it_was() -> None:
    field = stirred("hash", CUBE, 2)
    before = copy.deepcopy(field.state_dict())
    VolumeRenderer(UniformConfig(16).build(CUBE)).render_image(field, rays_around(50), torch.ones(3))
    assert all(torch.equal(before[name], tensor) for name, tensor in field.state_dict().items())
    assert all(parameter.grad is None for parameter in field.parameters())
