"""The colour's CPU cell: the small MLP's kernel, which computes harmonics and sigmoid in its block as well."""

import torch

from .. import _cpu
from ..check import check_same_kind, check_shape
from ..once_differentiable import once_differentiable
from ..view_color import view_color


class _ViewColor(torch.autograd.Function):
    @staticmethod
    def forward(ctx, features, directions, *weights):
        features, directions = features.detach(), directions.detach().contiguous()
        if features.stride(1) != 1:  # columns of a wider tensor are read where they are
            features = features.contiguous()
        weights = [weight.detach().contiguous() for weight in weights]
        colors = torch.empty(len(features), len(weights[-1]))
        _cpu.mlp_forward(features, directions, weights, [], colors)
        ctx.save_for_backward(features, directions, colors, *weights)
        return colors

    @staticmethod
    @once_differentiable("view_color")
    def backward(ctx, grad_colors):
        features, directions, colors, *weights = ctx.saved_tensors
        grad_features = torch.empty(features.shape) if ctx.needs_input_grad[0] else None
        gradients = [torch.zeros_like(weight) for weight in weights]
        _cpu.mlp_backward(
            features,
            directions,
            weights,
            [],
            colors.detach(),
            grad_colors.contiguous(),
            grad_features,
            gradients,
            [],
        )
        return grad_features, None, *gradients


@view_color.kernel("cpu", torch.float32)
def _view_color(features, directions, weights):
    if (
        directions.requires_grad
    ):  # a pose is refined: the kernel has no gradient for it, the ops one by one have
        return view_color.reference(features, directions, weights)
    check_shape("view_color", "features", features, (None, None))
    check_shape("view_color", "directions", directions, (len(features), 3))
    check_same_kind("view_color", {f"weight {layer}": weight for layer, weight in enumerate(weights)})
    return _ViewColor.apply(features, directions, *weights)
