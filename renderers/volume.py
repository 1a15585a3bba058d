"""What a ray sees: emission and absorption through a field (Max 1995; NeRF, Eq. 3 of arXiv 2003.08934)."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..fields import Field, Points, Probe
from ..ops import accumulate, ray_weights, take_rows
from ..scenes import Rays
from .opaque import probe_until_opaque
from .samples import Sampler, Samples

VISIBLE = 1e-4  # a sample of less weight is not asked for its colour
CHUNK_SAMPLES = 1 << 18  # what rendering without gradients holds in memory at once


@dataclass(frozen=True)
class Rendering:
    """What rays saw: sRGB over the background, opacity, the mean distance along the ray to what they saw
    (world units; infinite where they saw nothing), and how many samples each took."""

    color: Float[Tensor, "ray rgb=3"]
    opacity: Float[Tensor, "ray"]
    depth: Float[Tensor, "ray"]
    samples: Int[Tensor, "ray"]


@dataclass(frozen=True)
class VolumeRenderer:
    """Marches rays with a sampler and composites whatever field it is given."""

    sampler: Sampler

    def render(
        self,
        field: Field,
        rays: Rays,
        background: Float[Tensor, "ray rgb=3"],
        generator: torch.Generator | None = None,
    ) -> Rendering:
        """Differentiable with respect to the field; all samples are held in memory at once."""
        samples, probe = probe_until_opaque(field, rays, self.sampler.sample(rays, generator))
        return _composite(field, rays, samples, probe, background)

    @torch.no_grad()
    def render_image(self, field: Field, rays: Rays, background: Float[Tensor, "rgb=3"]) -> Rendering:
        """Any number of rays, in chunks of about CHUNK_SAMPLES samples."""
        parts, done, chunk = [], 0, 4096
        while done < len(rays) or not parts:
            part = rays[done : done + chunk]
            rendering = self.render(field, part, background.expand(len(part), 3))
            parts.append(rendering)
            done += len(part)
            per_ray = max(rendering.samples.sum().item() / max(len(part), 1), 1)
            chunk = max(256, min(int(CHUNK_SAMPLES / per_ray), 4 * chunk, 1 << 16))
        return Rendering(
            *(torch.cat(values) for values in zip(*(vars(p).values() for p in parts), strict=True))
        )


def _composite(
    field: Field, rays: Rays, samples: Samples, probe: Probe, background: Float[Tensor, "ray rgb=3"]
) -> Rendering:
    weights = ray_weights(probe.density, samples.dt, samples.offsets)
    opacity = accumulate(torch.ones_like(weights)[:, None], weights, samples.offsets)[:, 0]
    depth = accumulate(samples.t[:, None], weights.detach(), samples.offsets)[:, 0]
    depth = torch.where(opacity > VISIBLE, depth / opacity.clamp_min(VISIBLE), torch.inf).detach()
    rows = (weights.detach() > VISIBLE).nonzero()[:, 0]
    visible = Visible(samples.take(rows), probe.take(rows), take_rows(weights[:, None], rows)[:, 0])
    light = SHADE[field.shading](field, rays, visible, depth)
    return Rendering(
        color=light + (1 - opacity)[:, None] * background,
        opacity=opacity,
        depth=depth,
        samples=samples.counts,
    )


@dataclass(frozen=True)
class Visible:
    """The samples that can be seen, what the field said of them, and how much each contributes to its ray."""

    samples: Samples
    probe: Probe
    weights: Float[Tensor, "n"]


def _shade_samples(
    field: Field, rays: Rays, visible: Visible, depth: Float[Tensor, "ray"]
) -> Float[Tensor, "ray rgb=3"]:
    """A colour for every sample, composited."""
    del depth
    points = visible.samples.points(rays)
    color = field.color(field.features(points, visible.probe), points)
    return accumulate(color, visible.weights, visible.samples.offsets)


def _shade_pixels(
    field: Field, rays: Rays, visible: Visible, depth: Float[Tensor, "ray"]
) -> Float[Tensor, "ray rgb=3"]:
    """Deferred: the mean features of what a ray sees, one colour of them, as much of it as is seen.

    With the mean instead of the sum, the edge of an object has the colour of the object, and one opaque sample has
    the colour that it would have on its own.
    """
    features = field.features(visible.samples.points(rays), visible.probe)
    total = accumulate(
        torch.cat([features, torch.ones_like(features[:, :1])], -1), visible.weights, visible.samples.offsets
    )
    hit = (total[:, -1].detach() > 0).nonzero()[:, 0]
    total, seen, t = take_rows(total, hit), rays[hit], depth[hit]
    surface = Points(
        seen.origins + t[:, None] * seen.directions, seen.directions, seen.footprint * t, seen.time
    )
    color = field.color(total[:, :-1] / total[:, -1:], surface) * total[:, -1:]
    return torch.zeros_like(rays.directions).index_copy(0, hit, color)


SHADE = {"sample": _shade_samples, "pixel": _shade_pixels}
