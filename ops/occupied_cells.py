"""Which cells of a grid hold something, a bit each, and which of them come next."""

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from .backend import Op
from .check import check_shape

LOWEST_BIT_FIRST = (1, 2, 4, 8, 16, 32, 64, 128)


def check_occupied_bits(thickness: Tensor, cells: int) -> None:
    check_shape("occupied_bits", "thickness", thickness, (None,))
    if len(thickness) % 8 or not 0 <= cells <= len(thickness):
        raise ValueError(f"occupied_bits: of {len(thickness)} cells, eight to a byte, {cells} cannot count.")


def check_next_set(bits: Tensor, first: int, count: int) -> None:
    check_shape("next_set", "bits", bits, (None,))
    if not 0 <= first < max(8 * len(bits), 1) or count < 0:
        raise ValueError(f"next_set: there are no {count} cells from {first} on.")


@Op
@torch.no_grad()
def occupied_bits(thickness: Float[Tensor, "cell"], cells: int, most: float) -> UInt8[Tensor, "byte"]:
    """The bits of the cells that are thicker than the mean of those that are known, or than `most`, whichever is less.

    NaN is a cell that is not known: it is set. `cells` is how many there are to know; all others are 0.
    """
    check_occupied_bits(thickness, cells)
    known = cells - int(thickness.isnan().count_nonzero())
    limit = min(float(thickness.double().nansum()) / max(known, 1), most)
    occupied = ~(thickness <= torch.tensor(limit, dtype=torch.float32).to(thickness))
    values = torch.tensor(LOWEST_BIT_FIRST, dtype=torch.uint8, device=thickness.device)
    return (occupied.reshape(-1, 8) * values).sum(-1, dtype=torch.uint8)


@Op
@torch.no_grad()
def next_set(bits: UInt8[Tensor, "byte"], first: int, count: int) -> Int64[Tensor, "n"]:
    """The numbers of the next `count` set cells in their order, from `first` on and round again, none of them twice."""
    check_next_set(bits, first, count)
    values = torch.tensor(LOWEST_BIT_FIRST, dtype=torch.uint8, device=bits.device)
    numbers = ((bits[:, None] & values) != 0).reshape(-1).nonzero()[:, 0]
    begin = int((numbers < first).count_nonzero())
    return torch.cat([numbers[begin:], numbers[:begin]])[:count]
