"""What the contract tests need of any field: points, a field whose every part matters, and the names of all kinds."""

import torch
from omnifield.fields import FIELD_CONFIGS, Field, FieldConfig, Points, field_config
from omnifield.scenes import Box, Contraction, Domain
from omnifield.scenes.columns import each_column
from torch import Tensor

VARIANTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "cam of direction": ("cam", ("coordinate=direction",)),
    "cam of time": ("cam", ("coordinate=time",)),
}
"""Kinds of a field that a setting makes so different that they too keep the contract: tag and settings."""
KINDS = (*FIELD_CONFIGS, *VARIANTS)
BOX = Box((-1.0, -0.5, 0.0), (1.0, 0.5, 1.5))
DOMAINS = {"box": BOX, "contraction": Contraction(BOX.lo, BOX.hi)}


def scattered(count: int, domain: Domain, seed: int = 0) -> Points:
    """Points all over a domain; in an unbounded one up to about twenty boxes away."""
    generator = torch.Generator().manual_seed(seed)
    unit = torch.rand(count, 3, generator=generator) * 0.98 + 0.01
    return Points(
        position=domain.world_from_unit(unit),
        direction=torch.nn.functional.normalize(torch.randn(count, 3, generator=generator), dim=-1),
        footprint=torch.rand(count, generator=generator) * 0.01,
        time=torch.rand(count, generator=generator),
    )


def double(points: Points) -> Points:
    return each_column(lambda column: column.double(), points)


def config_of(kind: str, preset: str) -> FieldConfig:
    tag, settings = VARIANTS.get(kind, (kind, ()))
    return field_config(tag, preset, settings)


def tiny(kind: str, domain: Domain = BOX, seed: int = 0) -> Field:
    torch.manual_seed(seed)
    return config_of(kind, "tiny").build(domain)


def stirred(kind: str, domain: Domain = BOX) -> Field:
    """A tiny field far from its beginnings, in which tables are almost zero and hide whatever goes wrong in them."""
    field = tiny(kind, domain)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in field.parameters():
            if parameter.abs().max() < 1e-2:
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
            else:
                parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.05)
    return field


def answers(field: Field, points: Points) -> tuple[Tensor, Tensor, Tensor]:
    """Density, features and colour, by the three methods that a renderer calls."""
    probe = field.probe(points)
    features = field.features(points, probe)
    return probe.density, features, field.color(features, points)
