"""Nothing floats before a surface: mip-NeRF 360's distortion loss (Barron et al. 2022, arXiv 2111.12077, Eq. 15)."""

from jaxtyping import Float
from torch import Tensor

from ..renderers import Rendering, Trace
from .pixels import PixelBatch


def distortion(rendering: Rendering, trace: Trace, batch: PixelBatch, *, scale: float) -> Float[Tensor, ""]:
    """The mean over the rays of Σᵢⱼ wᵢ wⱼ |sᵢ − sⱼ| + ⅓ Σ wᵢ² dsᵢ, of distances s = t / (t + scale): half of the way to
    infinity lies nearer than `scale` (world units), as it does in the paper's inverse distances.

    Samples stand near to far, so the first sum is 2 Σᵢ wᵢ (sᵢ Wᵢ − Sᵢ) with the sums W of w and S of w s before each:
    no pairs (Sun et al. 2022, arXiv 2206.05085).
    """
    weight, t = trace.weight, trace.samples.t
    s, ds = t / (t + scale), scale * trace.samples.dt / (t + scale).square()
    before = trace.samples.sums_before
    apart = 2 * weight * (s * before(weight) - before(weight * s))
    within = weight.square() * ds / 3
    return (apart + within).sum() / max(len(batch.rays), 1)
