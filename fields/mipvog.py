"""Mip-VoG: voxel grids with a mip pyramid and deferred shading (Hu et al., ICCV 2023, arXiv 2304.10075)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp, sqrt
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..ops import spherical_harmonics, take_rows, voxel_lookup
from ..scenes import Contraction, Domain
from .base import (
    Field,
    Occupied,
    ParameterGroup,
    Points,
    Probe,
    check_settings,
    density_from_logit,
)
from .blocks import EMPTY, FOG, Blocks, block_variation, check_resolution
from .decoders import HARMONICS, Mlp
from .grids import even_marks, normal_table
from .pyramid import Pyramid

CODE = 4  # features beside the diffuse colour
LOG_RANGE = (-30.0, 20.0)  # of log densities above EMPTY, as far as the filter can tell
FAINT = 1e-3  # what empty voxels weigh beside opaque ones


RAY_LOSSES = ("background_entropy", "sample_color", "opacity_sparsity")


@dataclass(frozen=True)
class MipVogConfig:
    """Sizes and variants of a Mip-VoG field; `paper` has the choices of the released code.

    A pixel's width of w voxels is looked up at level `lod_factor`·log₂ w: 1 is the textbook's, the code has 0.5.
    By its spread it is looked up where interpolated voxels are as blurred as it is, at log₂(w / √3): a pixel is a box
    with a standard deviation of w/√12, and a voxel of level l, a box of 2^l seen through a tent, has one of 2^l/2.
    0.5 was half a dB better at an eighth of the size, and a tenth worse at full size: `docs/mipvog.md` has the figures.
    Density comes from the pyramid or from level 0. Between two levels either the raw values are blended, in one
    lookup, or what they mean (PyNeRF's finding, arXiv 2312.00252; within a minute the steps that it costs are worth
    more). Activations act after interpolation, or on the voxels before they are filtered. A coarser voxel is the mean
    of the raw values, or of what they mean: of the densities, and of the appearances weighed by opacity, so that empty
    space lends its neighbours no colour. (That costs steps too: within a minute on two cores it was worse, 25.5 dB to
    26.8 over four scales of Lego.)
    """

    tag: ClassVar[str] = "mipvog"
    coarsest_resolution: int = 64
    refinements: int = 1
    refined_until: float = 0.3  # of a training
    most_blocks: int = 8000  # of 512 voxels; a refinement beyond that is given up
    levels: int = 5
    lod_factor: float = 0.5
    level_by: Literal["width", "spread"] = "width"
    density: Literal["mip", "finest"] = "mip"
    blend: Literal["meaning", "raw"] = "raw"
    activation: Literal["after", "before"] = "after"
    filter: Literal["meaning", "raw"] = "raw"
    color_hidden: int = 16
    color_layers: int = 2
    samples_per_step: int = 1 << 15
    density_rate: float = 0.5
    feature_rate: float = 0.2
    network_rate: float = 5e-3
    smoothness: float = 0.0  # weight of the total variation
    background_entropy: float = 0.0  # this and the next two: weights of `Field.ray_losses`
    sample_color: float = 0.0
    opacity_sparsity: float = 0.0

    PRESETS: ClassVar[Mapping[str, Mapping[str, int | float | str]]] = {
        "tiny": {"coarsest_resolution": 16, "refinements": 1, "levels": 2},
        "default": {},
        "fine": {"refinements": 2, "color_hidden": 32, "network_rate": 1e-2},
        "paper": {
            "refinements": 3,
            "most_blocks": 50000,
            "density": "finest",
            "background_entropy": 0.01,
            "sample_color": 0.01,
            "opacity_sparsity": 1e-4,
        },
    }

    def __post_init__(self) -> None:
        check_settings(self, may_be_zero=("refinements", "smoothness", *RAY_LOSSES))
        check_resolution(self.tag, self.coarsest_resolution)

    @property
    def refine_at(self) -> tuple[float, ...]:
        return even_marks(self.refinements, self.refined_until)

    def build(self, domain: Domain) -> "MipVogField":
        return MipVogField(self, domain)


class MipVogField(Field):
    """Level 0 holds log σ and 7 channels: diffuse colour D and a code F, all through a sigmoid. Coarser levels are
    filtered from it, a lookup blends the two levels around λ = lod_factor · log₂(pixel width / voxel width), as far as
    there are levels.

    A pixel composites D and F along its ray and shades them once: colour = D + (1 − D)·s with
    s = sigmoid(mlp(SH(d), D, F)). The paper adds s to D; like this no colour exceeds 1.
    """

    config: MipVogConfig
    shading: ClassVar[Literal["sample", "pixel"]] = "pixel"
    follows_footprint = True

    def __init__(self, config: MipVogConfig, domain: Domain) -> None:
        super().__init__(domain, 3 + CODE)
        self.config = config
        self.blocks = Blocks(config.coarsest_resolution)
        rows = config.coarsest_resolution**3
        self.log_density = nn.Parameter(normal_table(rows, 1, FOG, 0.01))
        self.appearance = nn.Parameter(normal_table(rows, 3 + CODE, 0.0, 0.01))
        self.decoder = Mlp([3 + CODE + HARMONICS, *[config.color_hidden] * config.color_layers, 3])
        self._blocks_changed()

    @property
    def pyramid(self) -> Pyramid:
        """Made when it is first asked for: until then the blocks may have no values yet."""
        if self._pyramid is None:
            self._pyramid = Pyramid(self.blocks, self.config.levels)
        return self._pyramid

    def level(self, points: Points) -> Float[Tensor, "n"]:
        """λ; `points.footprint` is the radius of a pixel's cone, its width times 1/√3."""
        per_radius = 1.0 if self.config.level_by == "spread" else sqrt(3)
        voxels_per_world = self.blocks.size / world_per_unit(self.domain, points.position)
        width = points.footprint * (per_radius * voxels_per_world)
        if not bool((width > 1).any()):  # as in most pictures: all of it is on the finest level
            return torch.zeros_like(width)
        level = self.config.lod_factor * width.clamp_min(1e-6).log2()
        return level.clamp(0, self.pyramid.layout.levels - 1)

    @property
    def shown_at_surfaces(self) -> Mapping[str, Callable[[Points], Float[Tensor, "n"]]]:
        return {"Level of detail": self.level}

    def probe(self, points: Points) -> Probe:
        level = self.level(points)
        asked = level if self.config.density == "mip" else torch.zeros_like(level)
        density = self._lookup("log_density", points, asked, self._density)
        return Probe(density[:, 0], level[:, None])

    def features(self, points: Points, probe: Probe) -> Float[Tensor, "n feature"]:
        return self._lookup("appearance", points, probe.carry[:, 0], torch.sigmoid)

    def color(self, features: Float[Tensor, "n feature"], points: Points) -> Float[Tensor, "n rgb=3"]:
        diffuse = features[:, :3]
        specular = torch.sigmoid(
            self.decoder(torch.cat([spherical_harmonics(points.direction), features], -1))
        )
        return diffuse + (1 - diffuse) * specular

    def _density(self, logit: Float[Tensor, "*row one=1"]) -> Float[Tensor, "*row one=1"]:
        return density_from_logit(logit[:, 0] + EMPTY, self.domain)[:, None]

    def _lookup(
        self, name: str, points: Points, level: Float[Tensor, "n"], activate: Callable[[Tensor], Tensor]
    ) -> Tensor:
        unit = self.domain.unit_from_world(points.position)
        if not bool((level > 0).any()):  # no pixel is wider than a voxel: nobody asks for the pyramid
            return activate(self.blocks.lookup(unit, getattr(self, name)))
        if self.config.activation == "before":
            empty = activate(torch.zeros_like(getattr(self, name)[:1]))
            return empty + self._read(unit, level, self._levels(name, lambda table: activate(table) - empty))
        values = self._levels(name)
        if self.config.blend == "raw":
            return activate(self._read(unit, level, values))
        finer, (blurred,) = level.floor(), (level > 0).nonzero(as_tuple=True)
        found = activate(self._read(unit, finer, values))
        share = (level - finer)[blurred, None]
        coarser = activate(self._read(unit[blurred], finer[blurred] + 1, values))
        # Not index_add, which torch adds up one row after another.
        return found + torch.zeros_like(found).index_copy(
            0, blurred, share * (coarser - take_rows(found, blurred))
        )

    def _read(self, unit: Tensor, level: Tensor, values: tuple[Tensor, Tensor]) -> Tensor:
        finest, coarser = values
        return voxel_lookup(unit, level, finest, self.pyramid.index, self.pyramid.layout, coarser)

    def _levels(self, name: str, prepare: Callable[[Tensor], Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """The finest level of a table and all coarser ones, made once per step: they are remembered until a table
        changes."""
        tables = (self.log_density, self.appearance)
        state = (*((id(table), table._version) for table in tables), torch.is_grad_enabled())
        kept = self.filtered.get(name)
        if kept is None or kept[0] != state:
            finest = getattr(self, name) if prepare is None else prepare(getattr(self, name))
            coarser = self._filter(name) if prepare is None else self.pyramid.coarser(finest)
            kept = (state, (finest, coarser))
            self.filtered[name] = kept
        return kept[1]

    def _filter(self, name: str) -> Tensor:
        """The coarser levels of a table, as raw values."""
        if self.config.filter == "raw":
            return self.pyramid.coarser(getattr(self, name))
        density = self.log_density.clamp(*LOG_RANGE).exp()
        if name == "log_density":
            return self.pyramid.coarser(density).clamp_min(exp(LOG_RANGE[0])).log()
        opacity = -torch.expm1(-density.detach() * exp(EMPTY) / self.blocks.size) + FAINT
        weighed = self.pyramid.coarser(torch.cat([opacity * self.appearance, opacity], -1))
        return weighed[:, :-1] / weighed[:, -1:].clamp_min(FAINT / 8**self.config.levels)

    def penalty(self, generator: torch.Generator | None = None) -> Float[Tensor, ""]:
        penalty = super().penalty(generator)
        if self.config.smoothness:
            for table in (self.log_density, self.appearance):
                penalty = penalty + self.config.smoothness * block_variation(table, generator)
        return penalty

    @property
    def ray_losses(self) -> Mapping[str, float]:
        return {name: getattr(self.config, name) for name in RAY_LOSSES}

    def refine(self, occupied: Occupied) -> None:
        self.blocks, (density, appearance) = self.blocks.refine(
            self.domain, occupied, [self.log_density, self.appearance], self.config.most_blocks
        )
        self.log_density, self.appearance = nn.Parameter(density), nn.Parameter(appearance)
        self._blocks_changed()

    def take_shape_of(self, state: Mapping[str, Tensor]) -> None:
        rows = self.blocks.take_shape_of(state["blocks.index"], state["blocks.resolution"])
        for table in (self.log_density, self.appearance):
            table.data = table.data.new_empty(rows, table.shape[1])

    def load_state_dict(self, state_dict: Mapping[str, Tensor], strict: bool = True, assign: bool = False):
        keys = super().load_state_dict(state_dict, strict, assign)
        self._blocks_changed()
        return keys

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True):
        moved = super()._apply(fn, recurse)
        self._blocks_changed()
        return moved

    def _blocks_changed(self) -> None:
        self._pyramid: Pyramid | None = None
        self.filtered = _Filtered()

    def parameter_groups(self) -> list[ParameterGroup]:
        return [
            ParameterGroup("density", (self.log_density,), self.config.density_rate, kind="table"),
            ParameterGroup("appearance", (self.appearance,), self.config.feature_rate, kind="table"),
            ParameterGroup(
                "network", tuple(self.decoder.parameters()), self.config.network_rate, kind="network"
            ),
        ]


class _Filtered(dict[str, tuple[object, tuple[Tensor, Tensor]]]):
    """The levels of each table and the state of the table that they were made of; a copy of a field makes its own."""

    def __deepcopy__(self, memo: object) -> "_Filtered":
        return _Filtered()


def world_per_unit(domain: Domain, position: Float[Tensor, "n xyz=3"]) -> Float[Tensor, "n"] | float:
    """How long in the world an edge of the unit cube is at a place, across the view from the middle."""
    if not isinstance(domain, Contraction):
        return domain.side
    lo, hi = domain.corners(position)
    norm = ((position - lo) / (hi - lo) * 2 - 1).abs().amax(-1).clamp_min(1)
    return 2 * domain.side * norm / (2 - 1 / norm)
