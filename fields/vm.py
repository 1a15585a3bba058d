"""VM field: a volume as a sum of plane × line products (TensoRF, Chen et al. 2022, arXiv 2203.09517, Eq. 3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from ..ops import GridLayout
from ..scenes import Domain
from .base import check_settings
from .factors import FactoredField
from .grids import even_marks, line_grids, plane_grids, stages


@dataclass(frozen=True)
class VmConfig:
    """Sizes of a VM field; the defaults suit two CPU cores, `paper` is VM-192."""

    tag: ClassVar[str] = "vm"
    coarsest_resolution: int = 64
    finest_resolution: int = 192
    refinements: int = 3
    refined_until: float = 0.25  # of a training; the paper: 7k of 30k steps
    density_components: int = 8  # per pair of plane and line
    appearance_components: int = 24
    feature_dim: int = 27
    color_hidden: int = 64
    color_layers: int = 1
    spread: float = 0.1  # standard deviation of the factors at the beginning
    samples_per_step: int = 1 << 15
    grid_rate: float = 1e-1
    network_rate: float = 5e-3
    sparsity: float = 0.0  # weight of the density factors' mean magnitude (L1)
    smoothness: float = 0.0  # weight of the factors' total variation

    PRESETS: ClassVar[Mapping[str, Mapping[str, int | float]]] = {
        "tiny": {"coarsest_resolution": 16, "finest_resolution": 32, "refinements": 1}
        | {"density_components": 4, "appearance_components": 8, "color_hidden": 16},
        "default": {},
        "paper": {"coarsest_resolution": 128, "finest_resolution": 300, "refinements": 5}
        | {"density_components": 16, "appearance_components": 48, "color_hidden": 128, "color_layers": 2}
        | {"grid_rate": 2e-2, "network_rate": 1e-3, "sparsity": 8e-5},
    }

    def __post_init__(self) -> None:
        check_settings(self, may_be_zero=("refinements", "sparsity", "smoothness"))

    @property
    def refine_at(self) -> tuple[float, ...]:
        return even_marks(self.refinements, self.refined_until)

    def build(self, domain: Domain) -> "VmField":
        return VmField(self, domain)


class VmField(FactoredField):
    """Each product is M_r(x, y)·v_r(z), or one of the two other ways to pair a plane with the axis it leaves out."""

    def __init__(self, config: VmConfig, domain: Domain) -> None:
        sizes = stages(config.coarsest_resolution, config.finest_resolution, config.refinements)
        density, appearance = (
            tuple(
                GridLayout((*plane_grids(size, (0, 1, 2)), *line_grids(size, (3, 4, 5))), channels)
                for size in sizes
            )
            for channels in (config.density_components, config.appearance_components)
        )
        super().__init__(config, domain, density, appearance)

    @staticmethod
    def components(layout: GridLayout) -> int:
        return 3 * layout.channels

    @staticmethod
    def products(values: Float[Tensor, "n slot=6 channel"]) -> Float[Tensor, "n component"]:
        return (values[:, :3] * values[:, 3:]).flatten(1)
