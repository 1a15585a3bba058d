"""Errors of points against closed forms."""

import math

import pytest
import torch
from omnifield.distill.match import FAINT, LEAK, SOLID, Densities, Weights, point_errors
from omnifield.distill.teacher import PointLesson
from omnifield.fields import Levels, Points
from omnifield.renderers import OccupancyConfig

from .ball_scene import CUBE

ALL = Weights(features=0.5, opacity=1.0, logarithm=2.0, color=3.0, pixels=7.0)
OCCUPANCY = OccupancyConfig(16, 64).build(CUBE)
DENSITIES, STEP = Densities.of(OCCUPANCY), torch.tensor(OCCUPANCY.grid.step)


def lesson(count: int, generator: torch.Generator) -> PointLesson:
    position = torch.rand(count, 3, generator=generator)
    return PointLesson(
        points=Points(position=position, direction=position, footprint=position[:, 0], time=position[:, 0]),
        features=torch.randn(count, 4, generator=generator),
        density=10 ** (8 * torch.rand(count, generator=generator) - 3),
        color=torch.rand(count, 3, generator=generator),
        visible=torch.rand(count, generator=generator),
        step=STEP * 10 ** torch.rand(count, generator=generator),
    )


def errors(said: Levels, known: PointLesson, weights: Weights) -> torch.Tensor:
    return point_errors(said, said.features, known, DENSITIES, weights)


def test_the_range_of_densities_is_what_can_be_seen() -> None:
    diagonal = math.dist(CUBE.lo, CUBE.hi)
    assert 1 - math.exp(-math.exp(DENSITIES.lo) * diagonal / STEP.item()) == pytest.approx(FAINT)
    assert 1 - math.exp(-math.exp(DENSITIES.hi)) == pytest.approx(SOLID)


def test_opacity_and_logarithm_in_closed_form() -> None:
    density = torch.tensor([0.0, 1e-6, 1e-3, 1.0, 40.0, 1e6])
    opacity = 1 - torch.exp(-density.double() * STEP)
    assert torch.allclose(DENSITIES.opacity(density, STEP.expand(6)).double(), opacity, atol=1e-7)
    step = STEP * torch.tensor([1.0, 5.0, 70.0])  # where steps are long, thin is opaque
    ends = torch.tensor([DENSITIES.lo, (DENSITIES.lo + DENSITIES.hi) / 2, DENSITIES.hi]).exp() / step
    assert torch.allclose(DENSITIES.logarithm(ends, step), torch.tensor([0.0, 0.5, 1.0]), atol=1e-5)
    beyond = torch.tensor([2 * DENSITIES.lo - DENSITIES.hi, 2 * DENSITIES.hi - DENSITIES.lo]).exp() / step[1:]
    assert torch.allclose(DENSITIES.logarithm(beyond, step[1:]), torch.tensor([-LEAK, 1 + LEAK]), atol=1e-5)


def test_gradients_are_finite_and_pull_back_from_outside_of_the_range() -> None:
    density = torch.tensor([1e-25, 1e-12, 1.0, 1e5, 1e12], requires_grad=True)
    DENSITIES.logarithm(density, STEP.expand(5)).sum().backward()
    assert density.grad is not None
    assert density.grad.isfinite().all() and (density.grad > 0).all()
    nothing = torch.zeros(1, requires_grad=True)
    (DENSITIES.logarithm(nothing, STEP[None]) + DENSITIES.opacity(nothing, STEP[None])).sum().backward()
    assert nothing.grad is not None and nothing.grad.isfinite().all()


def test_a_perfect_student_has_no_error(generator) -> None:
    known = lesson(100, generator)
    known.density.mul_(known.step).clamp_(math.exp(DENSITIES.lo), math.exp(DENSITIES.hi)).div_(known.step)
    assert errors(Levels(known.features, known.density, known.color), known, ALL).abs().max() < 1e-10


def test_each_weight_is_that_of_its_term(generator) -> None:
    known, other = lesson(50, generator), lesson(50, generator)
    said = Levels(other.features, other.density, other.color)
    there = DENSITIES.opacity(known.density, known.step)
    seen = known.visible * there
    wanted = DENSITIES.logarithm(known.density, known.step).clamp(0, 1)
    expected = {
        "opacity": (DENSITIES.opacity(other.density, known.step) - there) ** 2,
        "logarithm": known.visible * (DENSITIES.logarithm(other.density, known.step) - wanted) ** 2,
        "color": seen * ((other.color - known.color) ** 2).mean(-1),
        "features": seen * ((other.features - known.features) ** 2).mean(-1) / (known.features**2).mean(),
    }
    for name, term in expected.items():
        alone = Weights(**{n: 1.0 if n == name else 0.0 for n in vars(ALL)})
        assert torch.allclose(errors(said, known, alone), term, atol=1e-6), name
    whole = sum(getattr(ALL, name) * term for name, term in expected.items())
    assert torch.allclose(errors(said, known, ALL), whole, atol=1e-5)


def test_what_is_nothing_has_no_colour_to_be_wrong(generator) -> None:
    known = lesson(10, generator)
    known.density.zero_()
    wrong = Levels(known.features + 1, torch.zeros(10), 1 - known.color)
    assert errors(wrong, known, Weights(1.0, 1.0, 0.0, color=1.0, pixels=0.0)).abs().max() == 0
