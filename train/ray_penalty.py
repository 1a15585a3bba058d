"""What Mip-VoG adds to the loss for what rays see (arXiv 2304.10075); the weights are the field's."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..fields import RayPenalties
from ..renderers import Rendering, Trace
from .pixels import PixelBatch

LEAST = 1e-6  # opacities are kept that far from 0 and 1, where the entropy has no slope


def ray_penalty(
    weights: RayPenalties, rendering: Rendering, trace: Trace, batch: PixelBatch
) -> Float[Tensor, ""]:
    penalty = torch.zeros_like(rendering.opacity[:1]).sum()
    if weights.background_entropy:
        penalty = penalty + weights.background_entropy * entropy(rendering.opacity)
    if weights.sample_color:
        penalty = penalty + weights.sample_color * sample_color(trace, batch)
    if weights.opacity_sparsity:
        penalty = penalty + weights.opacity_sparsity * sparsity(trace.thickness)
    return penalty


def entropy(opacity: Float[Tensor, "ray"]) -> Float[Tensor, ""]:
    """The mean of −α log α − (1 − α) log(1 − α): least where rays see something, or nothing."""
    opacity = opacity.clamp(LEAST, 1 - LEAST)
    return -(opacity * opacity.log() + (1 - opacity) * torch.log1p(-opacity)).mean()


def sample_color(trace: Trace, batch: PixelBatch) -> Float[Tensor, ""]:
    """Σ w ‖c − pixel‖² over the samples, per ray; the weights w are constants, and a pixel counts as far as it is
    opaque."""
    error = (trace.values[:, :3] - batch.color[trace.ray]).square().sum(-1)
    weight = trace.weight.detach() * batch.alpha[trace.ray] * (batch.weight > 0)[trace.ray]
    return (weight * error).sum() / max(len(batch.rays), 1)


def sparsity(thickness: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    """The mean of log(1 + α² / 0.5), the Cauchy penalty of each sample's opacity α."""
    opacity = -torch.expm1(-thickness)
    return torch.log1p(opacity.square() / 0.5).sum() / max(len(thickness), 1)
