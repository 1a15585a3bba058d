"""What a training minds, as values: a loss is a function of what rays saw, how, and what they should have seen."""

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from ..fields import Field
from ..renderers import Rendering, Trace
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


def photometric(rendering: Rendering, trace: Trace, batch: PixelBatch) -> Float[Tensor, ""]:
    """The mean square error of the pixels, over the background that they were rendered over."""
    error = (rendering.color - batch.over(trace.background)).square().mean(-1)
    return (error * batch.weight).sum() / batch.weight.sum().clamp_min(1)


PHOTOMETRIC = Term("photometric", 1.0, photometric)


def terms_of(field: Field, config: FitConfig) -> list[Term]:
    """The photometric loss, and the losses on rays that have a weight: what the field asks for and what the user does
    add up."""
    asked = field.ray_losses
    terms = [
        Term(name, asked.get(name, 0.0) + getattr(config, name), loss) for name, loss in RAY_LOSSES.items()
    ]
    return [PHOTOMETRIC, *(term for term in terms if term.weight)]
