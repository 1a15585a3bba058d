"""Pictures without gradients: rounds along some of the rays, and what may be left out where people look."""

import pytest
import torch
from omnifield.renderers import UniformConfig, VolumeRenderer, sampler_config

from .analytic import CUBE, UNBOUNDED, rays_around, stirred


@pytest.mark.parametrize(("tag", "denser"), [("hash", 30.0), ("mipvog", 3000.0)])
def test_a_picture_to_look_at_is_hardly_another(tag: str, denser: float) -> None:
    """Fewer samples, and the rays that they leave out are as opaque as they were."""
    field, rays, background = stirred(tag, CUBE, 4, denser), rays_around(3000), torch.tensor([0.1, 0.2, 0.3])
    sampler = UniformConfig(200).build(CUBE)
    whole = VolumeRenderer(sampler).render_image(field, rays, background)
    quick = VolumeRenderer.to_look_at(sampler).render_image(field, rays, background)
    opaque = whole.opacity > 0.97
    assert quick.samples.sum() < whole.samples.sum()
    assert opaque.any() and (quick.opacity[opaque] == 1).all()
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
