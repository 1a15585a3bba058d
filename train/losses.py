"""What a training minds, as values: a loss is a function of what rays saw, how, and what they should have seen."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from ..fields import Field
from ..renderers import Rendering, Trace
from ..scenes import Contraction
from .distortion_loss import distortion
from .pixels import PixelBatch
from .ray_losses import RAY_LOSSES
from .schedule import FitConfig

Loss = Callable[[Rendering, Trace, PixelBatch], Float[Tensor, ""]]


@dataclass(frozen=True)
class Term:
    """A loss, how much it counts, and the name it is told by: no two of a training have the same."""

    name: str
    weight: float
    loss: Loss


def over_any_background(
    color: Float[Tensor, "ray rgb=3"], opacity: Float[Tensor, "ray"]
) -> Float[Tensor, "ray"]:
    """The mean square error over all backgrounds b in [0, 1]³ alike, of differences of colours over black and of
    opacities: ∫ (c − o b)² db = c² − c o + o² / 3. Over a single background, drawn anew at each step, it would be the
    same in the mean, with noise."""
    opacity = opacity[:, None]
    return (color.square() - color * opacity + opacity.square() / 3).mean(-1)


def photometric(
    rendering: Rendering, trace: Trace, batch: PixelBatch, *, robust: float = 0.0
) -> Float[Tensor, ""]:
    """The mean square error e of pixels that were rendered over black, over any background; with a `robust` r > 0 the
    mean of r² log(1 + e / r²) (Cauchy's; Barron 2019, arXiv 1701.03077, section 2): a pixel that is wrong by r pulls
    half as much, and one that is far off hardly at all, as where somebody walked through the picture."""
    color = rendering.color - batch.color * batch.alpha[:, None]
    error = over_any_background(color, rendering.opacity - batch.alpha)
    if robust:
        error = robust**2 * torch.log1p(error / robust**2)
    return (error * batch.weight).sum() / batch.weight.sum().clamp_min(1)


PHOTOMETRIC = "photometric"


def terms_of(field: Field, config: FitConfig) -> list[Term]:
    """The photometric loss, the losses on rays that have a weight (what the field asks for and what the user does add
    up), and in an unbounded scene the distortion loss."""
    asked = field.ray_losses
    terms = [
        Term(name, asked.get(name, 0.0) + getattr(config, name), loss) for name, loss in RAY_LOSSES.items()
    ]
    if isinstance(field.domain, Contraction):
        loss = partial(distortion, scale=field.domain.side / 2)
        terms.append(Term("distortion", config.distortion, loss))
    pixels = Term(PHOTOMETRIC, 1.0, partial(photometric, robust=config.robust))
    return [pixels, *(term for term in terms if term.weight)]
