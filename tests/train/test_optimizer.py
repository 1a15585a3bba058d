"""The optimiser over the groups of a field: rules and rates per group, tables that rest, what is kept."""

import copy
import math

import pytest
import torch
from omnifield.fields import ParameterGroup
from omnifield.ops import Grid, GridLayout, grid_lookup
from omnifield.train.optimizer import Optimizer, orthogonal
from torch import Tensor, nn


def groups() -> list[ParameterGroup]:
    table = nn.Parameter(torch.ones(6, 2))
    layers = (
        nn.Parameter(torch.ones(3, 2)),
        nn.Parameter(torch.ones(3)),
        nn.Parameter(torch.ones(12, 20)),
    )
    return [
        ParameterGroup("table", (table,), 0.1, kind="table"),
        ParameterGroup("net", layers, 0.01, kind="network"),
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
    optimizer = Optimizer(made)
    give_gradients(made, 1)
    gradients = [p.grad.clone() for group in made for p in group.parameters]
    optimizer.step(0.5)
    for before, after, gradient, rate in zip(
        values(groups())[:3], values(made)[:3], gradients[:3], (0.1, 0.01, 0.01), strict=True
    ):
        torch.testing.assert_close(after, before - 0.5 * rate * gradient.sign())  # Adam's first step
    assert torch.equal(values(made)[0][3:], torch.ones(3, 2))


def test_gradients_are_forgotten_after_a_step() -> None:
    made = groups()
    optimizer = Optimizer(made)
    give_gradients(made, 1)
    optimizer.step(1.0)
    table, *layers = (parameter for group in made for parameter in group.parameters)
    assert not table.grad.any() and all(layer.grad is None for layer in layers)
    before = values(made)
    optimizer.step(1.0)
    assert all(torch.equal(a, b) for a, b in zip(before, values(made), strict=True))


def test_a_state_is_taken_up_where_it_was_left() -> None:
    made = groups()
    optimizer = Optimizer(made)
    for seed in range(4):
        give_gradients(made, seed)
        optimizer.step(0.5)
    kept, there = copy.deepcopy(optimizer.state_dict()), values(made)
    others = groups()
    other = Optimizer(others)
    with torch.no_grad():
        for parameter, value in zip((p for g in others for p in g.parameters), there, strict=True):
            parameter.copy_(value)
    other.load_state_dict(kept)
    for each, its in ((optimizer, made), (other, others)):
        give_gradients(its, 7)
        each.step(0.5)
    assert all(torch.equal(a, b) for a, b in zip(values(made), values(others), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(values(made), there, strict=True))


def test_gradients_of_tables_are_added_to_those_that_are_kept() -> None:
    layout = GridLayout((Grid((0,), (6,), 0),), 2)
    made = groups()
    optimizer, table, layer = Optimizer(made), made[0].parameters[0], made[1].parameters[0]
    kept = table.grad
    place = torch.rand(5, 3, generator=torch.Generator().manual_seed(0))
    loss = grid_lookup(place, table, layout).square().sum() + layer.square().sum()
    (once,) = torch.autograd.grad(loss, table, retain_graph=True)
    assert once.any() and not kept.any()
    optimizer.backward(loss + 0)
    torch.testing.assert_close(kept, once)
    optimizer.backward(grid_lookup(place, table, layout).square().sum())
    assert table.grad is kept
    torch.testing.assert_close(kept, 2 * once)
    torch.nn.utils.clip_grad_norm_([table], 1e-3)
    assert kept.norm().item() == pytest.approx(1e-3, rel=1e-3)
    table.grad = None  # as zero_grad does: a plain gradient comes in its place
    optimizer.backward(grid_lookup(place, table, layout).square().sum())
    torch.testing.assert_close(table.grad, once)
    optimizer.step(1.0)
    assert not table.grad.any()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_noticed(value: float) -> None:
    made = groups()
    optimizer = Optimizer(made)
    assert optimizer.gradients_are_finite()
    give_gradients(made, 1)
    assert optimizer.gradients_are_finite()
    for parameter in (parameter for group in made for parameter in group.parameters):
        kept = parameter.grad.clone()
        parameter.grad.view(-1)[2] = value
        assert not optimizer.gradients_are_finite()
        parameter.grad.copy_(kept)
    assert optimizer.gradients_are_finite()


def test_what_a_refinement_leaves_keeps_its_moments_and_what_is_new_begins_anew() -> None:
    made = groups()
    optimizer = Optimizer(made)
    give_gradients(made, 0)
    optimizer.step(1.0)
    before = copy.deepcopy(optimizer.state_dict())
    finer = ParameterGroup("table", (nn.Parameter(torch.ones(9, 2)),), 0.1, kind="table")
    optimizer.follow([finer, made[1]])
    after = optimizer.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before if name.startswith("net."))
    assert any(before[name].any() for name in before if name.startswith("net."))
    assert after["table.0.first_moment"].shape == (9, 2)
    assert not any(after[name].any() for name in after if name.startswith("table."))


def test_a_step_of_a_weight_matrix_goes_as_far_in_all_its_directions() -> None:
    made = groups()
    optimizer = Optimizer(made)
    give_gradients(made, 1)
    weight = made[1].parameters[2]
    before, (u, _, v) = weight.detach().clone(), torch.linalg.svd(weight.grad, full_matrices=False)
    optimizer.step(0.5)
    step = before - weight.detach()
    lengths = torch.einsum("mi,mn,in->i", u, step, v) / (0.5 * 0.01 * math.sqrt(20))
    assert (lengths > 0.65).all() and (lengths < 1.25).all()
    torch.testing.assert_close(
        u.T @ step @ v.T, torch.diag(lengths) * 0.5 * 0.01 * math.sqrt(20), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("shape", [(12, 12), (12, 40), (40, 12)])
def test_orthogonal_keeps_the_directions_and_makes_them_alike(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonal(matrix))
    assert values.min() > 0.4 and values.max() < 1.3  # a square one has singular values near zero
    for scale in (5e3, 1e-25, 1e-35):  # the square of the last two is zero in float32
        torch.testing.assert_close(orthogonal(scale * matrix), orthogonal(matrix), rtol=1e-3, atol=1e-3)
    assert torch.equal(orthogonal(torch.zeros(shape)), torch.zeros(shape))


def test_a_layer_that_no_gradient_reaches_stays_as_it_is() -> None:
    """Its momentum fades, but orthogonal steps are as long as ever: they once ran a dead layer into infinity."""
    made = groups()
    optimizer, layer = Optimizer(made), made[1].parameters[2]
    give_gradients(made, 0)
    optimizer.step(1.0)
    after, momentum = layer.clone(), optimizer.state_dict()["net.2.momentum"].clone()
    for _ in range(3):
        layer.grad = torch.zeros_like(layer)
        optimizer.step(1.0)
    assert torch.equal(layer, after)
    assert torch.equal(optimizer.state_dict()["net.2.momentum"], momentum)
