"""Conversions of an unbounded scene: what is far away counts as it is seen there, in the long steps of the march."""

import pytest
import torch
from omnifield.distill.curriculum import Plan
from omnifield.distill.loop import Distillation, distill
from omnifield.fields import Level, Points
from omnifield.train import Budget

from .ball_scene import FOG_FROM, far_ball, small


@pytest.mark.parametrize("kind", ["vm", "mlp"])
def test_far_away_things_become_opaque(kind: str) -> None:
    """Before any ray is compared, of two steps. Of steps as short as near the cameras they were off by 0.6 to 0.9."""
    teacher = far_ball()
    work = Distillation(teacher, small(kind), Plan())
    for progress in distill(work, Budget(steps=80)):
        if progress.stage == "pixels":
            break
    generator = torch.Generator().manual_seed(0)
    direction = torch.nn.functional.normalize(torch.randn(2000, 3, generator=generator), dim=-1)
    distance = FOG_FROM + 0.1 + 3 * torch.rand(2000, generator=generator)
    zero = torch.zeros(2000)
    points = Points(position=direction * distance[:, None], direction=direction, footprint=zero, time=zero)
    steps = 2 * teacher.sampler.step_at(distance)
    with torch.no_grad():
        known, said = (field.levels(points, Level.DENSITY) for field in (teacher.field, work.student))
    there, here = (-torch.expm1(-levels.density * steps) for levels in (known, said))
    assert there.mean() > 0.94
    assert (here - there).abs().mean() < 0.45  # 0.17 for vm, 0.30 for mlp
