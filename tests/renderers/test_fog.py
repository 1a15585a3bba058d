"""What samples that are hardly seen look like together."""

import pytest
import torch
from omnifield.renderers import UniformConfig, VolumeRenderer
from omnifield.renderers.volume import VISIBLE

from .analytic import COLOR, CUBE, Ball, rays_around
from .test_volume import STEPS, backgrounds, render, stirred


@pytest.mark.parametrize("shading", ["sample", "pixel"])
def test_fog_of_samples_that_are_hardly_seen_has_the_colour_of_the_fog(shading: str) -> None:
    """Steps so short that behind the first twentieth of the fog none of them weighs 1e-4."""

    class Fog(Ball):
        pass

    Fog.shading = shading
    field, rays, background = Fog(CUBE, 0.84), rays_around(10), backgrounds(10)
    rendering = render(field, rays, background, steps=16_000)
    opacity = rendering.opacity[:, None]
    fog = opacity * torch.tensor(COLOR) + (1 - opacity) * background
    assert rendering.opacity.max() > 0.5
    torch.testing.assert_close(rendering.color, fog, rtol=0, atol=1e-3)
    image = VolumeRenderer(UniformConfig(16_000).build(CUBE)).render_image(field, rays, torch.zeros(3))
    torch.testing.assert_close(image.color, opacity * torch.tensor(COLOR), rtol=0, atol=1e-3)


def test_where_no_sample_is_visible_there_is_fog_or_too_little_of_it_to_be_seen() -> None:
    rays, background = rays_around(10), backgrounds(10)
    thick = render(Ball(CUBE, 0.72), rays, background, steps=16_000)
    opacity = thick.opacity[:, None]
    fog = opacity * torch.tensor(COLOR) + (1 - opacity) * background
    torch.testing.assert_close(thick.color, fog)
    assert thick.opacity.max() > 0.5
    thin = render(Ball(CUBE, 3e-3), rays, background, steps=16_000)
    assert torch.equal(thin.color, background) and thin.opacity.max() > 5e-3


def test_faint_samples_change_the_colour_by_less_than_they_weigh() -> None:
    field, rays, background = stirred("mlp", CUBE, 3), rays_around(100), backgrounds(100)
    sampler = UniformConfig(STEPS).build(CUBE)
    quick, every = (
        VolumeRenderer(sampler, visible=visible).render(field, rays, background) for visible in (VISIBLE, 0.0)
    )
    assert not torch.equal(quick.color, every.color)
    assert torch.equal(quick.opacity, every.opacity)
    assert ((every.color - quick.color).abs().amax(-1) <= VISIBLE * every.samples + 1e-5).all()
