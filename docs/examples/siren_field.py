"""A field of one's own: an MLP of sines (SIREN, Sitzmann et al. 2020, arXiv 2006.09661)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from omnifield.fields.base import Field, ParameterGroup, Points, Probe, check_settings, density_from_logit
from omnifield.fields.decoders import ColorDecoder
from omnifield.scenes import Domain
from torch import Tensor, nn


@dataclass(frozen=True)
class SirenConfig:
    """What a user may set. The tag is the name on the command line and in files; presets are tiny, default, paper."""

    tag: ClassVar[str] = "siren"
    refine_at: ClassVar[tuple[float, ...]] = ()  # one resolution, from beginning to end
    width: int = 96
    feature_dim: int = 15
    omega: float = 15.0
    samples_per_step: int = 1 << 13
    rate: float = 1e-3

    PRESETS: ClassVar[dict[str, dict[str, int | float]]] = {
        "tiny": {"width": 32, "rate": 5e-3, "omega": 6.0},
        "default": {},
        "paper": {"width": 256, "omega": 30.0},
    }

    def __post_init__(self) -> None:
        check_settings(self)

    def build(self, domain: Domain) -> "SirenField":
        return SirenField(self, domain)


class SirenField(Field):
    """h = sin(ω W₂ sin(ω W₁ x)), (logit, features) = W₃ h; σ = exp(logit), colour = sigmoid(mlp(SH(d), features))."""

    def __init__(self, config: SirenConfig, domain: Domain) -> None:
        super().__init__(domain, config.feature_dim)
        self.config = config
        self.first = nn.Linear(3, config.width)
        self.second = nn.Linear(config.width, config.width)
        self.head = nn.Linear(config.width, 1 + config.feature_dim)
        self.decoder = ColorDecoder(config.feature_dim, 32, 1)
        bound = (6 / config.width) ** 0.5 / config.omega
        nn.init.uniform_(self.second.weight, -bound, bound)

    def probe(self, points: Points) -> Probe:
        x = self.domain.unit_from_world(points.position) * 2 - 1
        hidden = torch.sin(self.config.omega * self.first(x))
        head = self.head(torch.sin(self.config.omega * self.second(hidden)))
        return Probe(density_from_logit(head[:, 0], self.domain), head)

    def features(self, points: Points, probe: Probe) -> Float[Tensor, "n feature"]:
        return probe.carry[:, 1:]

    def color(self, features: Float[Tensor, "n feature"], points: Points) -> Float[Tensor, "n rgb=3"]:
        return self.decoder(features, points.direction)

    @property
    def color_decoder(self) -> ColorDecoder:
        return self.decoder

    def parameter_groups(self) -> list[ParameterGroup]:
        return [ParameterGroup("networks", tuple(self.parameters()), self.config.rate, kind="network")]
