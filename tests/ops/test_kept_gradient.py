"""Tables whose gradient is kept between steps: added to in place where their owner says so, and nowhere else."""

import threading
from collections.abc import Callable

import pytest
import torch
from omnifield.fields.grids import take_rows_of
from omnifield.ops import (
    Grid,
    GridLayout,
    HashGridLayout,
    Parents,
    VoxelLayout,
    adding_in_place,
    coarser_voxels,
    grid_lookup,
    hash_grid,
    voxel_lookup,
)
from torch import Generator, Tensor

HASHED = HashGridLayout(levels=2, features=2, log2_entries=9, base_resolution=4, per_level_scale=1.6)
PLANE = GridLayout((Grid((0, 1), (6, 5), 0),), 2)
PYRAMID, INDEX = VoxelLayout((8, 8)), torch.tensor([0, 1], dtype=torch.int32)
PARENTS = [Parents(torch.tensor([5]), 1)]
ROWS = torch.tensor([3, 0, 3])


def voxels(positions: Tensor, table: Tensor) -> Tensor:
    """The table is the finest level, and what the coarser one is made of."""
    level = torch.full_like(positions[:, 0], 0.3)
    return voxel_lookup(positions, level, table, INDEX, PYRAMID, coarser_voxels(table, PARENTS))


LOOKUPS: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], int]] = {
    "hash_grid": (lambda x, table: hash_grid(x, table, HASHED), HASHED.entries),
    "grid_lookup": (lambda x, table: grid_lookup(x, table, PLANE), PLANE.rows),
    "voxel_lookup": (voxels, 512),
    "take_rows_of": (lambda x, table: take_rows_of(table, ROWS) * x[:3, :2], 20),
}
EACH = pytest.mark.parametrize("name", LOOKUPS)


def loss_of(name: str, generator: Generator) -> tuple[Tensor, Tensor, Callable[[], Tensor]]:
    """Positions, a table that keeps a gradient of ones, and a loss that is made anew at every call."""
    lookup, rows = LOOKUPS[name]
    positions = torch.rand(30, 3, generator=generator).requires_grad_()
    table = torch.randn(rows, 2, generator=generator).requires_grad_()
    table.grad = torch.ones_like(table)
    return positions, table, lambda: lookup(positions, table).square().sum()


@EACH
def test_asking_for_gradients_leaves_alone_what_is_kept(name: str, generator: Generator) -> None:
    positions, table, loss = loss_of(name, generator)
    kept = table.grad
    torch.autograd.grad(loss(), positions)
    of_table, of_positions = torch.autograd.grad(loss(), (table, positions))
    assert table.grad is kept and kept.eq(1).all()
    assert of_positions.any()
    exact = table.detach().double().requires_grad_()
    lookup = LOOKUPS[name][0]
    expected = torch.autograd.grad(lookup(positions.detach().double(), exact).square().sum(), exact)
    torch.testing.assert_close(of_table.double(), expected[0], rtol=1e-4, atol=1e-4)


@EACH
def test_the_owner_has_gradients_added_to_what_is_kept(name: str, generator: Generator) -> None:
    positions, table, loss = loss_of(name, generator)
    kept = table.grad
    (once,) = torch.autograd.grad(loss(), table)
    for _ in range(2):
        with adding_in_place([table]):
            loss().backward()
    assert table.grad is kept
    torch.testing.assert_close(kept, 1 + 2 * once)
    assert positions.grad is not None


@EACH
def test_a_plain_backward_accumulates_as_ever(name: str, generator: Generator) -> None:
    _, table, loss = loss_of(name, generator)
    (once,) = torch.autograd.grad(loss(), table)
    table.grad = None
    for _ in range(2):
        loss().backward()
    torch.testing.assert_close(table.grad, 2 * once)


@EACH
def test_no_gradient_is_made_in_place_without_one_to_add_to(name: str, generator: Generator) -> None:
    """As after `zero_grad`; nor for another table, nor for one that is frozen, nor in another thread."""
    _, table, loss = loss_of(name, generator)
    (once,) = torch.autograd.grad(loss(), table)
    table.grad = None
    with adding_in_place([table]):
        loss().backward()
    assert torch.equal(table.grad, once)
    found = []
    with adding_in_place([torch.zeros(1)]):
        found.append(torch.autograd.grad(loss(), table)[0])
    with adding_in_place([table]):
        other = threading.Thread(target=lambda: found.append(torch.autograd.grad(loss(), table)[0]))
        other.start()
        other.join()
    assert torch.equal(found[0], once) and torch.equal(found[1], once) and torch.equal(table.grad, once)


def test_a_frozen_table_gets_none(generator: Generator) -> None:
    """Though gradients pass through the coarser levels, which are of another one."""
    frozen, coarser = torch.randn(2, 512, 2, generator=generator)
    frozen.grad = torch.zeros_like(frozen)
    coarser.requires_grad_()
    level = torch.full((9,), 0.5)
    found = voxel_lookup(torch.rand(9, 3, generator=generator), level, frozen, INDEX, PYRAMID, coarser)
    with adding_in_place([frozen, coarser]):
        found.sum().backward()
    assert not frozen.grad.any() and coarser.grad.any()
