"""Sparse voxels with spherical harmonics (Plenoxels, Yu et al. 2021, arXiv 2112.05131): no network at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..ops import spherical_harmonics
from ..scenes import Domain
from .base import Field, Occupied, ParameterGroup, Points, Probe, check_settings, density_from_logit
from .blocks import EMPTY, FOG, Blocks, block_variation, check_resolution
from .grids import even_marks, normal_table

DEGREE = 3  # spherical harmonics up to this degree, exclusive: 9 coefficients
COEFFICIENTS = 3 * DEGREE**2


@dataclass(frozen=True)
class VoxelConfig:
    """Sizes of a voxel field. It begins with `coarsest_resolution`³ voxels and doubles that at every refinement."""

    tag: ClassVar[str] = "voxel"
    coarsest_resolution: int = 64
    refinements: int = 1
    refined_until: float = 0.4  # of a training
    most_blocks: int = 6000  # of 512 voxels; a refinement beyond that is given up
    samples_per_step: int = 1 << 15
    density_rate: float = 0.5
    harmonics_rate: float = 0.2
    density_smoothness: float = 0.0  # weight of the total variation: it did not help within a minute
    harmonics_smoothness: float = 0.0

    PRESETS: ClassVar[Mapping[str, Mapping[str, int | float]]] = {
        "tiny": {"coarsest_resolution": 16, "refinements": 1},
        "default": {},
        "fine": {"refinements": 2},
        "paper": {"coarsest_resolution": 128, "refinements": 2, "most_blocks": 50000}
        | {"density_smoothness": 1e-5, "harmonics_smoothness": 1e-3},
    }

    def __post_init__(self) -> None:
        check_settings(self, may_be_zero=("refinements", "density_smoothness", "harmonics_smoothness"))
        check_resolution(self.tag, self.coarsest_resolution)

    @property
    def refine_at(self) -> tuple[float, ...]:
        return even_marks(self.refinements, self.refined_until)

    def build(self, domain: Domain) -> "VoxelField":
        return VoxelField(self, domain)


class VoxelField(Field):
    """log σ and 3 × 9 coefficients k, interpolated trilinearly; colour = sigmoid(Σ_j k_j Y_j(d)).

    Plenoxels' density is a ReLU; the exponential, applied after interpolation, keeps surfaces sharp and means the same
    in every field.
    """

    config: VoxelConfig

    def __init__(self, config: VoxelConfig, domain: Domain) -> None:
        super().__init__(domain, COEFFICIENTS)
        self.config = config
        self.blocks = Blocks(config.coarsest_resolution)
        rows = config.coarsest_resolution**3
        self.log_density = nn.Parameter(normal_table(rows, 1, FOG, 0.01))
        self.harmonics = nn.Parameter(normal_table(rows, COEFFICIENTS, 0.0, 1e-3))

    def probe(self, points: Points) -> Probe:
        logit = self.blocks.lookup(self.domain.unit_from_world(points.position), self.log_density)
        return Probe(density_from_logit(logit[:, 0] + EMPTY, self.domain), logit[:, :0])

    def features(self, points: Points, probe: Probe) -> Float[Tensor, "n feature"]:
        del probe
        return self.blocks.lookup(self.domain.unit_from_world(points.position), self.harmonics)

    def color(self, features: Float[Tensor, "n feature"], points: Points) -> Float[Tensor, "n rgb=3"]:
        basis = spherical_harmonics(points.direction, DEGREE)
        return torch.sigmoid((features.unflatten(1, (3, -1)) * basis[:, None]).sum(-1))

    def penalty(self, generator: torch.Generator | None = None) -> Float[Tensor, ""]:
        parts = {
            self.log_density: self.config.density_smoothness,
            self.harmonics: self.config.harmonics_smoothness,
        }
        penalty = super().penalty(generator)
        for table, weight in parts.items():
            if weight:
                penalty = penalty + weight * block_variation(table, generator)
        return penalty

    def refine(self, occupied: Occupied) -> None:
        self.blocks, (density, harmonics) = self.blocks.refine(
            self.domain, occupied, [self.log_density, self.harmonics], self.config.most_blocks
        )
        self.log_density, self.harmonics = nn.Parameter(density), nn.Parameter(harmonics)

    def take_shape_of(self, state: Mapping[str, Tensor]) -> None:
        rows = self.blocks.take_shape_of(state["blocks.index"], state["blocks.resolution"])
        for table in (self.log_density, self.harmonics):
            table.data = table.data.new_empty(rows, table.shape[1])

    def parameter_groups(self) -> list[ParameterGroup]:
        return [
            ParameterGroup("density", (self.log_density,), self.config.density_rate, kind="table"),
            ParameterGroup("harmonics", (self.harmonics,), self.config.harmonics_rate, kind="table"),
        ]
