"""The CPU cell of `unit_positions`. Where a pose is refined its reference has the gradient."""

import torch

from .. import _cpu
from ..check import check_shape
from ..unit_positions import unit_positions


@unit_positions.kernel("cpu", torch.float32)
def _unit_positions(position, lo, hi, contracted):
    if position.requires_grad and torch.is_grad_enabled():
        return unit_positions.reference(position, lo, hi, contracted)
    check_shape("unit_positions", "position", position, (None, 3))
    position = position.detach().contiguous()
    unit = torch.empty_like(position)
    _cpu.unit_positions(position, lo, hi, contracted, unit)
    return unit
