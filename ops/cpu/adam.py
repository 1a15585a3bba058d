"""Adam's CPU cell."""

import torch
from torch.autograd.graph import increment_version

from .. import _cpu
from ..adam import adam_step, check_adam


@adam_step.kernel("cpu", torch.float32)
@torch.no_grad()
def _adam_step(parameter, gradient, first_moment, second_moment, steps, step):
    check_adam(parameter, gradient, (first_moment, second_moment), steps)
    written = (parameter, first_moment, second_moment, steps)
    if not all(tensor.is_contiguous() for tensor in written):
        raise ValueError("adam_step: parameter, moments and steps must be contiguous: they change in place.")
    rates = _cpu.AdamRates(step.lr, step.beta1, step.beta2, step.eps)
    values, first, second, counts = (tensor.detach() for tensor in written)
    _cpu.adam_step(rates, values, gradient.detach().contiguous(), first, second, counts)
    increment_version(written)  # autograd must know, as it does of torch's own writes in place
