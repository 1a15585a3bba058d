"""Pictures without gradients: rounds along some of the rays, and what may be left out where people look."""

import pytest
import torch
from omnifield.renderers import UniformConfig, VolumeRenderer, sampler_config

from .analytic import COLOR, CUBE, UNBOUNDED, Ball, rays_around, stirred


@pytest.mark.parametrize(("tag", "denser"), [("hash", 30.0), ("mipvog", 3000.0)])
def test_a_picture_to_look_at_is_hardly_another(tag: str, denser: float) -> None:
    """Fewer samples, and the rays that they leave out are as opaque as they were."""
    field, rays, background = stirred(tag, CUBE, 4, denser), rays_around(3000), torch.tensor([0.1, 0.2, 0.3])
    sampler = UniformConfig(200).build(CUBE)
    whole = VolumeRenderer(sampler).render_image(field, rays, background)
    quick = VolumeRenderer.to_look_at(sampler).render_image(field, rays, background)
    opaque = whole.opacity > 0.97
    assert quick.samples.sum() < whole.samples.sum()
    assert opaque.any() and (quick.opacity[opaque] > 0.95).all()
    assert (quick.opacity[opaque] == 1).float().mean() > 0.9
    error = (quick.color - whole.color).square().mean()
    assert -10 * error.log10() > 40  # of noise; of scenes 55 dB


def test_rays_leave_their_place_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few rays under way at a time see what all at once do."""
    field, rays, background = (
        stirred("hash", UNBOUNDED, 4, 3.0),
        rays_around(700),
        torch.tensor([0.1, 0.2, 0.3]),
    )
    renderer = VolumeRenderer(sampler_config("occupancy").build(UNBOUNDED))
    together = renderer.render_image(field, rays, background)
    monkeypatch.setattr("omnifield.renderers.front_to_back.SAMPLES_ON_CPU", 1 << 9)
    monkeypatch.setattr("omnifield.renderers.front_to_back.FEWEST_RAYS", 16)
    few = renderer.render_image(field, rays, background)
    for name in ("color", "opacity", "depth"):
        torch.testing.assert_close(getattr(few, name), getattr(together, name), rtol=1e-4, atol=1e-4)


def test_fog_is_looked_through_in_longer_steps_once_half_of_it_is_seen() -> None:
    """Its opacity and its colour are those of all samples."""
    field, rays, background = Ball(CUBE, 0.84, 5.0), rays_around(500), torch.zeros(3)
    sampler = UniformConfig(200).build(CUBE)
    every = VolumeRenderer(sampler, stop=0.03).render_image(field, rays, background)
    fewer = VolumeRenderer(sampler, stop=0.03, fade=0.5).render_image(field, rays, background)
    faded = every.opacity > 0.6
    assert faded.any() and fewer.samples[faded].sum() < 0.8 * every.samples[faded].sum()
    torch.testing.assert_close(fewer.opacity, every.opacity, rtol=0, atol=0.05)
    torch.testing.assert_close(fewer.color, fewer.opacity[:, None] * torch.tensor(COLOR), rtol=0, atol=1e-3)
