"""Edits carried by a conversion: what was erased is not there, the rest is as it was."""

import math

import pytest
import torch
from omnifield.distill import Edits, Goal, convert
from omnifield.fields import FIELD_CONFIGS
from omnifield.renderers import Rendering, VolumeRenderer
from omnifield.scenes import Box
from omnifield.train import Budget, TrainedField
from torch import Tensor

from ..renderers.analytic import rays_of
from .ball_scene import BallConfig, ball, small
from .test_edits import some_pose

STEPS = 40
WALL = 0.1  # x at which the ball is cut
NEAR_IT = 2 / 128  # world units: the cell that the cut goes through is not empty
RIGHT = Box((WALL, -1.0, -1.0), (1.0, 1.0, 1.0))
LEFT = Box((-1.0, -1.0, -1.0), (WALL, 1.0, 1.0))
CUTS = {"removed": Edits(remove=(RIGHT,)), "kept": Edits(keep=(LEFT,))}
QUICK = (("voxel", "removed"), ("vm", "kept"))
SLOW = [
    pytest.param(kind, cut, marks=pytest.mark.slow)
    for kind in FIELD_CONFIGS
    for cut in CUTS
    if (kind, cut) not in QUICK
]


def from_above(trained: TrainedField, lo: float, hi: float) -> Rendering:
    """Along −z, through the part of the ball between two values of x."""
    x, y = torch.meshgrid(torch.linspace(lo, hi, 24), torch.linspace(-0.5, 0.5, 24), indexing="ij")
    origins = torch.stack([x, y, torch.full_like(x, 3.0)], -1).reshape(-1, 3)
    rays = rays_of(origins, torch.tensor([0.0, 0.0, -1.0]).expand(len(origins), 3))
    return VolumeRenderer(trained.sampler).render_image(trained.field, rays, torch.ones(3))


def psnr(a: Tensor, b: Tensor) -> float:
    return -10 * math.log10((a - b).square().mean().item())


@pytest.mark.parametrize(("kind", "cut"), [*QUICK, *SLOW])
def test_what_was_erased_is_empty_and_the_rest_is_there(teacher_ball: TrainedField, kind, cut) -> None:
    done = convert([teacher_ball], small(kind), Goal(Budget(steps=STEPS)), edits=CUTS[cut])
    erased, left = (WALL + NEAR_IT, 1.0), (-0.5, WALL - NEAR_IT)
    assert from_above(teacher_ball, *erased).opacity.max() > 0.99
    assert from_above(done.student, *erased).opacity.max() < 0.01
    again, before = from_above(done.student, *left), from_above(teacher_ball, *left)
    assert again.opacity.mean() > 0.4  # a network is not opaque yet after so few steps
    if kind in ("voxel", "mipvog"):
        assert psnr(again.opacity, before.opacity) > 20 and psnr(again.color, before.color) > 20
    assert done.agreement.psnr > done.curve[0].agreement_psnr - 0.5


def test_a_ball_and_one_that_was_moved_become_one_field() -> None:
    one, other = ball(BallConfig(radius=0.4)), ball(BallConfig(radius=0.3))
    away = some_pose()
    away[:3, 3] = torch.tensor([1.0, 0.2, 0.0])
    edits = Edits(world_from_field=(torch.eye(4), away))
    done = convert([one, other], small("voxel"), Goal(Budget(steps=8)), edits=edits)
    assert done.source == "ball+ball" and done.agreement.psnr > 25
    for middle, radius in (((0.0, 0.0), 0.3), ((1.0, 0.2), 0.2)):
        x, y = middle
        origins = torch.tensor([[x, y, 3.0], [x + radius, y, 3.0], [x, y - radius, 3.0], [0.55, -0.4, 3.0]])
        rays = rays_of(origins, torch.tensor([0.0, 0.0, -1.0]).expand(4, 3))
        seen = VolumeRenderer(done.student.sampler).render_image(done.student.field, rays, torch.zeros(3))
        assert (seen.opacity[:3] > 0.9).all() and seen.opacity[3] < 0.05
