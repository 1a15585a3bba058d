"""The small networks that fields share: from features to density, and from features and direction to colour."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..ops import density_mlp, mlp, view_color
from .quantize import FULL_PRECISION, quantized

HARMONICS = 16  # coefficients up to degree 4


class Mlp(nn.Module):
    """A small MLP without biases (see `ops.mlp`) of the given widths, input first, its weights in `bits` bits."""

    def __init__(self, widths: Sequence[int], bits: int = FULL_PRECISION) -> None:
        super().__init__()
        self.bits = bits
        self.weights = nn.ParameterList(
            nn.Parameter(_glorot(fan_out, fan_in)) for fan_in, fan_out in pairwise(widths)
        )

    def forward(self, inputs: Float[Tensor, "n in"]) -> Float[Tensor, "n out"]:
        return mlp(inputs, self.matrices())

    def with_density(
        self, inputs: Float[Tensor, "n in"], side: float
    ) -> tuple[Float[Tensor, "n"], Float[Tensor, "n out"]]:
        """The density per world unit, of which the first output is the logarithm per `side`; and the outputs."""
        return density_mlp(inputs, self.matrices(), side)

    def matrices(self) -> list[Tensor]:
        return [quantized(weight, self.bits) for weight in self.weights]


class ColorDecoder(nn.Module):
    """sRGB from features and the direction's spherical harmonics, as in instant-ngp: ReLU layers, then a sigmoid."""

    def __init__(self, feature_dim: int, hidden: int, layers: int, *, bits: int = FULL_PRECISION) -> None:
        super().__init__()
        self.mlp = Mlp([HARMONICS + feature_dim, *[hidden] * layers, 3], bits)

    def forward(
        self, features: Float[Tensor, "n feature"], directions: Float[Tensor, "n xyz=3"]
    ) -> Float[Tensor, "n rgb=3"]:
        return view_color(features, directions, self.mlp.matrices())


def _glorot(fan_out: int, fan_in: int) -> Tensor:
    bound = math.sqrt(6 / (fan_in + fan_out))
    return torch.empty(fan_out, fan_in).uniform_(-bound, bound)
