"""Photographs of one scene differ in exposure and white balance: what a training learns of that beside the field."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from ..fields import ParameterGroup
from ..renderers import Rendering

# How strongly gains and offsets are pulled to zero, beside the mean square error of pixels: where either would do, the
# gain is to differ.
PULL = (0.001, 0.01)
MEAN = "the mean of all photographs"


def remarks(provenance: Mapping[str, Any]) -> list[str]:
    """A sentence on which of the exposures that were learnt pictures have, where any were."""
    if "exposure" not in provenance:
        return []
    learnt = "Exposure and white balance were learnt for each photograph"
    return [f"{learnt}: what is rendered has the mean of all, and not those of one."]


class Exposure(nn.Module):
    """An affine map of the colours of each view, c ↦ exp(g) c + b: the logarithm of a gain and an offset for red, green
    and blue. They say how a view differs from the mean of all: the means of g and of b over the views are zero. What
    all views have in common stays in the field, and without a map its pictures are of the mean exposure.

    At a learning rate of 0 there are none, and what is seen stays as it is."""

    def __init__(self, views: int, learning_rate: float) -> None:
        super().__init__()
        self.learning_rate = learning_rate
        if learning_rate:
            self.maps = nn.Parameter(torch.zeros(views, 6))

    def parameter_groups(self) -> list[ParameterGroup]:
        return (
            [ParameterGroup("exposure", (self.maps,), self.learning_rate, "grid")]
            if self.learning_rate
            else []
        )

    def facts(self) -> dict[str, str]:
        """What a file's provenance tells of its colours, in words."""
        return {"exposure": MEAN} if self.learning_rate else {}

    def of_views(self) -> Float[Tensor, "view gain_offset=6"]:
        return self.maps - self.maps.mean(0)

    def seen(self, rendering: Rendering, view: Int64[Tensor, "ray"]) -> Rendering:
        """What was rendered over black as the rays' own views would show it."""
        if not self.learning_rate:
            return rendering
        gain, offset = self.of_views().index_select(0, view).split(3, -1)
        return replace(rendering, color=rendering.color * gain.exp() + offset * rendering.opacity[:, None])

    def penalty(self) -> Float[Tensor, ""] | float:
        if not self.learning_rate:
            return 0.0
        of_gain, of_offset = (part.square().sum(-1).mean() for part in self.of_views().split(3, -1))
        return PULL[0] * of_gain + PULL[1] * of_offset
