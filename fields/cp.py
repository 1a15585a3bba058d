"""CP field: a volume as a sum of products of three lines (TensoRF, Chen et al. 2022, arXiv 2203.09517, Eq. 1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from ..ops import Grid, GridLayout
from ..scenes import Domain
from .base import check_settings
from .factors import FactoredField
from .grids import even_marks, stages

COMPONENTS_PER_GRID = 48


@dataclass(frozen=True)
class CpConfig:
    """Sizes of a CP field, components in multiples of 48; `paper` is CP-384."""

    tag: ClassVar[str] = "cp"
    coarsest_resolution: int = 96
    finest_resolution: int = 288
    refinements: int = 3
    refined_until: float = 0.25  # of a training
    density_components: int = 96
    appearance_components: int = 144
    feature_dim: int = 27
    color_hidden: int = 64
    color_layers: int = 1
    spread: float = 0.2  # standard deviation of the factors at the beginning
    samples_per_step: int = 1 << 15
    grid_rate: float = 7e-2
    network_rate: float = 5e-3
    sparsity: float = 0.0  # weight of the density factors' mean magnitude (L1)
    smoothness: float = 0.0  # weight of the factors' total variation

    PRESETS: ClassVar[Mapping[str, Mapping[str, int | float]]] = {
        "tiny": {"coarsest_resolution": 16, "finest_resolution": 32, "refinements": 1}
        | {"density_components": 48, "appearance_components": 48, "color_hidden": 16},
        "default": {},
        "paper": {"coarsest_resolution": 128, "finest_resolution": 500, "refinements": 5}
        | {"density_components": 96, "appearance_components": 288, "color_hidden": 128, "color_layers": 2}
        | {"grid_rate": 2e-2, "network_rate": 1e-3, "sparsity": 1e-5},
    }

    def __post_init__(self) -> None:
        check_settings(self, may_be_zero=("refinements", "sparsity", "smoothness"))
        for name in ("density_components", "appearance_components"):
            if getattr(self, name) % COMPONENTS_PER_GRID:
                raise ValueError(
                    f"The setting {name} of the cp field must be a multiple of {COMPONENTS_PER_GRID}, "
                    f"not {getattr(self, name)}."
                )

    @property
    def refine_at(self) -> tuple[float, ...]:
        return even_marks(self.refinements, self.refined_until)

    def build(self, domain: Domain) -> "CpField":
        return CpField(self, domain)


class CpField(FactoredField):
    """Each product is u_r(x)·v_r(y)·w_r(z)."""

    def __init__(self, config: CpConfig, domain: Domain) -> None:
        sizes = stages(config.coarsest_resolution, config.finest_resolution, config.refinements)
        density, appearance = (
            tuple(_lines(size, components // COMPONENTS_PER_GRID) for size in sizes)
            for components in (config.density_components, config.appearance_components)
        )
        super().__init__(config, domain, density, appearance)

    @staticmethod
    def components(layout: GridLayout) -> int:
        return layout.width // 3

    @staticmethod
    def products(values: Float[Tensor, "n slot channel"]) -> Float[Tensor, "n component"]:
        x, y, z = values.unflatten(1, (3, -1)).flatten(2).unbind(1)
        return x * y * z


def _lines(resolution: int, per_axis: int) -> GridLayout:
    return GridLayout(
        tuple(
            Grid((axis,), (resolution,), axis * per_axis + k) for axis in range(3) for k in range(per_axis)
        ),
        COMPONENTS_PER_GRID,
    )
