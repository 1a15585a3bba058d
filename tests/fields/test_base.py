"""What fields share: densities from logits, points, probes, and the encoding of NeRF's paper."""

import math

import pytest
import torch
from omnifield.fields import Points, Probe
from omnifield.fields.base import density_from_logit
from omnifield.fields.mlp import frequency_encoding
from omnifield.ops.density_mlp import MAX_LOG_DENSITY
from omnifield.scenes import Box

BOX = Box((0.0, 0.0, 0.0), (1.0, 4.0, 2.0))


def test_a_density_is_the_exponential_per_side_of_the_box() -> None:
    logit = torch.tensor([-30.0, -1.0, 0.0, 2.5, 14.9], dtype=torch.float64)
    torch.testing.assert_close(density_from_logit(logit, BOX), logit.exp() / 4)


def test_a_density_is_clamped_and_its_slope_lets_it_come_back() -> None:
    logit = torch.tensor(
        [2.0, MAX_LOG_DENSITY, 20.0, 1e30, math.inf], dtype=torch.float64, requires_grad=True
    )
    density = density_from_logit(logit, BOX)
    assert torch.equal(density[1:], torch.full((4,), math.exp(15) / 4, dtype=torch.float64))
    density.sum().backward()
    torch.testing.assert_close(logit.grad, density.detach())


def test_a_density_of_nan_is_nan() -> None:
    assert density_from_logit(torch.tensor([math.nan]), BOX).isnan().all()


def test_the_slope_of_a_density_is_itself(generator: torch.Generator) -> None:
    logit = torch.randn(20, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: density_from_logit(x, BOX), (logit,))


@pytest.mark.parametrize("octaves", [0, 1, 4, 10])
def test_the_frequency_encoding_is_equation_4(generator: torch.Generator, octaves: int) -> None:
    x = torch.rand(20, 3, generator=generator, dtype=torch.float64) * 2 - 1
    encoding = frequency_encoding(x, octaves)
    assert encoding.shape == (20, 3 + 6 * octaves)
    for row, point in zip(encoding.tolist(), x.tolist(), strict=True):
        phases = [2**k * math.pi * p for k in range(octaves) for p in point]
        expected = [*point, *map(math.sin, phases), *map(math.cos, phases)]
        assert row == pytest.approx(expected, abs=1e-9)


def points(count: int) -> Points:
    numbers = torch.arange(count).float()
    return Points(
        position=numbers[:, None].expand(count, 3),
        direction=-numbers[:, None].expand(count, 3),
        footprint=numbers + 100,
        time=numbers + 200,
    )


@pytest.mark.parametrize("rows", [slice(1, 4), torch.tensor([4, 0, 0])], ids=["slice", "rows"])
def test_some_points(rows: "slice | torch.Tensor") -> None:
    some = points(5)[rows]
    numbers = torch.arange(5.0)[rows]
    assert len(some) == 3 and len(points(5)) == 5
    assert torch.equal(some.position[:, 2], numbers) and torch.equal(some.direction[:, 0], -numbers)
    assert torch.equal(some.footprint, numbers + 100) and torch.equal(some.time, numbers + 200)


def test_a_probe_of_some_points_hands_gradients_back_where_they_belong() -> None:
    density = torch.arange(5.0).requires_grad_()
    carry = torch.arange(10.0).reshape(5, 2).requires_grad_()
    taken = Probe(density, carry).take(torch.tensor([1, 4]))
    assert taken.density.tolist() == [1, 4] and taken.carry.tolist() == [[2, 3], [8, 9]]
    (taken.density.sum() + 3 * taken.carry[:, 1].sum()).backward()
    assert density.grad.tolist() == [0, 1, 0, 0, 1]
    assert carry.grad.tolist() == [[0, 0], [0, 3], [0, 0], [0, 0], [0, 3]]
