"""Evenly spaced samples through a domain: no memory, no occupancy, for tests and for a field just made."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from ..scenes import Domain
from .march import CONE, MARCH_BOUNDS, STEPS_PER_SIDE, March, march_grid
from .sampler import check_within

CELLS = 8  # along an axis: the fewest that there can be


@dataclass(frozen=True)
class UniformConfig:
    """Steps of a `steps_per_side`-th of the box's longest edge; in an unbounded scene they grow to `cone` times the
    distance."""

    tag: ClassVar[str] = "uniform"
    steps_per_side: int = STEPS_PER_SIDE
    cone: float = CONE

    def __post_init__(self) -> None:
        check_within(self, MARCH_BOUNDS)

    def build(self, domain: Domain) -> "UniformSampler":
        return UniformSampler(domain, self)


class UniformSampler(March):
    """A march through cells that are all occupied."""

    config: UniformConfig

    def __init__(self, domain: Domain, config: UniformConfig) -> None:
        super().__init__(domain, config)
        self.grid = march_grid(domain, CELLS, config.steps_per_side, config.cone)
        everywhere = torch.full((CELLS**3 // 8,), 255, dtype=torch.uint8, device="cpu")
        self.register_buffer("bits", everywhere, persistent=False)
