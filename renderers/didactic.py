"""The volume renderer again, to be read: one ray, one sample at a time, the paper's symbols, no tricks.

`volume.VolumeRenderer` is the one to use; the tests hold the two together.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from ..fields import Field, Points
from ..ops import STOP
from ..scenes import Rays
from .sampler import Sampler
from .shading import FOG, VISIBLE


@torch.no_grad()
def render_ray(
    field: Field, ray: Rays, sampler: Sampler, background: Float[Tensor, "rgb=3"]
) -> tuple[Float[Tensor, "rgb=3"], float]:
    """Colour and opacity of a single ray: C = Σ T_i α_i c_i + T_end · background, with α_i = 1 − exp(−σ_i δ_i);
    where colours are made per pixel, C = α c(Σ T_i α_i f_i / α) + T_end · background with α = Σ T_i α_i.

    Samples of a weight T_i α_i up to VISIBLE are not asked: they have the mean colour (or features) of the others, so
    C = α Σ' T_i α_i c_i / Σ' T_i α_i + T_end · background. A ray without any other is asked once, in the middle of what
    is there, or sees the background if that is less than FOG.
    """
    samples = sampler.sample(field.density, ray, None)
    color, features = torch.zeros_like(background), background.new_zeros(field.feature_dim)
    distance, visible, transmittance = 0.0, 0.0, 1.0
    for t, delta in zip(samples.t.tolist(), samples.dt.tolist(), strict=True):
        if transmittance < STOP:
            break
        point = point_at(ray, t)
        probe = field.probe(point)
        alpha = 1 - math.exp(-probe.density.item() * delta)
        weight = transmittance * alpha
        if weight > VISIBLE:
            seen = field.features(point, probe)
            if field.shading == "sample":
                color = color + weight * field.color(seen, point)[0]
            features, visible = features + weight * seen[0], visible + weight
        distance += weight * t
        transmittance *= 1 - alpha
    opacity = 1 - transmittance
    if visible == 0 and opacity <= FOG:
        return background, opacity
    middle = point_at(ray, distance / opacity)
    if visible == 0:
        features, visible = field.features(middle, field.probe(middle))[0], 1.0
        color = field.color(features[None], middle)[0]
    mean = color / visible
    if field.shading == "pixel":
        mean = field.color(features[None] / visible, middle)[0]
    return opacity * mean + transmittance * background, opacity


def point_at(ray: Rays, t: float) -> Points:
    return Points(
        position=ray.origins + t * ray.directions,
        direction=ray.directions,
        footprint=ray.footprint * t,
        time=ray.time,
    )
