"""Plain MLP field (NeRF, Mildenhall et al. 2020, arXiv 2003.08934)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..ops import mlp
from ..scenes import Domain
from .base import Field, ParameterGroup, Points, Probe, check_settings, density_from_logit
from .decoders import ColorDecoder
from .encodings import frequency_encoding


@dataclass(frozen=True)
class MlpConfig:
    """Sizes of a plain MLP field; the defaults suit two CPU cores, `paper` is NeRF's."""

    refine_at: ClassVar[tuple[float, ...]] = ()
    tag: ClassVar[str] = "mlp"
    octaves: int = 6
    width: int = 128
    layers: int = 4
    skip: int = 0  # the layer whose input is joined by the encoding again; 0 is none
    feature_dim: int = 15
    color_hidden: int = 64
    color_layers: int = 1
    samples_per_step: int = 1 << 12
    rate: float = 9e-3

    PRESETS: ClassVar[dict[str, dict[str, int | float]]] = {
        "tiny": {"width": 32, "layers": 2, "color_hidden": 16},
        "default": {},
        "paper": {
            "octaves": 10,
            "width": 256,
            "layers": 8,
            "skip": 5,
            "feature_dim": 256,
            "color_hidden": 128,
            "color_layers": 1,
            "rate": 5e-4,
        },
    }

    def __post_init__(self) -> None:
        check_settings(self, may_be_zero=("octaves", "skip"))
        if self.skip >= self.layers:
            raise ValueError(
                f"The setting skip of the mlp field must be below layers ({self.layers}), not {self.skip}."
            )

    def build(self, domain: Domain) -> "MlpField":
        return MlpField(self, domain)


class MlpField(Field):
    """h = trunk(γ(x)), (logit, features) = W h; σ = exp(logit), colour = sigmoid(mlp(SH(d), features))."""

    config: MlpConfig

    def __init__(self, config: MlpConfig, domain: Domain) -> None:
        super().__init__(domain, config.feature_dim)
        self.config = config
        encoded = 3 + 6 * config.octaves
        inputs = [encoded] + [config.width] * (config.layers - 1)
        if config.skip:
            inputs[config.skip] += encoded
        self.trunk = nn.ModuleList(nn.Linear(width, config.width) for width in inputs)
        self.head = nn.Linear(config.width, 1 + config.feature_dim)
        self.decoder = ColorDecoder(config.feature_dim, config.color_hidden, config.color_layers)

    def probe(self, points: Points) -> Probe:
        encoding = frequency_encoding(
            self.domain.unit_from_world(points.position) * 2 - 1, self.config.octaves
        )
        layers, skip = [*self.trunk, self.head], self.config.skip
        if skip:
            encoding = torch.cat([encoding, torch.relu(_chain(encoding, layers[:skip]))], -1)
        head = _chain(encoding, layers[skip:])
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
        return [ParameterGroup("networks", tuple(self.parameters()), self.config.rate, kind="network")]


def _chain(inputs: Float[Tensor, "n in"], layers: Sequence[nn.Module]) -> Float[Tensor, "n out"]:
    return mlp(inputs, [layer.weight for layer in layers], [layer.bias for layer in layers])  # pyright: ignore
