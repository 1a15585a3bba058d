"""Dense grids against a loop over corners, against functions they hold exactly, and at the edges of the cube."""

import itertools
import math

import pytest
import torch
from omnifield.ops import Grid, GridLayout, grid_lookup, references

BOTH = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["reference", "kernel"])
PLANES = GridLayout(tuple(Grid(axes, (5, 9), slot) for slot, axes in enumerate([(0, 1), (0, 2), (1, 2)])), 3)
MIXED = GridLayout(
    (Grid((2, 0), (4, 6), 1), Grid((1,), (7,), 0), Grid((0, 1, 2), (3, 4, 5), 1), Grid((2,), (2,), 1)), 2
)


def by_loop(position, table, layout):
    found = [0.0] * layout.width
    for grid, first in zip(layout.grids, layout.offsets, strict=False):
        p = [
            min(max(position[axis], 0.0), 1.0) * (r - 1)
            for axis, r in zip(grid.axes, grid.shape, strict=True)
        ]
        for node in itertools.product(*map(range, grid.shape)):
            weight = math.prod(max(0.0, 1 - abs(x - i)) for x, i in zip(p, node, strict=True))
            row, stride = first, 1
            for i, r in zip(node, grid.shape, strict=True):
                row, stride = row + i * stride, stride * r
            for channel in range(layout.channels):
                found[grid.slot * layout.channels + channel] += weight * table[row][channel]
    return found


@BOTH
@pytest.mark.parametrize("layout", [PLANES, MIXED], ids=["planes", "mixed"])
def test_equals_a_loop_over_all_nodes(generator, dtype, layout):
    edges = torch.tensor([[0.0, 0, 0], [1, 1, 1], [0, 1, 0.5], [-2, 0.3, 7]])
    positions = torch.cat([torch.rand(30, 3, generator=generator), edges]).to(dtype)
    table = torch.randn(layout.rows, layout.channels, generator=generator).to(dtype)
    expected = torch.tensor([by_loop(x, table.tolist(), layout) for x in positions.tolist()]).double()
    found = grid_lookup(positions, table, layout).double()
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6 if dtype == torch.float64 else 2e-5)


def test_layout():
    assert MIXED.offsets == (0, 24, 31, 91, 93)
    assert MIXED.rows == 93 and MIXED.slots == 2 and MIXED.width == 4


@BOTH
def test_a_multilinear_function_is_met_exactly(generator, dtype):
    shape = (6, 11, 21)
    x, y, z = (torch.linspace(0, 1, nodes, dtype=dtype) for nodes in shape)
    k, j, i = torch.meshgrid(z, y, x, indexing="ij")
    table = torch.stack([i, j, k, i * j - 2 * k + 3 * i * j * k], -1).reshape(-1, 4)
    positions = torch.rand(500, 3, generator=generator).to(dtype)
    x, y, z = positions.unbind(-1)
    expected = torch.stack([x, y, z, x * y - 2 * z + 3 * x * y * z], -1)
    found = grid_lookup(positions, table, GridLayout((Grid((0, 1, 2), shape, 0),), 4))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@BOTH
def test_nodes_are_met_exactly(dtype):
    layout = GridLayout((Grid((1,), (5,), 0),), 1)
    positions = torch.full((5, 3), 0.3, dtype=dtype)
    positions[:, 1] = torch.arange(5) / 4
    table = torch.tensor([[3.0], [-1.0], [4.0], [1.0], [-5.0]], dtype=dtype)
    assert torch.equal(grid_lookup(positions, table, layout), table)


@pytest.mark.parametrize("layout", [PLANES, MIXED], ids=["planes", "mixed"])
def test_gradcheck(generator, layout):
    positions = torch.rand(6, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    table = torch.randn(layout.rows, layout.channels, generator=generator).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x, t: grid_lookup(x, t, layout), (positions, table))


