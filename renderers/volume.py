"""What a ray sees: emission and absorption through a field (Max 1995; NeRF, Eq. 3 of arXiv 2003.08934)."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..fields import Field, Probe
from ..ops import STOP, accumulate, one_thread_of_torch, visible_weights
from ..scenes import Cameras, PixelRays, RayRange, Rays
from ..scenes.columns import each_column
from .front_to_back import see
from .opaque import probe_until_opaque
from .sampler import Sampler
from .samples import Samples, points_at
from .shading import SHADING, VISIBLE, Seen, with_fog

CHUNK = 1 << 17  # rays that are handed over together where no gradients are asked for


@dataclass(frozen=True)
class Rendering:
    """What rays saw: sRGB over the background, opacity, the mean distance along the ray to what they saw
    (world units; infinite where they saw nothing), and how many samples each took."""

    color: Float[Tensor, "ray rgb=3"]
    opacity: Float[Tensor, "ray"]
    depth: Float[Tensor, "ray"]
    samples: Int[Tensor, "ray"]


@dataclass(frozen=True)
class Trace:
    """What was found along rays: every sample with its density and weight, the rows of the visible ones, and the values
    that these gave. Nothing is kept that the rendering did not need: what it costs more is for whoever asks."""

    samples: Samples
    density: Float[Tensor, "n"]
    weight: Float[Tensor, "n"]
    visible: Int[Tensor, "m"]
    values: Float[Tensor, "m value"]

    @property
    def thickness(self) -> Float[Tensor, "n"]:
        """The optical depth of every sample."""
        return self.density * self.samples.dt


@dataclass(frozen=True)
class VolumeRenderer:
    """Marches rays with a sampler and composites whatever field it is given. A ray ends where its transmittance falls
    below `stop`, and samples of a weight up to `visible` have the mean colour of its others."""

    sampler: Sampler
    stop: float = STOP
    visible: float = VISIBLE

    @classmethod
    def to_look_at(cls, sampler: Sampler) -> "VolumeRenderer":
        """For people's eyes, and not to measure by: the last 3% of what a ray sees, and samples of less than 0.3%, have
        the mean colour of the others. A quarter fewer samples are asked, and the picture is some 55 dB from all."""
        return cls(sampler, stop=0.03, visible=0.003)

    def render(
        self,
        field: Field,
        rays: Rays,
        background: Float[Tensor, "ray rgb=3"],
        generator: torch.Generator | None = None,
    ) -> Rendering:
        """Differentiable with respect to the field; all samples are held in memory at once."""
        return self.trace(field, rays, background, generator)[0]

    def trace(
        self,
        field: Field,
        rays: Rays,
        background: Float[Tensor, "ray rgb=3"],
        generator: torch.Generator | None = None,
    ) -> tuple[Rendering, Trace]:
        """Also the samples that the rendering was made of."""
        samples = self.sampler.sample(field.density, rays, generator)
        samples, probe = probe_until_opaque(field, rays, samples, self.stop)
        return _composite(field, rays, samples, probe, background, self.visible)

    def render_image(self, field: Field, rays: RayRange, background: Float[Tensor, "rgb=3"]) -> Rendering:
        """Any number of rays, in the chunks of `render_chunks`, and 28 bytes for each of them."""
        picture, done = _nothing_seen(len(rays), background), 0
        for some, seen in self.render_chunks(field, rays, background):
            rows = slice(done, done := done + len(some))
            each_column(lambda whole, part, rows=rows: whole[rows].copy_(part), picture, seen)
        return picture

    def render_chunks(
        self, field: Field, rays: RayRange, background: Float[Tensor, "rgb=3"]
    ) -> Iterator[tuple[Rays, Rendering]]:
        """Any number of rays in their order, with what they saw, CHUNK of them at once: for whoever keeps less of a
        picture than all that is known of it."""
        for first in range(0, len(rays), CHUNK):
            some = rays[first : min(first + CHUNK, len(rays))]
            yield some, self._see(field, some, background)

    def render_views(
        self, field: Field, cameras: Cameras, background: Float[Tensor, "rgb=3"], stride: int
    ) -> list[Rendering]:
        """Every `stride`-th pixel of each view. All are marched together: small pictures take little more than one."""
        rays = PixelRays(cameras, range(len(cameras)), stride)
        seen = self.render_image(field, rays, background)
        begins = range(0, len(rays), rays.per_view)
        return [each_column(lambda column, b=b: column[b : b + rays.per_view], seen) for b in begins]

    @one_thread_of_torch()
    @torch.no_grad()
    def _see(self, field: Field, rays: Rays, background: Float[Tensor, "rgb=3"]) -> Rendering:
        picture = _nothing_seen(len(rays), background)
        hit, met, seen, asked = see(field, rays, self.sampler, stop=self.stop, visible=self.visible)
        found = _rendering(field, met, seen, background.expand(len(hit), 3), asked)
        each_column(lambda whole, part: whole.index_copy_(0, hit, part), picture, found)
        return picture


def _nothing_seen(rays: int, background: Float[Tensor, "rgb=3"]) -> Rendering:
    return Rendering(
        color=background.repeat(rays, 1),
        opacity=background.new_zeros(rays),
        depth=background.new_full((rays,), torch.inf),
        samples=background.new_zeros(rays, dtype=torch.int64),
    )


def _composite(
    field: Field,
    rays: Rays,
    samples: Samples,
    probe: Probe,
    background: Float[Tensor, "ray rgb=3"],
    visible: float,
) -> tuple[Rendering, Trace]:
    found = visible_weights(probe.density, samples.t, samples.dt, samples.offsets, visible)
    t, ray = samples.t.index_select(0, found.rows), samples.ray.index_select(0, found.rows)
    values = SHADING[field.shading].values(field, points_at(rays, t, ray), probe.take(found.rows))
    seen = Seen.of(found.sums, accumulate(values, found.weight_of_row, found.ends))
    trace = Trace(samples, probe.density, found.weights, found.rows, values)
    return _rendering(field, rays, seen, background, samples.counts), trace


def _rendering(
    field: Field,
    rays: Rays,
    seen: Seen,
    background: Float[Tensor, "ray rgb=3"],
    asked: Int[Tensor, "ray"],
) -> Rendering:
    seen = with_fog(field, rays, seen)
    light = SHADING[field.shading].light(field, rays, seen)
    return Rendering(
        color=light + (1 - seen.covered)[:, None] * background,
        opacity=seen.opacity,
        depth=seen.depth,
        samples=asked,
    )
