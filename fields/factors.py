"""Factored fields that grow while they are trained (TensoRF, Chen et al. 2022, arXiv 2203.09517): VM and CP."""

import abc
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..ops import GridLayout, grid_lookup
from ..scenes import Domain
from .base import Field, Occupied, ParameterGroup, Points, Probe, density_from_logit
from .decoders import ColorDecoder
from .grids import magnitude, normal_table, resampled, total_variation


@runtime_checkable
class FactoredConfig(Protocol):
    """What the two configurations have in common."""

    @property
    def feature_dim(self) -> int: ...
    @property
    def color_hidden(self) -> int: ...
    @property
    def color_layers(self) -> int: ...
    @property
    def spread(self) -> float: ...
    @property
    def grid_rate(self) -> float: ...
    @property
    def network_rate(self) -> float: ...
    @property
    def sparsity(self) -> float: ...
    @property
    def smoothness(self) -> float: ...


class Factors(nn.Module):
    """The grids of one factored volume, in one table, at one of several stages of resolution."""

    def __init__(self, layouts: tuple[GridLayout, ...], spread: float) -> None:
        super().__init__()
        self.layouts = layouts
        self.stage = 0
        self.table = nn.Parameter(normal_table(layouts[0].rows, layouts[0].channels, 0.0, spread))

    @property
    def layout(self) -> GridLayout:
        return self.layouts[self.stage]

    def forward(self, unit: Float[Tensor, "n xyz=3"]) -> Float[Tensor, "n slot channel"]:
        return grid_lookup(unit, self.table, self.layout).unflatten(1, (self.layout.slots, -1))

    def refine(self) -> None:
        coarse = self.layout
        self.stage += 1
        self.table = nn.Parameter(resampled(self.table.detach(), coarse, self.layout))

    def go_to(self, stage: int) -> None:
        self.stage = stage
        self.table.data = self.table.data.new_empty(self.layout.rows, self.layout.channels)


class FactoredField(Field):
    """logit = Σ_r density products, features = B · appearance products; colour = sigmoid(mlp(SH(d), features)).

    The sum over density products is a log-density, as in PVD (arXiv 2211.15977); TensoRF's goes through a softplus.
    """

    config: FactoredConfig  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(
        self,
        config: FactoredConfig,
        domain: Domain,
        density: tuple[GridLayout, ...],
        appearance: tuple[GridLayout, ...],
    ) -> None:
        super().__init__(domain, config.feature_dim)
        self.config = config
        self.density_factors = Factors(density, config.spread)
        self.appearance_factors = Factors(appearance, config.spread)
        self.basis = nn.Linear(self.components(appearance[0]), config.feature_dim, bias=False)
        self.decoder = ColorDecoder(config.feature_dim, config.color_hidden, config.color_layers)
        self.register_buffer("stage", torch.zeros((), dtype=torch.int64))

    @staticmethod
    @abc.abstractmethod
    def components(layout: GridLayout) -> int:
        """How many products the grids of a layout make."""

    @staticmethod
    @abc.abstractmethod
    def products(values: Float[Tensor, "n slot channel"]) -> Float[Tensor, "n component"]:
        """The products of what was looked up in the grids."""

    def probe(self, points: Points) -> Probe:
        products = self.products(self.density_factors(self.domain.unit_from_world(points.position)))
        return Probe(density_from_logit(products.sum(-1), self.domain), products[:, :0])

    def features(self, points: Points, probe: Probe) -> Float[Tensor, "n feature"]:
        del probe
        return self.basis(
            self.products(self.appearance_factors(self.domain.unit_from_world(points.position)))
        )

    def color(self, features: Float[Tensor, "n feature"], points: Points) -> Float[Tensor, "n rgb=3"]:
        return self.decoder(features, points.direction)

    @property
    def color_decoder(self) -> ColorDecoder:
        return self.decoder

    def penalty(self, generator: torch.Generator | None = None) -> Float[Tensor, ""]:
        penalty, density, appearance = (
            super().penalty(generator),
            self.density_factors,
            self.appearance_factors,
        )
        if self.config.sparsity:
            penalty = penalty + self.config.sparsity * magnitude(density.table, density.layout, generator)
        if self.config.smoothness:
            for part in (density, appearance):
                penalty = penalty + self.config.smoothness * total_variation(
                    part.table, part.layout, generator
                )
        return penalty

    def refine(self, occupied: Occupied) -> None:
        del occupied  # every node of a line or plane serves much of the volume
        for part in (self.density_factors, self.appearance_factors):
            part.refine()
        self.stage += 1

    def take_shape_of(self, state: Mapping[str, Tensor]) -> None:
        stage = int(state["stage"])
        if state["stage"].dtype != torch.int64 or not 0 <= stage < len(self.density_factors.layouts):
            raise ValueError(f"there is no stage {stage} of resolution")
        for part in (self.density_factors, self.appearance_factors):
            part.go_to(stage)

    def parameter_groups(self) -> list[ParameterGroup]:
        tables = (self.density_factors.table, self.appearance_factors.table)
        networks = (*self.basis.parameters(), *self.decoder.parameters())
        return [
            ParameterGroup("grids", tables, self.config.grid_rate, kind="table"),
            ParameterGroup("networks", networks, self.config.network_rate, kind="network"),
        ]
