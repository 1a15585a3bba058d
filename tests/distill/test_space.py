"""Which cells are occupied, beside an occupied one, or neither, against every cell asked one by one."""

from itertools import product

import pytest
import torch
from omnifield.distill.space import Space
from omnifield.renderers import OccupancyConfig, OccupancyGrid
from omnifield.scenes import Box, Contraction, Domain
from omnifield.scenes.cells import dilated

SIZE = 8
LONG = Box((-1.0, -0.5, 0.0), (1.0, 0.5, 1.5))


def some_cells(domain: Domain, count: int = 5) -> OccupancyGrid:
    grid = OccupancyConfig(SIZE).build(domain)
    occupied = torch.zeros(SIZE**3, dtype=torch.bool)
    occupied[torch.randperm(SIZE**3, generator=torch.Generator().manual_seed(1))[:count]] = True
    grid.set_occupied(occupied)
    return grid


def places(cells: torch.Tensor) -> set[tuple[int, int, int]]:
    return {(c % SIZE, c // SIZE % SIZE, c // SIZE**2) for c in cells.tolist()}


def test_every_cell_is_occupied_or_in_the_shell_or_empty() -> None:
    occupancy = some_cells(LONG)
    space = Space(occupancy)
    here = places(occupancy.occupied.nonzero()[:, 0])
    near = {(x + a, y + b, z + c) for x, y, z in here for a, b, c in product((-1, 0, 1), repeat=3)}
    near &= set(product(range(SIZE), repeat=3))
    assert places(space.occupied) == here
    assert places(space.shell) == near - here
    assert places(space.empty) == set(product(range(SIZE), repeat=3)) - near


def test_dilation_reaches_corners_and_leaves_nothing_full_or_empty_changed() -> None:
    one = torch.zeros(SIZE**3, dtype=torch.bool)
    one[3 + SIZE * (4 + SIZE * 5)] = True
    assert dilated(one).sum() == 27
    assert dilated(~one).all()
    assert not dilated(torch.zeros_like(one)).any()


@pytest.mark.parametrize("domain", [LONG, Contraction(LONG.lo, LONG.hi)], ids=["box", "contraction"])
def test_points_lie_in_the_cells_that_they_were_asked_for(domain: Domain, generator) -> None:
    occupancy = some_cells(domain)
    space = Space(occupancy)
    within = space.points_in(space.occupied, 4000, generator)
    assert len(within) == 4000 and occupancy.contains(within).all() and space.is_near(within).all()
    beside = space.points_in(space.shell, 4000, generator)
    assert not occupancy.contains(beside).any() and space.is_near(beside).all()
    assert not space.is_near(space.points_in(space.empty, 4000, generator)).any()
    unit = (domain.unit_from_world(within) * SIZE).long()
    cells = unit[:, 0] + SIZE * (unit[:, 1] + SIZE * unit[:, 2])
    share = cells.bincount(minlength=SIZE**3)[space.occupied] / 4000
    assert (share - 1 / len(space.occupied)).abs().max() < 0.03  # all as likely


def test_no_cells_have_no_points_and_outside_of_a_box_nothing_is_near(generator) -> None:
    grid = some_cells(LONG)
    grid.set_occupied(torch.ones(SIZE**3, dtype=torch.bool))
    space = Space(grid)
    assert space.points_in(space.empty, 100, generator).shape == (0, 3)
    assert space.is_near(torch.tensor([[0.0, 0.0, 0.5], [1.1, 0.0, 0.5]])).tolist() == [True, False]
