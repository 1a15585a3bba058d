"""A sampler of one's own: a coarse grid learns where the field is, and samples go there (Mip-NeRF 360, 2111.12077)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Float64, Int
from omnifield.fields import ParameterGroup, Points
from omnifield.fields.base import density_from_logit
from omnifield.ops import ray_weights
from omnifield.renderers import Density, Sampler, Samples, UniformConfig
from omnifield.renderers.march import jitter
from omnifield.renderers.sampler import check_within
from omnifield.scenes import Domain, Rays
from torch import Tensor, nn

FLOOR = 0.01  # of a ray's samples in each of its bins, whatever the grid says: nothing is missed for ever


@dataclass(frozen=True)
class ProposalConfig:
    """What a user may set: the grid's cells and a march's bins along a side, the samples of a ray, the rate."""

    tag: ClassVar[str] = "proposal"
    resolution: int = 16
    bins_per_side: int = 32
    samples: int = 32
    rate: float = 0.1

    def __post_init__(self) -> None:
        most = {"resolution": (2, 256), "bins_per_side": (1, 4096), "samples": (1, 4096), "rate": (0.0, 1e3)}
        check_within(self, most)

    def build(self, domain: Domain) -> "ProposalSampler":
        return ProposalSampler(domain, self)


class ProposalSampler(Sampler):
    """Bins along each ray are as likely as they are visible in the grid; samples lie at quantiles of that."""

    config: ProposalConfig

    def __init__(self, domain: Domain, config: ProposalConfig) -> None:
        super().__init__(domain, config)
        self.logits = nn.Parameter(torch.zeros((1, 1) + (config.resolution,) * 3))
        self.march = UniformConfig(config.bins_per_side).build(domain)

    def proposal(self, rays: Rays) -> tuple[Samples, Float[Tensor, "bin"]]:
        """The bins of all rays, and what each would weigh in the grid."""
        bins = self.march.sample(self.density, rays, None)
        return bins, ray_weights(self.density(bins.points(rays)), bins.dt, bins.offsets)

    def density(self, points: Points) -> Float[Tensor, "n"]:
        place = self.domain.unit_from_world(points.position) * 2 - 1
        logit = nn.functional.grid_sample(self.logits, place[None, None, None], align_corners=False)
        return density_from_logit(logit.flatten(), self.domain)

    @torch.no_grad()
    def sample(self, density: Density, rays: Rays, generator: torch.Generator | None) -> Samples:
        bins, weight = self.proposal(rays)
        hit, many = bins.counts.nonzero()[:, 0], self.config.samples
        bins, start = bins.of(hit), jitter(rays, generator)[hit]
        share = weight.double() + FLOOR
        share = share / torch.zeros_like(start.double()).index_add(0, bins.ray, share)[bins.ray]
        tick = torch.arange(many + 1, device=start.device)
        edges = self._at(bins, share, (tick / many).expand(len(hit), -1))
        t = self._at(bins, share, (tick[:-1] + start[:, None]) / many)
        counts = bins.ray.new_zeros(len(rays)).index_fill(0, hit, many)
        offsets = nn.functional.pad(counts.cumsum(0), (1, 0))
        return Samples(t.flatten(), edges.diff(dim=-1).flatten(), hit.repeat_interleave(many), offsets)

    def _at(
        self, bins: Samples, share: Float64[Tensor, "bin"], quantile: Float[Tensor, "ray _"]
    ) -> Float[Tensor, "ray _"]:
        """Where along each ray so much of it is passed. Shares add up to 1 on every ray, so to i before ray i."""
        passed, first = share.cumsum(0), torch.arange(len(quantile), device=quantile.device)[:, None]
        row = torch.searchsorted(passed, quantile.double() + first)
        row = row.maximum(bins.offsets[:-1, None]).minimum(bins.offsets[1:, None] - 1)
        within = 0.5 - (passed[row] - first - quantile) / share[row]
        t = bins.t[row] + within.clamp(-0.5, 0.5) * bins.dt[row]
        return t.float().minimum(bins.t[bins.offsets[1:] - 1][:, None])  # the last bin may end outside

    def step_at(self, distance: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
        return self.march.step_at(distance)

    def parameter_groups(self) -> list[ParameterGroup]:
        return [ParameterGroup("proposal", (self.logits,), self.config.rate, kind="grid")]

    def loss(self, rays: Rays, samples: Samples, weights: Float[Tensor, "n"]) -> Float[Tensor, ""]:
        """Eq. 13: Σ max(0, w − proposed)² / w over the bins, of which w is what the field's samples in it weigh."""
        bins, proposed = self.proposal(rays)
        if len(bins) == 0:
            return proposed.sum()
        row = _bin_of(samples, bins)
        found = torch.zeros_like(proposed).index_add(0, row, weights.detach())
        return ((found - proposed).clamp_min(0).square() / (found + 1e-3)).sum() / len(rays)


def _bin_of(samples: Samples, bins: Samples) -> Int[Tensor, "n"]:
    """In which bin of its ray each sample lies."""
    far = 1 + 2 * bins.t.amax().double()  # farther than any end of a bin: so rays follow one another
    ends = bins.ray * far + bins.t + bins.dt / 2
    return torch.searchsorted(ends, samples.ray * far + samples.t).clamp_max(len(bins) - 1)
