"""The small MLP's CPU cell: a block of samples runs through all layers inside the cache."""

import torch

from .. import _cpu
from ..mlp import check_chain, mlp


class _Mlp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, inputs, *weights):
        inputs, weights = inputs.contiguous(), [weight.contiguous() for weight in weights]
        ctx.save_for_backward(inputs, *weights)
        outputs = torch.empty(len(inputs), weights[-1].shape[0])
        _cpu.mlp_forward(inputs.detach(), [weight.detach() for weight in weights], outputs)
        return outputs

    @staticmethod
    def backward(ctx, grad_outputs):
        inputs, *weights = (tensor.detach() for tensor in ctx.saved_tensors)
        grad_inputs = torch.empty_like(inputs) if ctx.needs_input_grad[0] else None
        grad_weights = [torch.zeros_like(weight) for weight in weights]
        _cpu.mlp_backward(inputs, weights, grad_outputs.contiguous(), grad_inputs, grad_weights)
        return grad_inputs, *grad_weights


@mlp.kernel("cpu", torch.float32)
def _mlp(inputs, weights):
    check_chain(inputs, weights)
    return _Mlp.apply(inputs, *weights)
