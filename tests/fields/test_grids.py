"""What fields made of dense grids share, against loops and functions that interpolation cannot miss."""

import itertools

import pytest
import torch
from omnifield.fields.grids import (
    even_marks,
    line_grids,
    magnitude,
    plane_grids,
    resampled,
    stages,
    take_rows_of,
    total_variation,
)
from omnifield.ops import Grid, GridLayout, grid_lookup


def layout_of(size: int, channels: int = 2) -> GridLayout:
    volume = Grid((0, 1, 2), (size, size, size), 6)
    return GridLayout((*plane_grids(size, (0, 1, 2)), *line_grids(size, (3, 4, 5)), volume), channels)


def test_stages_rise_in_equal_ratios_to_the_finest() -> None:
    assert stages(64, 256, 2) == (64, 128, 256)
    assert stages(64, 256, 0) == (256,)
    assert stages(128, 300, 5)[-1] == 300 and len(stages(128, 300, 5)) == 6
    assert even_marks(3, 0.3) == pytest.approx((0.1, 0.2, 0.3)) and even_marks(0, 0.3) == ()


def test_every_line_runs_along_the_axis_that_its_plane_leaves_out() -> None:
    for plane, line in zip(plane_grids(4, (0, 1, 2)), line_grids(4, (3, 4, 5)), strict=True):
        assert sorted((*plane.axes, *line.axes)) == [0, 1, 2]


@pytest.mark.parametrize("finer", [9, 12, 17])
def test_a_finer_grid_says_the_same_where_the_coarse_one_was_linear(
    generator: torch.Generator, finer: int
) -> None:
    old, new = layout_of(5), layout_of(finer)
    steps = []
    for grid, size in itertools.product(old.grids, [5]):
        ticks = torch.arange(size) / (size - 1)
        axes = torch.stack(torch.meshgrid(*[ticks] * len(grid.axes), indexing="ij"))
        steps.append(
            (axes.flip(0) * torch.arange(1, len(grid.axes) + 1).reshape(-1, *[1] * len(grid.axes)))
            .sum(0)
            .reshape(-1)
        )
    table = torch.cat(steps)[:, None] * torch.tensor([1.0, -2.0]) + 0.3
    positions = torch.rand(200, 3, generator=generator)
    torch.testing.assert_close(
        grid_lookup(positions, resampled(table, old, new), new), grid_lookup(positions, table, old)
    )


def test_all_nodes_of_a_coarse_grid_stay_when_cells_are_halved(generator: torch.Generator) -> None:
    old, new = layout_of(5), layout_of(9)
    table = torch.randn(old.rows, 2, generator=generator)
    nodes = torch.cartesian_prod(*[torch.arange(5) / 4] * 3)
    torch.testing.assert_close(
        grid_lookup(nodes, resampled(table, old, new), new), grid_lookup(nodes, table, old)
    )


def test_rows_are_taken_and_their_gradient_is_added_to_what_is_kept(generator: torch.Generator) -> None:
    table = torch.randn(10, 3, generator=generator, requires_grad=True)
    rows = torch.tensor([1, 7, 1])
    assert torch.equal(take_rows_of(table, rows), table[rows])
    take_rows_of(table, rows).sum().backward()
    assert table.grad is not None and table.grad[1].tolist() == [2, 2, 2] and table.grad.sum() == 9
    kept = table.grad
    take_rows_of(table, rows).sum().backward()
    assert table.grad is kept and kept.sum() == 18
    take_rows_of(table * 2, rows).sum().backward()
    assert kept.sum() == 36


def test_total_variation_is_that_of_a_loop(generator: torch.Generator) -> None:
    layout = GridLayout((Grid((0, 1), (3, 4), 0), Grid((2,), (5,), 0)), 2)
    table = torch.randn(layout.rows, 2, generator=generator)
    plane, line = table[:12].reshape(4, 3, 2), table[12:]
    expected = 0.0
    for y, x, c in itertools.product(range(4), range(3), range(2)):
        expected += float((plane[y, min(x + 1, 2), c] - plane[y, x, c]) ** 2) / 24
        expected += float((plane[min(y + 1, 3), x, c] - plane[y, x, c]) ** 2) / 24
    expected += sum(float((line[i + 1, c] - line[i, c]) ** 2) / 10 for i in range(4) for c in range(2))
    assert total_variation(table, layout, None).item() == pytest.approx(expected / 2, rel=1e-5)
    some = [total_variation(table, layout, generator).item() for _ in range(400)]
    assert sum(some) / 400 == pytest.approx(expected / 2, rel=0.1)  # each of one of the grids


def test_magnitude_weighs_grids_alike(generator: torch.Generator) -> None:
    layout = GridLayout((Grid((0, 1), (3, 4), 0), Grid((2,), (5,), 0)), 2)
    table = torch.cat([torch.full((12, 2), -2.0), torch.full((5, 2), 4.0)])
    assert magnitude(table, layout, None).item() == 3
    some = [magnitude(table, layout, generator).item() for _ in range(400)]
    assert set(some) == {2.0, 4.0} and sum(some) / 400 == pytest.approx(3, rel=0.1)