@BOTH
def test_outside_the_cube_is_its_surface(generator, dtype):
    table = torch.randn(PLANES.rows, 3, generator=generator).to(dtype)
    positions = (torch.rand(100, 3, generator=generator) * 6 - 3).to(dtype).requires_grad_()
    found = grid_lookup(positions, table, PLANES)
    assert torch.equal(found, grid_lookup(positions.detach().clamp(0, 1), table, PLANES))
    (gradient,) = torch.autograd.grad(found.sum(), positions)
    outside = (positions < 0) | (positions > 1)
    assert (gradient[outside] == 0).all() and (gradient[~outside] != 0).all()


@BOTH
def test_positions_that_are_no_numbers_touch_nothing_else(generator, dtype):
    table = torch.randn(MIXED.rows, 2, generator=generator).to(dtype).requires_grad_()
    positions = torch.rand(9, 3, generator=generator).to(dtype)
    clean = grid_lookup(positions, table, MIXED)
    broken = positions.clone()
    broken[4] = torch.tensor([math.nan, math.inf, -math.inf])
    broken[5] = torch.tensor([1e30, -1e30, math.nan])
    found = grid_lookup(broken, table, MIXED)
    assert torch.equal(found[:4], clean[:4]) and torch.equal(found[6:], clean[6:])
    counted = torch.tensor([[0.0, 1, 0], [1, 0, 0]], dtype=dtype)
    assert torch.equal(found[4:6], grid_lookup(counted, table, MIXED))
    found.sum().backward()
    assert table.grad is not None and table.grad.isfinite().all()


@BOTH
def test_the_gradient_of_the_table_counts_every_weight_once(generator, dtype):
    positions = torch.rand(777, 3, generator=generator).to(dtype)
    table = torch.zeros(MIXED.rows, 2, dtype=dtype, requires_grad=True)
    grid_lookup(positions, table, MIXED).sum().backward()
    assert table.grad is not None
    for first, last in itertools.pairwise(MIXED.offsets):
        torch.testing.assert_close(table.grad[first:last].sum(0), torch.full((2,), 777.0, dtype=dtype))


def test_a_kept_gradient_is_added_to_where_it_is(generator):
    positions = torch.rand(50, 3, generator=generator)
    table = torch.randn(PLANES.rows, 3, generator=generator).requires_grad_()
    (once,) = torch.autograd.grad(grid_lookup(positions, table, PLANES).sum(), table)
    table.grad = kept = torch.ones_like(table)
    grid_lookup(positions, table, PLANES).sum().backward()
    assert table.grad is kept
    torch.testing.assert_close(kept, 1 + once)


def test_no_positions_and_references_give_the_same_shape():
    table = torch.zeros(PLANES.rows, 3, requires_grad=True)
    found = grid_lookup(torch.zeros(0, 3), table, PLANES)
    assert found.shape == (0, 9)
    found.sum().backward()
    assert table.grad is not None and not table.grad.any()
    with references():
        assert grid_lookup(torch.zeros(0, 3), table, PLANES).shape == (0, 9)


REFUSED = {
    "grid_lookup: positions has shape": lambda: grid_lookup(torch.zeros(5, 2), torch.zeros(93, 2), MIXED),
    r"grid_lookup: the table has shape \(92, 2\)": lambda: grid_lookup(
        torch.zeros(5, 3), torch.zeros(92, 2), MIXED
    ),
    "grid_lookup: table is .*float64": lambda: grid_lookup(
        torch.zeros(5, 3), torch.zeros(93, 2).double(), MIXED
    ),
    "Grid: the axes are one to three": lambda: Grid((0, 0), (4, 4), 0),
    "Grid: the axes are .* not ": lambda: Grid((), (), 0),
    "Grid: at least 2 nodes": lambda: Grid((0, 1), (4, 1), 0),
    "Grid: at least 2 nodes are needed along each": lambda: Grid((0, 1), (4,), 0),
    "GridLayout: slots count from 0": lambda: GridLayout((Grid((0,), (4,), 1),), 2),
    "GridLayout: slots count .* not": lambda: GridLayout((), 2),
    "GridLayout: channels is 1 to 64": lambda: GridLayout((Grid((0,), (4,), 0),), 65),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_refused_in_a_sentence(sentence):
    with pytest.raises(ValueError, match=sentence):
        REFUSED[sentence]()
