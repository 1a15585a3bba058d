"""What is at a point: the contract that every representation keeps."""

import abc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any, ClassVar, Literal, Protocol, get_args

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ..ops import take_rows, truncated_exp
from ..scenes import Domain
from ..scenes.columns import each_column
from .decoders import ColorDecoder


@dataclass(frozen=True, kw_only=True)
class Points:
    """What a field is asked about: world positions, unit view directions, the radius of the pixel's cone there
    (world units), and the time in [0, 1]. Where a pose is refined, the first two have gradients."""

    position: Float[Tensor, "n xyz=3"]
    direction: Float[Tensor, "n xyz=3"]
    footprint: Float[Tensor, "n"]
    time: Float[Tensor, "n"]

    def __len__(self) -> int:
        return len(self.position)

    def __getitem__(self, rows: "slice | Int[Tensor, 'row']") -> "Points":
        return each_column(lambda column: column[rows], self)


@dataclass(frozen=True)
class Probe:
    """The shallow half of an answer: density per world unit, and what the field carries on from there."""

    density: Float[Tensor, "n"]
    carry: Float[Tensor, "n carried"]

    def take(self, rows: Int[Tensor, "row"]) -> "Probe":
        """The probe of some points; `rows` are unique and ascending."""
        return Probe(take_rows(self.density[:, None], rows)[:, 0], take_rows(self.carry, rows))


class Level(IntEnum):
    """The volume levels of distillation, shallow to deep."""

    FEATURES = 0
    DENSITY = 1
    COLOR = 2


@dataclass(frozen=True)
class Levels:
    """What `Field.levels` found on its way down; a level that was not asked for is empty along its last axis."""

    features: Float[Tensor, "n feature"]
    density: Float[Tensor, "n"]
    color: Float[Tensor, "n rgb"]


Occupied = Callable[[Float[Tensor, "n xyz=3"]], Bool[Tensor, "n"]]
"""Whether something may be at world positions."""


class Config(Protocol):
    """What every field's configuration says beside its own sizes."""

    @property
    def tag(self) -> str: ...
    @property
    def samples_per_step(self) -> int:
        """How many samples make a good step of training."""
        ...

    @property
    def refine_at(self) -> tuple[float, ...]:
        """The fractions of a training after which `Field.refine` is called; empty for a field of one resolution."""
        ...


# Files come from anywhere: what is made one after another, or squared, or a power of two, has to end somewhere.
MOST = {
    "layers": 64,
    "color_layers": 64,
    "levels": 64,
    "refinements": 16,
    "octaves": 64,
    "log2_entries": 30,
    "finest_resolution": 1 << 24,
    "most_blocks": 1 << 24,
    "samples_per_step": 1 << 24,
}
MOST_OF_OTHERS = 1 << 16
LARGEST = 1e9


def check_settings(config: Any, may_be_zero: Sequence[str] = ()) -> None:
    """Raises ValueError, naming the setting, unless every number of a configuration is of its kind, above zero and no
    larger than makes sense, and every word is one of those that there are."""
    for setting in fields(config):
        value, words = getattr(config, setting.name), get_args(setting.type)
        whole, zero = setting.type is int, setting.name in may_be_zero
        most = MOST.get(setting.name, MOST_OF_OTHERS) if whole else LARGEST
        if words:
            fits, wanted = value in words, f"one of {', '.join(words)}"
        elif whole:
            least = 0 if zero else 1
            fits, wanted = (
                type(value) is int and least <= value <= most,
                f"a whole number from {least} to {most}",
            )
        else:
            numeric = type(value) in (int, float)
            fits = numeric and (0 <= value if zero else 0 < value) and value <= most
            wanted = f"{'at least' if zero else 'above'} 0 and at most {most:.0e}"
        if not fits:
            raise ValueError(
                f"The setting {setting.name} of the {config.tag} field must be {wanted}, not {value!r}."
            )


