"""What Mip-VoG adds to the loss for what rays see (arXiv 2304.10075); a field, or a user, says with which weights."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..renderers import Rendering, Trace
from .pixels import PixelBatch

LEAST = 1e-6  # opacities are kept that far from 0 and 1, where the entropy has no slope


def background_entropy(rendering: Rendering, trace: Trace, batch: PixelBatch) -> Float[Tensor, ""]:
    """The mean of −α log α − (1 − α) log(1 − α) over the rays: least where they see something, or nothing."""
    opacity = rendering.opacity.clamp(LEAST, 1 - LEAST)
    return -(opacity * opacity.log() + (1 - opacity) * torch.log1p(-opacity)).mean()


def sample_color(rendering: Rendering, trace: Trace, batch: PixelBatch) -> Float[Tensor, ""]:
    """Σ w ‖c − pixel‖² over the visible samples, per ray; a sample's colour is the first three numbers that are
    composited. The weights w are constants, and a pixel counts as far as it is opaque."""
    ray = trace.samples.ray[trace.visible]
    error = (trace.values[:, :3] - batch.color[ray]).square().sum(-1)
    weight = trace.weight.detach()[trace.visible] * batch.alpha[ray] * (batch.weight > 0)[ray]
    return (weight * error).sum() / max(len(batch.rays), 1)


def opacity_sparsity(rendering: Rendering, trace: Trace, batch: PixelBatch) -> Float[Tensor, ""]:
    """The mean of log(1 + α² / 0.5), the Cauchy penalty of each sample's opacity α."""
    opacity = -torch.expm1(-trace.thickness)
    return torch.log1p(opacity.square() / 0.5).sum() / max(len(opacity), 1)


# By the names under which `Field.ray_losses` and the settings of a training give them weights.
RAY_LOSSES = {loss.__name__: loss for loss in (background_entropy, sample_color, opacity_sparsity)}
