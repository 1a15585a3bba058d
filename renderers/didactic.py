"""The volume renderer again, to be read: one ray, one sample at a time, the paper's symbols, no tricks.

`volume.VolumeRenderer` is the one to use; the tests hold the two together.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from ..fields import Field, Points
from ..scenes import Rays
from .samples import Sampler

STOP = 1e-4


@torch.no_grad()
def render_ray(
    field: Field, ray: Rays, sampler: Sampler, background: Float[Tensor, "rgb=3"]
) -> tuple[Float[Tensor, "rgb=3"], float]:
    """Colour and opacity of a single ray: C = Σ T_i α_i c_i + T_end · background, with α_i = 1 − exp(−σ_i δ_i)."""
    samples = sampler.sample(ray, None)
    color, transmittance = torch.zeros(3), 1.0
    for t, delta in zip(samples.t.tolist(), samples.dt.tolist(), strict=True):
        if transmittance < STOP:
            break
        point = Points(
            position=ray.origins + t * ray.directions,
            direction=ray.directions,
            footprint=ray.footprint * t,
            time=ray.time,
        )
        probe = field.probe(point)
        alpha = 1 - math.exp(-probe.density.item() * delta)
        color = color + transmittance * alpha * field.color(field.features(point, probe), point)[0]
        transmittance *= 1 - alpha
    return color + transmittance * background, 1 - transmittance
