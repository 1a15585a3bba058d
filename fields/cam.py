"""Coordinate-aware modulation field (CAM, Lee et al. 2024, arXiv 2311.14993)."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import pi
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from ..ops import Grid, GridLayout, grid_lookup
from ..scenes import Domain
from .base import Field, ParameterGroup, Points, Probe, check_settings, density_from_logit
from .decoders import ColorDecoder
from .encodings import frequency_encoding
from .quantize import FULL_PRECISION, QuantizedLinear, check_bits, pack, quantized, unpack

Coordinate = Literal["direction", "time", "position"]
AZIMUTHS, ELEVATIONS, TIMES = 10, 3, 5  # the paper's nodes
WARP_LAYERS, WARP_WIDTH, WARP_OCTAVES = 4, 64, 4  # of the paper's deformation network, T-NeRF's


@dataclass(frozen=True)
class CamConfig:
    """Sizes of a modulated MLP, and what modulates it; the defaults suit two CPU cores.

    `direction` is the paper's choice for static scenes: the density then depends on where it is seen from, and an
    occupancy grid holds only for the directions that it was looked at from. `time` is the paper's for moving scenes,
    with T-NeRF's deformation in front. `position` is ours: three planes per layer, added. (The released code
    multiplies them, but three planes of zeros have a product without a gradient: its β never leaves 0.)
    """

    refine_at: ClassVar[tuple[float, ...]] = ()
    tag: ClassVar[str] = "cam"
    coordinate: Coordinate = "position"
    plane_nodes: int = 64  # along both axes of the planes of `position`
    octaves: int = 6
    width: int = 128
    layers: int = 4
    skip: int = 0  # the layer whose input is joined by the encoding again; 0 is none
    feature_dim: int = 15
    color_hidden: int = 64
    color_layers: int = 1
    bits: int = FULL_PRECISION  # of weights and grids, while they are trained and in files
    samples_per_step: int = 1 << 12
    network_rate: float = 6e-3
    grid_rate: float = 1e-2

    _PAPER: ClassVar[dict[str, int | float | str]] = {
        "octaves": 10,
        "width": 256,
        "layers": 8,
        "skip": 5,
        "feature_dim": 256,
        "color_hidden": 128,
        "color_layers": 1,
        "network_rate": 5e-4,
        "grid_rate": 5e-3,
    }
    PRESETS: ClassVar[dict[str, dict[str, int | float | str]]] = {
        "tiny": {"plane_nodes": 8, "width": 32, "layers": 2, "color_hidden": 16},
        "default": {},
        "small8": {"bits": 8},
        "paper": _PAPER | {"coordinate": "direction"},
        "paper8": _PAPER | {"coordinate": "direction", "bits": 8},
        "dynamic": _PAPER | {"coordinate": "time"},
    }

    def __post_init__(self) -> None:
        check_settings(self, may_be_zero=("octaves", "skip"))
        check_bits(self.tag, self.bits)
        if self.skip >= self.layers:
            raise ValueError(
                f"The setting skip of the cam field must be below layers ({self.layers}), not {self.skip}."
            )
        if self.coordinate == "position" and self.plane_nodes < 2:
            raise ValueError("The setting plane_nodes of the cam field must be at least 2.")

    def build(self, domain: Domain) -> "CamField":
        return CamField(self, domain)


class CamField(Field):
    """h ← relu(γ_l(c) · norm(W_l h + b_l) + β_l(c)) for every layer l of the trunk: Eq. 1 of the paper, with one γ and
    one β per layer and place. Then (logit, features) = W h; σ = exp(logit), colour = sigmoid(mlp(SH(d), features)).

    norm is a layer norm of each sample, without weights, where the paper has a group norm over all samples of a ray:
    here rays have as many samples as they need, and a sample's density must not depend on the others'. A field of
    `time` has none, as the paper's.
    """

    config: CamConfig

    def __init__(self, config: CamConfig, domain: Domain) -> None:
        super().__init__(domain, config.feature_dim)
        self.config = config
        self.follows_time = config.coordinate == "time"
        self.follows_direction = config.coordinate == "direction"
        encoded = 3 + 6 * config.octaves
        inputs = [encoded] + [config.width] * (config.layers - 1)
        if config.skip:
            inputs[config.skip] += encoded
        self.trunk = nn.ModuleList(QuantizedLinear(width, config.width, config.bits) for width in inputs)
        self.head = QuantizedLinear(config.width, 1 + config.feature_dim, config.bits)
        self.modulation = Modulation(config)
        self.warp = Warp(config.bits) if config.coordinate == "time" else None
        self.decoder = ColorDecoder(
            config.feature_dim, config.color_hidden, config.color_layers, bits=config.bits
        )

    def probe(self, points: Points) -> Probe:
        unit = self.domain.unit_from_world(points.position)
        gammas, betas = self.modulation(unit, points)
        canonical = unit * 2 - 1
        if self.warp is not None:
            canonical = canonical + self.warp(canonical, points.time)
        hidden = encoding = frequency_encoding(canonical, self.config.octaves)
        for index, (layer, gamma, beta) in enumerate(zip(self.trunk, gammas, betas, strict=True)):
            if index == self.config.skip and index > 0:
                hidden = torch.cat([encoding, hidden], -1)
            hidden = layer(hidden)
            if self.warp is None:
                hidden = functional.layer_norm(hidden, hidden.shape[1:])
            hidden = modulated(hidden, gamma, beta)
        head = self.head(hidden)
        return Probe(density_from_logit(head[:, 0], self.domain), head)

    def features(self, points: Points, probe: Probe) -> Float[Tensor, "n feature"]:
        del points
        return probe.carry[:, 1:]

    def color(self, features: Float[Tensor, "n feature"], points: Points) -> Float[Tensor, "n rgb=3"]:
        return self.decoder(features, points.direction)

    @property
    def color_decoder(self) -> ColorDecoder:
        return self.decoder

    def parameter_groups(self) -> list[ParameterGroup]:
        grids = self.modulation.grids
        networks = tuple(parameter for parameter in self.parameters() if parameter is not grids)
        return [
            ParameterGroup("grids", (grids,), self.config.grid_rate, kind="grid"),
            ParameterGroup("networks", networks, self.config.network_rate, kind="network"),
        ]

    def stored_state(self) -> dict[str, Tensor]:
        state = super().stored_state()
        return pack(state, self.config.bits, self._packed()) if self._packed() else state

    def unpacked(self, stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return unpack(stored, self._packed())

    def _packed(self) -> dict[str, int | None]:
        """The names of what is stored in few bits: all but the biases; the grids in units of their own for each γ and
        each β of a layer."""
        if self.config.bits == FULL_PRECISION:
            return {}
        matrices = (name for name, parameter in self.named_parameters() if parameter.ndim > 1)
        return {name: 1 if name == "modulation.grids" else None for name in matrices}


def modulated(
    hidden: Float[Tensor, "n channel"], gamma: Float[Tensor, "n"], beta: Float[Tensor, "n"]
) -> Float[Tensor, "n channel"]:
    """relu(γ h + β), one γ and one β for all channels of a sample."""
    return torch.addcmul(beta[:, None], gamma[:, None], hidden).relu_()


class Modulation(nn.Module):
    """γ and β of every layer, interpolated linearly in grids over a coordinate. All of them are looked up at once: a
    node holds (γ_1 … γ_L, β_1 … β_L)."""

    def __init__(self, config: CamConfig) -> None:
        super().__init__()
        self.config = config
        self.layout = _layout(config)
        grids = torch.zeros(self.layout.rows, 2 * config.layers)
        # The planes of a position are added, so each begins with its share of γ = 1.
        grids[:, : config.layers] = 1 / len(self.layout.grids)
        self.grids = nn.Parameter(
            grids[: AZIMUTHS * ELEVATIONS] if config.coordinate == "direction" else grids
        )

    def forward(
        self, unit: Float[Tensor, "n xyz=3"], points: Points
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """γ (n) and β (n) of each layer, at points that lie at `unit` in the domain's unit cube."""
        grids, layers = quantized(self.grids, self.config.bits, 1), self.config.layers
        if self.config.coordinate == "position":
            place = unit
        elif self.config.coordinate == "time":
            place = points.time[:, None].expand(-1, 3)
        else:
            place = on_the_sphere(points.direction)
            around = grids.reshape(ELEVATIONS, AZIMUTHS, -1)
            grids = torch.cat([around, around[:, :1]], 1).flatten(0, 1)  # the last azimuth is the first again
        values = grid_lookup(place, grids, self.layout).unbind(-1)
        return values[:layers], values[layers:]


