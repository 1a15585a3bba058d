"""Spherical harmonics' CPU cell."""

import torch

from .. import _cpu
from ..once_differentiable import once_differentiable
from ..spherical_harmonics import MAX_DEGREE, check_directions, spherical_harmonics


class _SphericalHarmonics(torch.autograd.Function):
    @staticmethod
    def forward(ctx, directions, degree):
        directions = directions.detach().contiguous()
        ctx.save_for_backward(directions)
        ctx.degree = degree
        harmonics = torch.empty(len(directions), degree**2)
        _cpu.spherical_harmonics_forward(degree, directions, harmonics)
        return harmonics

    @staticmethod
    @once_differentiable("spherical_harmonics")
    def backward(ctx, grad_harmonics):
        (directions,) = ctx.saved_tensors
        grad_directions = torch.empty_like(directions)
        _cpu.spherical_harmonics_backward(
            ctx.degree, directions, grad_harmonics.contiguous(), grad_directions
        )
        return grad_directions, None


@spherical_harmonics.kernel("cpu", torch.float32)
def _spherical_harmonics(directions, degree=MAX_DEGREE):
    check_directions(directions, degree)
    return _SphericalHarmonics.apply(directions, degree)
