"""Batches of pixels: random over all training views, of all sizes and scales."""

import itertools
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..scenes import Rays, Views
from ..scenes.columns import each_column, joined


@dataclass(frozen=True)
class PixelBatch:
    """Rays and what they should see: straight sRGB, opacity, and how much each pixel counts: its area in pixels of the
    full size, 0 where masked."""

    rays: Rays
    color: Float[Tensor, "ray rgb=3"]
    alpha: Float[Tensor, "ray"]
    weight: Float[Tensor, "ray"]


def random_pixels(groups: tuple[Views, ...], count: int, generator: torch.Generator) -> PixelBatch:
    """Of `count` pixels, each of all groups' as likely as any other, those that are not masked, or all where none is
    left; those of one group stand together.

    Weighed by their area all scales of a scene count the same in the end (Mip-NeRF, arXiv 2103.13415, section 4.2).
    """
    batch = _any_pixels(groups, count, generator)
    counted = batch.weight.nonzero()[:, 0]
    if len(counted) in (0, count):
        return batch
    return each_column(lambda column: column.index_select(0, counted), batch)


def _any_pixels(groups: tuple[Views, ...], count: int, generator: torch.Generator) -> PixelBatch:
    ends = list(itertools.accumulate(views.ignored.numel() for views in groups))
    pixel = torch.randint(ends[-1], (count,), generator=generator, device=groups[0].images.device)
    if len(groups) == 1:
        return _pixels(groups[0], pixel)
    group = torch.bucketize(pixel, torch.tensor(ends, device=pixel.device), right=True)
    return joined(
        [
            _pixels(views, pixel[group == j] - begin)
            for j, (views, begin) in enumerate(zip(groups, [0, *ends], strict=False))
        ]
    )


def _pixels(views: Views, pixel: Int[Tensor, "ray"]) -> PixelBatch:
    size = views.cameras.height * views.cameras.width
    view = pixel // size  # remainders by subtraction: torch's divide again
    rest = pixel - view * size
    y = rest // views.cameras.width
    x = rest - y * views.cameras.width
    color, alpha = views.colors_and_alpha_of(pixel)
    return PixelBatch(
        rays=replace(views.cameras.rays(view, x + 0.5, y + 0.5), view=views.first + view),
        color=color,
        alpha=alpha,
        weight=(~views.ignored[view, y, x]).float() * views.reduced**2,
    )
