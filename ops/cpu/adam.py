"""Adam's CPU cell."""

import torch
from torch.autograd.graph import increment_version

from .. import _cpu
from ..adam import adam_step, all_finite, check_adam


@adam_step.kernel("cpu", torch.float32)
@torch.no_grad()
def _adam_step(parameter, gradient, first_moment, second_moment, steps, step):
    check_adam(parameter, gradient, (first_moment, second_moment), steps)
    written = (parameter, gradient, first_moment, second_moment, steps)
    if not all(tensor.is_contiguous() for tensor in written):
        raise ValueError("adam_step: all tensors must be contiguous: they change in place.")
    rates = _cpu.AdamRates(step.lr, step.beta1, step.beta2, step.eps)
    _cpu.adam_step(rates, *(tensor.detach() for tensor in written))
    increment_version(written)  # autograd must know, as it does of torch's own writes in place


@all_finite.kernel("cpu", torch.float32)
def _all_finite(values):
    return _cpu.all_finite(values.detach().reshape(-1))
