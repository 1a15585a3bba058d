"""Tri-plane field: features on three axis-aligned planes (Chan et al. 2022, arXiv 2112.07945).

Combined by sum, by product (K-Planes, arXiv 2301.10241) or by concatenation. The preset `paper` is the descriptor of
"Neural Processing of Tri-Plane Hybrid Neural Fields" (Cardace et al., ICLR 2024, arXiv 2310.01140): 32×32×16 planes,
joined by an encoding of the position, and an MLP of sines.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..ops import GridLayout, grid_lookup
from ..scenes import Domain
from .base import Field, ParameterGroup, Points, Probe, check_settings, density_from_logit
from .decoders import ColorDecoder, Mlp
from .grids import normal_table, plane_grids, stages, total_variation

Combine = Literal["sum", "product", "concat"]
OMEGA = 30.0


@dataclass(frozen=True)
class TriplaneConfig:
    """Sizes of a tri-plane field; the defaults suit two CPU cores."""

    tag: ClassVar[str] = "triplane"
    refine_at: ClassVar[tuple[float, ...]] = ()
    coarsest_resolution: int = 64
    finest_resolution: int = 256
    levels: int = 3
    channels: int = 16
    combine: Combine = "sum"
    octaves: int = 0  # of an encoding of the position that joins the planes' features
    network: Literal["relu", "sine"] = "relu"
    hidden: int = 64
    feature_dim: int = 15
    color_hidden: int = 64
    color_layers: int = 1
    samples_per_step: int = 1 << 15
    plane_rate: float = 5e-2
    network_rate: float = 1e-2
    smoothness: float = 1e-3  # weight of the planes' total variation

    PRESETS: ClassVar[Mapping[str, Mapping[str, int | float | str]]] = {
        "tiny": {"coarsest_resolution": 16, "finest_resolution": 32, "levels": 2, "channels": 8}
        | {"hidden": 16, "color_hidden": 16},
        "default": {},
        "product": {"combine": "product"},
        "concat": {"combine": "concat"},
        "paper": {"coarsest_resolution": 32, "finest_resolution": 32, "levels": 1, "octaves": 10}
        | {"network": "sine", "color_layers": 2, "plane_rate": 1e-2, "network_rate": 1e-3, "smoothness": 0.0},
    }

    def __post_init__(self) -> None:
        check_settings(self, may_be_zero=("octaves", "smoothness"))

    def build(self, domain: Domain) -> "TriplaneField":
        return TriplaneField(self, domain)


class TriplaneField(Field):
    """h = mlp(P(x), γ(x)), σ = exp(h₀), features = h₁…; colour = sigmoid(mlp(SH(d), features)).

    P is, for every level, Σ (or Π, or all) of the planes xy, xz and yz, bilinearly interpolated.
    """

    config: TriplaneConfig

    def __init__(self, config: TriplaneConfig, domain: Domain) -> None:
        super().__init__(domain, config.feature_dim)
        self.config = config
        sizes = stages(config.coarsest_resolution, config.finest_resolution, config.levels - 1)
        slots = [
            [level] * 3 if config.combine == "sum" else [3 * level + k for k in range(3)]
            for level in range(len(sizes))
        ]
        grids = [plane_grids(size, slot) for size, slot in zip(sizes, slots, strict=True)]
        self.layout = GridLayout(tuple(grid for level in grids for grid in level), config.channels)
        middle, spread = (1.0, 0.1) if config.combine == "product" else (0.0, 0.01)
        self.table = nn.Parameter(normal_table(self.layout.rows, config.channels, middle, spread))
        width = config.channels * len(sizes) * (3 if config.combine == "concat" else 1)
        width += 3 + 6 * config.octaves if config.octaves else 0
        outputs = 1 + config.feature_dim
        self.trunk = (
            SineMlp([width, *[config.hidden] * 3, outputs])
            if config.network == "sine"
            else Mlp([width, config.hidden, outputs])
        )
        self.decoder = ColorDecoder(config.feature_dim, config.color_hidden, config.color_layers)

    def probe(self, points: Points) -> Probe:
        unit = self.domain.unit_from_world(points.position)
        features = grid_lookup(unit, self.table, self.layout)
        if self.config.combine == "product":
            xy, xz, yz = features.unflatten(1, (-1, 3, self.config.channels)).unbind(2)
            features = (xy * xz * yz).flatten(1)
        if self.config.octaves:
            features = torch.cat([features, octave_encoding(unit * 2 - 1, self.config.octaves)], -1)
        hidden = self.trunk(features)
        return Probe(density_from_logit(hidden[:, 0], self.domain), hidden)

    def features(self, points: Points, probe: Probe) -> Float[Tensor, "n feature"]:
        del points
        return probe.carry[:, 1:]

    def color(self, features: Float[Tensor, "n feature"], points: Points) -> Float[Tensor, "n rgb=3"]:
        return self.decoder(features, points.direction)

    @property
    def color_decoder(self) -> ColorDecoder:
        return self.decoder

    def penalty(self, generator: torch.Generator | None = None) -> Float[Tensor, ""]:
        if not self.config.smoothness:
            return super().penalty(generator)
        return self.config.smoothness * total_variation(self.table, self.layout, generator)

    def parameter_groups(self) -> list[ParameterGroup]:
        networks = (*self.trunk.parameters(), *self.decoder.parameters())
        return [
            ParameterGroup("planes", (self.table,), self.config.plane_rate, kind="table"),
            ParameterGroup("networks", networks, self.config.network_rate, kind="network"),
        ]


class SineMlp(nn.Module):
    """sin(ω (W h + b)) at every layer but the last, initialised as SIREN (Sitzmann et al. 2020, arXiv 2006.09661)."""

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        layers = [nn.Linear(a, b) for a, b in pairwise(widths)]
        for index, layer in enumerate(layers):
            bound = 1 / widths[0] if index == 0 else sqrt(6 / widths[index]) / OMEGA
            nn.init.uniform_(layer.weight, -bound, bound)
        self.layers = nn.ModuleList(layers)

    def forward(self, inputs: Float[Tensor, "n in"]) -> Float[Tensor, "n out"]:
        *hidden, last = self.layers
        for layer in hidden:
            inputs = torch.sin(OMEGA * layer(inputs))
        return last(inputs)


def octave_encoding(x: Float[Tensor, "n xyz=3"], octaves: int) -> Float[Tensor, "n encoded"]:
    """(x, sin(2^k x), cos(2^k x) for k = 0 … octaves − 1), without the π of NeRF's, as the paper's code has it."""
    phase = (x[:, None] * (2.0 ** torch.arange(octaves).to(x))[:, None]).flatten(1)
    return torch.cat([x, phase.sin(), phase.cos()], -1)
