"""Multi-resolution hash grid field (Müller et al. 2022, arXiv 2201.05989)."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..ops import HashGridLayout, hash_grid
from ..scenes import Domain
from .base import Field, ParameterGroup, Points, Probe, check_settings
from .decoders import ColorDecoder, Mlp


@dataclass(frozen=True)
class HashConfig:
    """Sizes of a hash-grid field; the defaults suit two CPU cores."""

    refine_at: ClassVar[tuple[float, ...]] = ()
    tag: ClassVar[str] = "hash"
    levels: int = 8
    features_per_level: int = 4
    log2_entries: int = 17
    base_resolution: int = 16
    finest_resolution: int = 512
    density_hidden: int = 64
    feature_dim: int = 15
    color_hidden: int = 64
    color_layers: int = 1
    samples_per_step: int = 1 << 15
    table_rate: float = 2e-1
    network_rate: float = 1e-2

    PRESETS: ClassVar[dict[str, dict[str, int | float]]] = {
        "tiny": {"log2_entries": 13, "finest_resolution": 128, "density_hidden": 16, "color_hidden": 16},
        "default": {},
        "paper": {
            "log2_entries": 19,
            "finest_resolution": 2048,
            "color_layers": 2,
        },  # instant-ngp's base.json
    }

    def __post_init__(self) -> None:
        check_settings(self)

    def build(self, domain: Domain) -> "HashField":
        return HashField(self, domain)


class HashField(Field):
    """h = mlp(encoding(x)), σ = exp(h₀), features = h₁…; colour = sigmoid(mlp(SH(d), features))."""

    config: HashConfig

    def __init__(self, config: HashConfig, domain: Domain) -> None:
        super().__init__(domain, config.feature_dim)
        self.config = config
        growth = math.exp(
            math.log(config.finest_resolution / config.base_resolution) / max(config.levels - 1, 1)
        )
        self.layout = HashGridLayout(
            levels=config.levels,
            features=config.features_per_level,
            log2_entries=config.log2_entries,
            base_resolution=config.base_resolution,
            per_level_scale=growth,
        )
        table = torch.empty(self.layout.entries, self.layout.features).uniform_(-1e-4, 1e-4)
        self.table = nn.Parameter(table)
        self.trunk = Mlp([self.layout.width, config.density_hidden, 1 + config.feature_dim])
        self.decoder = ColorDecoder(config.feature_dim, config.color_hidden, config.color_layers)

    def probe(self, points: Points) -> Probe:
        encoding = hash_grid(self.domain.unit_from_world(points.position), self.table, self.layout)
        return Probe(*self.trunk.with_density(encoding, self.domain.side))

    def features(self, points: Points, probe: Probe) -> Float[Tensor, "n feature"]:
        del points
        return probe.carry[:, 1:]

    def color(self, features: Float[Tensor, "n feature"], points: Points) -> Float[Tensor, "n rgb=3"]:
        return self.decoder(features, points.direction)

    @property
    def color_decoder(self) -> ColorDecoder:
        return self.decoder

    def parameter_groups(self) -> list[ParameterGroup]:
        networks = (*self.trunk.parameters(), *self.decoder.parameters())
        return [
            ParameterGroup("table", (self.table,), self.config.table_rate, kind="table"),
            ParameterGroup("networks", networks, self.config.network_rate, kind="network"),
        ]