class Field(nn.Module, abc.ABC):
    """A radiance field over a domain. Implementations are final: one file, one config, these three methods.

    A field knows neither rays, nor the renderer, nor the step of a training. `shading` says where its colours are
    made: at every sample, or once per pixel from the features composited along the ray (deferred).
    """

    domain: Domain
    feature_dim: int
    config: "Config"
    shading: ClassVar[Literal["sample", "pixel"]] = "sample"
    follows_time: bool = False  # whether it is another one at another `points.time`
    follows_footprint: bool = False  # whether it is smoother where `points.footprint` is larger
    follows_direction: bool = False  # whether not only its colour depends on where it is seen from

    def __init__(self, domain: Domain, feature_dim: int) -> None:
        super().__init__()
        self.domain = domain
        self.feature_dim = feature_dim

    @abc.abstractmethod
    def probe(self, points: Points) -> Probe:
        """Density, and whatever makes the features cheap to reach from there."""

    @abc.abstractmethod
    def features(self, points: Points, probe: Probe) -> Float[Tensor, "n feature"]:
        """The appearance code, `feature_dim` wide, before any view dependence."""

    @abc.abstractmethod
    def color(self, features: Float[Tensor, "n feature"], points: Points) -> Float[Tensor, "n rgb=3"]:
        """sRGB in [0, 1], seen along `points.direction`."""

    @abc.abstractmethod
    def parameter_groups(self) -> "list[ParameterGroup]":
        """Every parameter once, with how it wants to be trained."""

    def density(self, points: Points) -> Float[Tensor, "n"]:
        """The cheap path, for samplers: density per world unit."""
        return self.probe(points).density

    def penalty(self, generator: torch.Generator | None = None) -> Float[Tensor, ""]:
        """What a training adds to its loss: the regularisers of the field's paper, weighted by its config.

        Those over large grids look at a random part of it if there is a generator, else at all of it.
        """
        del generator
        return torch.zeros((), device=next(self.parameters()).device)

    @property
    def ray_losses(self) -> Mapping[str, float]:
        """The losses on what rays see that the field's paper adds, by their names in `train/ray_losses.py`, and their
        weights."""
        return {}

    @property
    def color_decoder(self) -> ColorDecoder | None:
        """What `color` is made by, if by that alone: a conversion may hand it on to the student."""
        return None

    @property
    def shown_at_surfaces(self) -> Mapping[str, Callable[[Points], Float[Tensor, "n"]]]:
        """What else the viewer can show of points on surfaces, beside what all fields have: a figure by its name."""
        return {}

    def refine(self, occupied: Occupied) -> None:
        """Go on at the next finer resolution, keeping what was learned where `occupied`; parameters are new ones."""
        raise NotImplementedError(f"a {self.config.tag} field has one resolution.")

    def take_shape_of(self, state: Mapping[str, Tensor]) -> None:
        """Make room for parameters saved after some refinements; raises ValueError if they are not this field's.

        Asked before anything else is known of the state, of fields on torch's `meta` device too, which have no values.
        """
        del state

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False):
        self.take_shape_of(state_dict)
        return super().load_state_dict(state_dict, strict, assign)

    def stored_state(self) -> dict[str, Tensor]:
        """What a file keeps of the field: its `state_dict`, or the same answers in fewer bytes."""
        return dict(self.state_dict())

    def unpacked(self, stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The `state_dict` of which `stored_state` made this; raises ValueError or KeyError if it cannot have."""
        return dict(stored)

    def levels(self, points: Points, upto: Level) -> Levels:
        """One walk from shallow to deep that stops where told: what distillation taps."""
        probe = self.probe(points)
        features = self.features(points, probe)
        color = self.color(features, points) if upto >= Level.COLOR else features[:, :0]
        return Levels(features, probe.density, color)


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters that share a learning rate and a rule.

    Rows of a `table` rest while no gradient reaches them. A `grid` changes as a whole. The matrices of a `network`
    take steps that change all their directions alike; its biases are as a grid.
    """

    name: str
    parameters: tuple[nn.Parameter, ...]
    learning_rate: float
    kind: Literal["table", "grid", "network"]


def density_from_logit(logit: Float[Tensor, "n"], domain: Domain) -> Float[Tensor, "n"]:
    """σ = exp(logit) per edge of the domain's box, turned into world units; the exponent is clamped at 15.

    Measured in edges, a density means the same in a scene of any size.
    """
    return truncated_exp(logit) / domain.side
