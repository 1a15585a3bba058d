"""What is compared, in which order, and for how long: a distillation's curriculum is a value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from .match import Weights

ScheduleName = Literal["progressive", "together", "pvd"]
ActiveLevel = Literal["camera", "ray", "point"]
ACTIVE_LEVELS: tuple[ActiveLevel, ...] = ("camera", "ray", "point")


@dataclass(frozen=True)
class Stage:
    """A part of the curriculum that lasts between `least` and `most` of the whole budget.

    In between it ends when the error of held-out points stops falling. `rate` is relative to the field's own.
    """

    name: str
    weights: Weights
    least: float
    most: float
    rate: float = 1.0


@dataclass(frozen=True)
class Plan:
    """How a field is converted.

    `start`: explicit students are solved for, or begin from noise. `decoder`: the teacher's colour decoder is copied
    where it fits, or the student's own begins from noise. `active`: the levels at which hard cases are asked more
    often than others (PVD-AL, arXiv 2304.04012).
    """

    schedule: ScheduleName = "progressive"
    start: Literal["solved", "noise"] = "solved"
    decoder: Literal["inherited", "own"] = "inherited"
    active: tuple[ActiveLevel, ...] = ACTIVE_LEVELS
    seed: int = 0


VOLUME = Weights(features=0.05, opacity=1.0, logarithm=1.0, color=1.0, pixels=0.0)

# That of PVD has a loop of its own: see `pvd`.
SCHEDULES: Mapping[str, tuple[Stage, ...]] = {
    "progressive": (
        Stage("features", Weights(0.05, 1.0, 1.0, color=0.0, pixels=0.0), least=0.01, most=0.05, rate=1.6),
        Stage("volume", VOLUME, least=0.2, most=0.6, rate=1.6),
        Stage("pixels", Weights(0.0, 0.02, 0.02, color=0.02, pixels=1.0), least=1.0, most=1.0, rate=0.4),
    ),
    "together": (Stage("together", Weights(0.05, 1.0, 1.0, color=1.0, pixels=1.0), least=1.0, most=1.0),),
}
