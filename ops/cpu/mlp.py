"""The small MLP's CPU cell: a block of samples runs through all layers inside the cache."""

import torch
from torch import Tensor

from .. import _cpu
from ..mlp import check_chain, mlp
from ..once_differentiable import once_differentiable


class _Mlp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, inputs, layers, *parameters):
        inputs, parameters = inputs.contiguous(), [parameter.contiguous() for parameter in parameters]
        ctx.save_for_backward(inputs, *parameters)
        ctx.layers = layers
        weights, biases = _split(parameters, layers)
        outputs = torch.empty(len(inputs), len(weights[-1]))
        _cpu.mlp_forward(inputs.detach(), None, weights, biases, outputs)
        return outputs

    @staticmethod
    @once_differentiable("mlp")
    def backward(ctx, grad_outputs):
        inputs, *parameters = (tensor.detach() for tensor in ctx.saved_tensors)
        grad_inputs = torch.empty_like(inputs) if ctx.needs_input_grad[0] else None
        gradients = [torch.zeros_like(parameter) for parameter in parameters]
        _cpu.mlp_backward(
            inputs,
            None,
            *_split(parameters, ctx.layers),
            None,
            grad_outputs.contiguous(),
            grad_inputs,
            *_split(gradients, ctx.layers),
        )
        return grad_inputs, None, *gradients


def _split(parameters: list[Tensor], layers: int) -> tuple[list[Tensor], list[Tensor]]:
    """Weights and biases."""
    parameters = [parameter.detach() for parameter in parameters]
    return parameters[:layers], parameters[layers:]


@mlp.kernel("cpu", torch.float32)
def _mlp(inputs, weights, biases=()):
    check_chain(inputs, weights, biases)
    return _Mlp.apply(inputs, len(weights), *weights, *biases)
