"""The CPU cells of `occupied_bits` and `next_set`."""

import torch

from .. import _cpu
from ..occupied_cells import check_next_set, check_occupied_bits, next_set, occupied_bits


@occupied_bits.kernel("cpu", torch.float32)
def _occupied_bits(thickness, cells, most):
    check_occupied_bits(thickness, cells)
    bits = torch.empty(len(thickness) // 8, dtype=torch.uint8)
    _cpu.occupied_bits(thickness.detach().contiguous(), cells, most, bits)
    return bits


@next_set.kernel("cpu", torch.uint8)
def _next_set(bits, first, count):
    check_next_set(bits, first, count)
    numbers = torch.empty(min(count, 8 * len(bits)), dtype=torch.int64)
    return numbers[: _cpu.next_set(bits.contiguous(), first, numbers)]
