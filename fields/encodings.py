"""What networks are given in place of bare coordinates."""

from math import pi

import torch
from jaxtyping import Float
from torch import Tensor


def frequency_encoding(x: Float[Tensor, "n axis"], octaves: int) -> Float[Tensor, "n encoded"]:
    """γ(x) = (x, sin(2^k π x), cos(2^k π x) for k = 0 … octaves − 1): Eq. 4 of NeRF (arXiv 2003.08934), for x in
    [−1, 1]."""
    phase = (x[:, None] * (pi * 2.0 ** torch.arange(octaves).to(x))[:, None]).flatten(1)
    return torch.cat([x, phase.sin(), phase.cos()], -1)
