"""The one order of the cells of a cube, size³ of them: cell (x, y, z) is number x + size·(y + size·z).

So are voxels within a block, blocks within an index, and the bits of an occupancy. In C++: ops/cpu/cells.h.
"""

import torch
from jaxtyping import Int
from torch import Tensor


def cell_number(place: Int[Tensor, "*n xyz=3"], size: int) -> Int[Tensor, "*n"]:
    x, y, z = place.unbind(-1)
    return x + size * (y + size * z)


def cell_place(number: Int[Tensor, "*n"], size: int) -> Int[Tensor, "*n xyz=3"]:
    return torch.stack([number % size, number // size % size, number // size**2], -1)
