"""Cells of a cube, in the order of `ops.cell_number`."""

import torch
from jaxtyping import Bool, Shaped, UInt8
from torch import Tensor

SPREAD, SELECT = 0x0101010101010101, 0x8040201008040201 - (1 << 64)  # a byte eight times; bit i of byte i
GATHER = 0x0102040810204080  # times eight bytes of 0 or 1: its highest byte has byte i as bit i


def packed(cells: Bool[Tensor, "cell"]) -> UInt8[Tensor, "byte"]:
    """Eight cells to a byte, the lowest bit first."""
    return (cells.view(torch.int64) * GATHER >> 56).to(torch.uint8)


def unpacked(bits: UInt8[Tensor, "byte"]) -> Bool[Tensor, "cell"]:
    return (bits.long() * SPREAD & SELECT).view(torch.uint8) != 0


def finer(cells: Shaped[Tensor, "cell"], factor: int) -> Shaped[Tensor, "finer_cell"]:
    """Each cell's value for all the factor³ cells that it is divided into."""
    size = round(len(cells) ** (1 / 3))
    cube = cells.reshape(size, size, size)
    for axis in range(3):
        cube = cube.repeat_interleave(factor, axis)
    return cube.reshape(-1)


def dilated(cells: Bool[Tensor, "cell"]) -> Bool[Tensor, "cell"]:
    """Those cells and all 26 neighbours of each."""
    size = round(len(cells) ** (1 / 3))
    cube = cells.reshape(1, size, size, size).float()
    return torch.nn.functional.max_pool3d(cube, 3, stride=1, padding=1).reshape(-1) > 0
