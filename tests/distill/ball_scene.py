"""A ball that is known everywhere, as a trained field: what the conversions in these tests begin with."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float
from omnifield.fields import (
    FIELD_CONFIGS,
    Field,
    FieldConfig,
    HashConfig,
    ParameterGroup,
    Points,
    Probe,
    field_config,
)
from omnifield.renderers import OccupancyConfig
from omnifield.scenes import Box, Contraction, Domain
from omnifield.train import TrainedField
from torch import Tensor

from ..train.sphere_scene import around

KINDS = tuple(FIELD_CONFIGS)
CUBE = Box((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0))
RADIUS, SOFT, SIGMA = 0.6, 0.04, 60.0
VIEWS, SIZE = 20, 32
CELLS, STEPS_PER_SIDE = 32, 96


@dataclass(frozen=True)
class BallConfig(HashConfig):
    """A ball around (x, y, z). With a speed it moves along x, from there, while time goes from 0 to 1."""

    tag: ClassVar[str] = "ball"
    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    radius: float = RADIUS
    speed: float = 0.0

    def __post_init__(self) -> None:
        """Its middle may be anywhere."""

    def build(self, domain: Domain) -> "NormalBall":
        return NormalBall(self, domain)


class NormalBall(Field):
    """Dense inside, nothing outside, coloured by its normal, and a little brighter from above."""

    config: BallConfig

    def __init__(self, config: BallConfig, domain: Domain) -> None:
        super().__init__(domain, 3)
        self.config = config
        self.follows_time = config.speed != 0

    def probe(self, points: Points) -> Probe:
        config = self.config
        middle = torch.tensor([config.x, config.y, config.z]).expand(len(points), 3).clone()
        middle[:, 0] += config.speed * points.time
        offset = points.position - middle
        distance = offset.norm(dim=-1)
        normal = offset / distance[:, None].clamp_min(1e-6)
        return Probe(SIGMA * torch.sigmoid((config.radius - distance) / SOFT), normal)

    def features(self, points: Points, probe: Probe) -> Float[Tensor, "n feature"]:
        return probe.carry

    def color(self, features: Float[Tensor, "n feature"], points: Points) -> Float[Tensor, "n rgb=3"]:
        return 0.5 + 0.35 * features - 0.1 * points.direction[:, 2:]

    def parameter_groups(self) -> list[ParameterGroup]:
        return []


def ball(config: BallConfig | None = None, domain: Domain = CUBE) -> TrainedField:
    field = (config or BallConfig()).build(domain)
    occupancy = OccupancyConfig(CELLS, STEPS_PER_SIDE).build(domain)
    for seed in range(4):
        occupancy.visit(field.density, CELLS**3, torch.Generator().manual_seed(seed))
    return TrainedField(
        field=field,
        sampler=occupancy,
        cameras=(around(VIEWS, SIZE, 0.3),),
        background=(1.0, 1.0, 1.0),
        scene_from_input=torch.eye(4),
        provenance={"scene": "ball"},
        thumbnail=torch.zeros(2, 2, 3, dtype=torch.uint8),
    )


HASTE: Mapping[str, tuple[str, ...]] = {
    "mlp": ("octaves=3", "rate=0.03"),
    "cam": ("network_rate=0.01", "grid_rate=0.04"),
    "sl2a": ("rate=0.015",),
}
"""Settings with which networks learn a ball in a hundred steps."""


def small(kind: str) -> FieldConfig:
    return field_config(kind, "tiny", ("samples_per_step=2048", *HASTE.get(kind, ())))


@dataclass(frozen=True)
class FarConfig(BallConfig):
    tag: ClassVar[str] = "far"

    def build(self, domain: Domain) -> "BallBeforeAWall":
        return BallBeforeAWall(self, domain)


class BallBeforeAWall(NormalBall):
    """Behind the ball, far away on all sides, a fog: opaque within a step of the march there, which is as long as it is
    far away, and thin in one as short as near the cameras."""

    def probe(self, points: Points) -> Probe:
        probe = super().probe(points)
        distance = points.position.norm(dim=-1)
        return Probe(probe.density + torch.where(distance > FOG_FROM, FOG / distance, 0.0), probe.carry)


FOG_FROM, FOG = 6.0, 96.0


def far_ball() -> TrainedField:
    """An unbounded scene: the ball, and far behind it a coloured fog."""
    field = FarConfig().build(Contraction(CUBE.lo, CUBE.hi))
    occupancy = OccupancyConfig(64).build(field.domain)
    for seed in range(2):
        occupancy.visit(field.density, 64**3, torch.Generator().manual_seed(seed))
    return replace(ball(), field=field, sampler=occupancy)
