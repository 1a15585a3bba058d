"""Adam over the groups of a field: rates per group, tables that rest, and what is forgotten after a step."""

import copy
import math

import pytest
import torch
from omnifield.fields import ParameterGroup
from omnifield.train.optimizer import Adam
from torch import Tensor, nn


def groups() -> list[ParameterGroup]:
    table = nn.Parameter(torch.ones(6, 2))
    layers = (nn.Parameter(torch.ones(3, 2)), nn.Parameter(torch.ones(3)))
    return [
        ParameterGroup("table", (table,), 0.1, sparse=True),
        ParameterGroup("net", layers, 0.01, sparse=False),
    ]


def give_gradients(made: list[ParameterGroup], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    table, *layers = (parameter for group in made for parameter in group.parameters)
    table.grad[seed % 5 : seed % 5 + 2] += torch.randn(2, 2, generator=generator)
    for layer in layers:
        layer.grad = torch.randn(layer.shape, generator=generator)


def values(made: list[ParameterGroup]) -> list[Tensor]:
    return [parameter.detach().clone() for group in made for parameter in group.parameters]


def test_each_group_moves_at_its_rate_and_untouched_rows_rest() -> None:
    made = groups()
    optimizer = Adam(made)
    give_gradients(made, 1)
    gradients = [p.grad.clone() for group in made for p in group.parameters]
    optimizer.step(0.5)
    for before, after, gradient, rate in zip(
        values(groups()), values(made), gradients, (0.1, 0.01, 0.01), strict=True
    ):
        torch.testing.assert_close(after, before - 0.5 * rate * gradient.sign())  # Adam's first step
    assert torch.equal(values(made)[0][3:], torch.ones(3, 2))


def test_gradients_are_forgotten_after_a_step() -> None:
    made = groups()
    optimizer = Adam(made)
    give_gradients(made, 1)
    optimizer.step(1.0)
    table, *layers = (parameter for group in made for parameter in group.parameters)
    assert not table.grad.any() and all(layer.grad is None for layer in layers)
    before = values(made)
    optimizer.step(1.0)
    assert all(torch.equal(a, b) for a, b in zip(before, values(made), strict=True))


def test_a_state_is_taken_up_where_it_was_left() -> None:
    made = groups()
    optimizer = Adam(made)
    for seed in range(4):
        give_gradients(made, seed)
        optimizer.step(0.5)
    kept, there = copy.deepcopy(optimizer.state_dict()), values(made)
    others = groups()
    other = Adam(others)
    with torch.no_grad():
        for parameter, value in zip((p for g in others for p in g.parameters), there, strict=True):
            parameter.copy_(value)
    other.load_state_dict(kept)
    for each, its in ((optimizer, made), (other, others)):
        give_gradients(its, 7)
        each.step(0.5)
    assert all(torch.equal(a, b) for a, b in zip(values(made), values(others), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(values(made), there, strict=True))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_noticed(value: float) -> None:
    made = groups()
    optimizer = Adam(made)
    assert optimizer.gradients_are_finite()
    give_gradients(made, 1)
    assert optimizer.gradients_are_finite()
    made[1].parameters[1].grad[2] = value
    assert not optimizer.gradients_are_finite()
