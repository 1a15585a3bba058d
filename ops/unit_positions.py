"""From the world into the unit cube that fields and grids are asked in."""

import torch
from jaxtyping import Float
from torch import Tensor

from .backend import Op
from .check import check_shape

Corner = tuple[float, float, float]


@Op
def unit_positions(
    position: Float[Tensor, "n xyz=3"], lo: Corner, hi: Corner, contracted: bool
) -> Float[Tensor, "n xyz=3"]:
    """(x − lo) / (hi − lo); or, `contracted`, with x in halves of the box from its middle and m = max(|x|, 1) in the
    maximum norm, (x (2 − 1/m) / m + 2) / 4: the box fills the middle half of the cube, all beyond it the rest.

    Raises ValueError if the positions are not triples.
    """
    check_shape("unit_positions", "position", position, (None, 3))
    low, high = torch.tensor(lo).to(position), torch.tensor(hi).to(position)
    unit = (position - low) * (1 / (high - low))
    if not contracted:
        return unit
    x = unit * 2 - 1
    norm = x.abs().amax(-1, keepdim=True).clamp_min(1)
    return (x * ((2 - 1 / norm) / norm) + 2) / 4
