"""A loss of one's own: mip-NeRF 360's distortion loss (Barron et al. 2022, arXiv 2111.12077, Eq. 15).

It draws the weights along a ray together, so that nothing floats before a surface.
"""

from jaxtyping import Float
from omnifield.renderers import Rendering, Trace
from omnifield.train.pixels import PixelBatch
from torch import Tensor


def distortion(rendering: Rendering, trace: Trace, batch: PixelBatch) -> Float[Tensor, ""]:
    """The mean over the rays of Σᵢⱼ wᵢ wⱼ |tᵢ − tⱼ| + ⅓ Σ wᵢ² dtᵢ, t the middles of intervals dt.

    In world units; the paper's are fractions of a ray. Samples stand near to far, so the first sum is
    2 Σᵢ wᵢ (tᵢ Wᵢ − Tᵢ) with the sums W of w and T of w t before each: no pairs (Sun et al. 2022, arXiv 2206.05085).
    """
    weight, t = trace.weight, trace.samples.t
    before = trace.samples.sums_before
    apart = 2 * weight * (t * before(weight) - before(weight * t))
    within = weight.square() * trace.samples.dt / 3
    return (apart + within).sum() / max(len(batch.rays), 1)
