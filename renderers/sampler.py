"""Where along rays a field is asked: the contract that every sampler keeps."""

import abc
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int32
from torch import Tensor, nn

from ..fields import ParameterGroup, Points
from ..fields.stored import check_finite, check_fit
from ..scenes import Domain, Rays
from .samples import Samples

Density = Callable[[Points], Float[Tensor, "n"]]
"""How dense a field is at points, per world unit: all that a sampler knows of it."""

Possible = Callable[[int], Bool[Tensor, "cell"]]
"""Which of R³ cells x + y·R + z·R² of the domain's cube may hold something, for an R that is a power of two."""


@runtime_checkable
class SamplerConfig(Protocol):
    """What every sampler's configuration says beside its own settings."""

    __dataclass_fields__: ClassVar[dict[str, Any]]
    tag: ClassVar[str]

    def build(self, domain: Domain) -> "Sampler": ...


@dataclass(frozen=True)
class Moment:
    """When in a training: the step that comes, how much of the budget is spent, and how many samples a step aims at."""

    step: int
    spent: float
    samples: int


class Sampler(nn.Module, abc.ABC):
    """Chooses samples along rays. Implementations are final: one file, one config; only `sample` and `step_at` have to
    be written.

    Before a file is believed, a sampler is built on torch's `meta` device, to compare shapes: a tensor that is neither
    a parameter nor in `stored_state` is made on the CPU by name, wherever it is moved to later.
    """

    domain: Domain
    config: SamplerConfig

    def __init__(self, domain: Domain, config: SamplerConfig) -> None:
        super().__init__()
        self.domain = domain
        self.config = config

    @abc.abstractmethod
    def sample(self, density: Density, rays: Rays, generator: torch.Generator | None) -> Samples:
        """Within the rays' span and the domain, near to far; without gradients. A generator means samples anywhere in
        their steps, None the middle of each."""

    def next(
        self, density: Density, rays: Rays, place: Int32[Tensor, "ray"], most: int
    ) -> tuple[Samples, Int32[Tensor, "ray"]]:
        """A part of `sample` without a generator: of each ray the first `most` samples from its `place` on, which is 0
        at the beginning; and its next place, −1 where there is nothing left.

        A sampler that cannot stop on the way gives all of them at once.
        """
        del most
        first = (place == 0).nonzero()[:, 0]
        samples = self.sample(density, rays[first], None)
        counts = torch.zeros_like(place, dtype=torch.int64).index_copy(0, first, samples.counts)
        offsets = torch.nn.functional.pad(counts.cumsum(0), (1, 0))
        all_of_them = Samples(samples.t, samples.dt, first[samples.ray], offsets)
        return all_of_them, torch.full_like(place, -1)

    @abc.abstractmethod
    def step_at(self, distance: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
        """About how far apart samples are, so far from the camera where there is something; world units."""

    def longer(self, factor: float) -> "Sampler":
        """The same in steps `factor` times as long, where it has any: a young field has no detail to miss."""
        del factor
        return self

    def contains(self, position: Float[Tensor, "n xyz=3"]) -> Bool[Tensor, "n"]:
        """Whether there may be samples around world positions; outside the domain there are none."""
        unit = self.domain.unit_from_world(position)
        return ((unit >= 0) & (unit <= 1)).all(-1)

    @property
    def occupied_share(self) -> float:
        """Of the domain's cube, how much there may be samples in."""
        return 1.0

    def facts(self) -> dict[str, str]:
        """What a file's provenance tells of a training's sampler, in words."""
        return {}

    def begin(self, possible: Possible) -> None:
        """Before a training: `possible` takes its time, so only who makes use of it asks."""

    def update(self, density: Density, moment: Moment, generator: torch.Generator) -> None:
        """Between two steps of a training."""

    def settled(self, density: Density, generator: torch.Generator) -> "Sampler":
        """As a file is to keep it, at any moment of a training, which goes on with its own as if nobody had asked."""
        del density, generator
        return self

    def only_around(self, seen: Iterable[Float[Tensor, "n xyz=3"]]) -> "Sampler":
        """Without samples anywhere but around these places, as far as it chooses by place."""
        del seen
        return self

    def parameter_groups(self) -> list[ParameterGroup]:
        """What is trained beside the field, by the gradient of `loss`."""
        return []

    def loss(self, rays: Rays, samples: Samples, weights: Float[Tensor, "n"]) -> Float[Tensor, ""]:
        """What a training adds to its own: of samples that it chose, up to where their rays end, and the weights that
        they came to have. Whatever the field is not to learn from is detached."""
        del rays, samples
        return torch.zeros((), device=weights.device)

    def stored_state(self) -> dict[str, Tensor]:
        """What a field's file keeps, to look at the field."""
        return dict(self.state_dict())

    def load_stored_state(self, stored: Mapping[str, Tensor]) -> None:
        """Also of a sampler on torch's `meta` device. Raises ValueError for tensors that are none of such a sampler."""
        self.check(stored)
        self.load_state_dict({name: tensor.clone() for name, tensor in stored.items()}, assign=True)

    def check(self, state: Mapping[str, Tensor]) -> None:
        """Raises ValueError unless this could be the `state_dict` of such a sampler, at any step of a training."""
        check_fit(self.state_dict(), state)
        check_finite(state)


def check_within(config: Any, bounds: Mapping[str, tuple[int | float, int | float]]) -> None:
    """Raises ValueError, naming the setting, unless every number of a sampler's configuration is of its kind and within
    its bounds: files come from anywhere."""
    for setting in fields(config):
        value, (least, most) = getattr(config, setting.name), bounds[setting.name]
        whole = setting.type is int
        if type(value) not in ((int,) if whole else (int, float)) or not least <= value <= most:
            raise ValueError(
                f"The setting {setting.name} of the {config.tag} sampler must be a "
                f"{'whole number' if whole else 'number'} from {least:g} to {most:g}, not {value!r:.40}."
            )


def sampler_from_stored(config: SamplerConfig, domain: Domain, stored: Mapping[str, Tensor]) -> Sampler:
    """The sampler whose `stored_state` this is; it takes no memory before that is known. Raises ValueError if it is
    none of such a sampler."""
    with torch.device("meta"):
        sampler = config.build(domain)
    sampler.load_stored_state(stored)
    return sampler
