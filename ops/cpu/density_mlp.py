"""The CPU cell of `density_mlp`: the small MLP's kernel, which takes the density from its block, and its gradient."""

import torch

from .. import _cpu
from ..density_mlp import density_mlp
from ..mlp import check_chain
from ..once_differentiable import once_differentiable


class _DensityMlp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, inputs, side, *weights):
        inputs, weights = inputs.detach().contiguous(), [weight.detach().contiguous() for weight in weights]
        outputs, density = torch.empty(len(inputs), len(weights[-1])), torch.empty(len(inputs))
        _cpu.mlp_forward(inputs, None, weights, [], outputs, density, side)
        ctx.save_for_backward(inputs, density, *weights)
        return density, outputs

    @staticmethod
    @once_differentiable("density_mlp")
    def backward(ctx, grad_density, grad_outputs):
        inputs, density, *weights = (tensor.detach() for tensor in ctx.saved_tensors)
        grad_inputs = torch.empty_like(inputs) if ctx.needs_input_grad[0] else None
        gradients = [torch.zeros_like(weight) for weight in weights]
        _cpu.mlp_backward(
            inputs,
            None,
            weights,
            [],
            None,
            grad_outputs.contiguous(),
            grad_inputs,
            gradients,
            [],
            density,
            grad_density.contiguous(),
        )
        return grad_inputs, None, *gradients


@density_mlp.kernel("cpu", torch.float32)
def _density_mlp(inputs, weights, side):
    check_chain(inputs, weights, ())
    return _DensityMlp.apply(inputs, side, *weights)
