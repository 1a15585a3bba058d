"""Parameters in a few bits: seen rounded while they are trained, and stored as bytes.

Symmetric, from the largest value, as in CAM (Lee et al. 2024, arXiv 2311.14993).
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

FULL_PRECISION = 32
MOST_BITS = 8
SCALE = ".scale"  # ends the name of what the codes of a stored tensor are multiplied by
_MANTISSA = 2.0**16


class _StraightThrough(torch.autograd.Function):
    """The rounded values, with the gradient of the unrounded ones."""

    @staticmethod
    def forward(ctx, values, bits, dim):
        codes, scale = quantize(values, bits, dim)
        return codes * scale

    @staticmethod
    def backward(ctx, *grads):
        return grads[0], None, None


def quantized(values: Float[Tensor, "*shape"], bits: int, dim: int | None = None) -> Float[Tensor, "*shape"]:
    """s · round(w / s), s = max |w| / (2^(bits − 1) − 1), whose gradient is that of w (straight through).

    There is one s for all values, or one for each slice along `dim`. Full precision leaves the values as they are.
    """
    return values if bits == FULL_PRECISION else _StraightThrough.apply(values, bits, dim)


def quantize(
    values: Float[Tensor, "*shape"], bits: int, dim: int | None = None
) -> tuple[Float[Tensor, "*shape"], Float[Tensor, "*scale"]]:
    """Whole numbers, as floats, and the scale s that they are in units of.

    s is rounded up to 16 significant bits, so that a code times s is exact, and quantising that gives the same codes
    and the same s: a file of codes is the field that was trained, to the bit.
    """
    others = [axis for axis in range(values.ndim) if dim is None or axis != dim % values.ndim]
    mantissa, exponent = torch.frexp(values.abs().amax(others, keepdim=True) / (2 ** (bits - 1) - 1))
    scale = torch.ldexp((mantissa * _MANTISSA).ceil() / _MANTISSA, exponent)
    scale = torch.where(scale > 0, scale, 1)
    return (values / scale).round(), scale


class QuantizedLinear(nn.Linear):
    """W x + b, with W in `bits` bits."""

    def __init__(self, fan_in: int, fan_out: int, bits: int) -> None:
        super().__init__(fan_in, fan_out)
        self.bits = bits

    def forward(self, input: Float[Tensor, "n in"]) -> Float[Tensor, "n out"]:
        return functional.linear(input, quantized(self.weight, self.bits), self.bias)


def pack(state: Mapping[str, Tensor], bits: int, dims: Mapping[str, int | None]) -> dict[str, Tensor]:
    """The tensors named by `dims` as bytes and their scale, see `quantize`; the others as they are."""
    packed = dict(state)
    for name, dim in dims.items():
        codes, scale = quantize(state[name], bits, dim)
        packed[name], packed[name + SCALE] = codes.to(torch.int8), scale
    return packed


def unpack(packed: Mapping[str, Tensor], names: Mapping[str, int | None]) -> dict[str, Tensor]:
    """What `pack` made of a state. Raises KeyError or ValueError if it did not."""
    state = dict(packed)
    for name, dim in names.items():
        codes, scale = state[name], state.pop(name + SCALE)
        kept = None if dim is None else dim % max(codes.ndim, 1)
        units = tuple(size if axis == kept else 1 for axis, size in enumerate(codes.shape))
        if codes.dtype != torch.int8 or scale.dtype != torch.float32 or scale.shape != units:
            raise ValueError(
                f"{name} is {codes.dtype} in units of {scale.dtype} of shape {tuple(scale.shape)}, "
                f"not bytes in units of floats of shape {units}"
            )
        state[name] = codes * scale
    return state


def check_bits(tag: str, bits: int) -> None:
    """Raises ValueError unless a configuration's `bits` are some that can be stored."""
    if bits != FULL_PRECISION and not 2 <= bits <= MOST_BITS:
        raise ValueError(
            f"The setting bits of the {tag} field must be 2 to {MOST_BITS}, or {FULL_PRECISION}, not {bits}."
        )