def _layout(config: CamConfig) -> GridLayout:
    nodes = config.plane_nodes
    grids = {
        "direction": (Grid((0, 1), (AZIMUTHS + 1, ELEVATIONS), 0),),
        "time": (Grid((0,), (TIMES,), 0),),
        "position": tuple(Grid(axes, (nodes, nodes), 0) for axes in ((0, 1), (0, 2), (1, 2))),
    }
    return GridLayout(grids[config.coordinate], 2 * config.layers)


def on_the_sphere(direction: Float[Tensor, "n xyz=3"]) -> Float[Tensor, "n place=3"]:
    """(azimuth, elevation, 0) of unit vectors, both in [0, 1]: from pole to pole.

    The released code maps elevations to twice this range, so that one hemisphere falls off the grid.
    """
    x, y, z = direction.unbind(-1)
    azimuth = torch.atan2(y, x) / (2 * pi) + 0.5
    elevation = torch.atan2(z, torch.hypot(x, y)) / pi + 0.5
    return torch.stack([azimuth, elevation, torch.zeros_like(x)], -1)


class Warp(nn.Module):
    """How far a point has moved from where it was in the canonical scene: a small network of place and time, as in the
    T-NeRF that the paper modulates (D-NeRF, Pumarola et al. 2021, arXiv 2011.13961). It begins near standstill."""

    def __init__(self, bits: int) -> None:
        super().__init__()
        widths = [4 + 8 * WARP_OCTAVES] + [WARP_WIDTH] * WARP_LAYERS
        self.hidden = nn.ModuleList(QuantizedLinear(*pair, bits) for pair in pairwise(widths))
        self.shift = QuantizedLinear(WARP_WIDTH, 3, bits)
        nn.init.uniform_(self.shift.weight, -1e-4, 1e-4)
        nn.init.zeros_(self.shift.bias)

    def forward(self, x: Float[Tensor, "n xyz=3"], time: Float[Tensor, "n"]) -> Float[Tensor, "n xyz=3"]:
        hidden = frequency_encoding(torch.cat([x, time[:, None]], -1), WARP_OCTAVES)
        for layer in self.hidden:
            hidden = layer(hidden).relu_()
        return self.shift(hidden)
