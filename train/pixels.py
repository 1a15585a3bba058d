"""Batches of pixels: random over all training views."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ..scenes import Rays, Views


@dataclass(frozen=True)
class PixelBatch:
    """Rays and what they should see: straight sRGB, opacity, and how much each pixel counts (0 where masked)."""

    rays: Rays
    color: Float[Tensor, "ray rgb=3"]
    alpha: Float[Tensor, "ray"]
    weight: Float[Tensor, "ray"]

    def over(self, background: Float[Tensor, "ray rgb=3"]) -> Float[Tensor, "ray rgb=3"]:
        """The pixels composited over a background, in sRGB as the figures of the field's papers are."""
        return self.color * self.alpha[:, None] + background * (1 - self.alpha[:, None])


def random_pixels(views: Views, count: int, generator: torch.Generator) -> PixelBatch:
    size = views.cameras.height * views.cameras.width
    pixel = torch.randint(len(views) * size, (count,), generator=generator, device=views.images.device)
    view, rest = pixel // size, pixel % size
    y, x = rest // views.cameras.width, rest % views.cameras.width
    rgba = views.images[view, y, x].float() / 255
    return PixelBatch(
        rays=views.cameras.rays(view, x + 0.5, y + 0.5),
        color=rgba[:, :3],
        alpha=rgba[:, 3],
        weight=(~views.ignored[view, y, x]).float(),
    )
