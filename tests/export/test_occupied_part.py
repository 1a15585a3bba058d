"""What of a crop a mesh's cells are laid over."""

import math
from dataclasses import replace

import pytest
import torch
from omnifield.export.occupied_part import MARGIN, SIDE, occupied_part
from omnifield.renderers import OccupancyConfig
from omnifield.scenes import Box
from omnifield.scenes.cells import packed
from omnifield.scenes.crop import crop_between, crop_of
from torch import Tensor

CELLS, DOMAIN = 32, Box((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0))


@pytest.fixture
def few_cells(trained, ring):
    """Occupied are two cells: from (0, 0, 0) to 1/16, and from (-0.5, 0.25, -0.25) on to as much more."""

    def build(*corners: tuple[int, int, int]):
        made = trained(DOMAIN, ring(torch.zeros(3), 3.0))
        cells = torch.zeros(CELLS, CELLS, CELLS, dtype=torch.bool)
        for x, y, z in corners:
            cells[z, y, x] = True
        sampler = OccupancyConfig(CELLS).build(DOMAIN)
        sampler.bits = packed(cells.reshape(-1))
        return replace(made, sampler=sampler)

    return build


def corners(box) -> tuple[Tensor, Tensor]:
    return box.center - box.size / 2, box.center + box.size / 2


def test_it_is_as_small_as_what_is_occupied(few_cells) -> None:
    found = occupied_part(crop_of(DOMAIN, ()), few_cells((16, 16, 16), (8, 20, 12)))
    lo, hi = corners(found)
    margin = (MARGIN + 0.5) * 2 / SIDE
    for end, low, high in zip(range(3), (-0.5, 0.0, -0.25), (0.0625, 0.3125, 0.0625), strict=True):
        assert low - margin - 1e-6 <= lo[end] < low and high < hi[end] <= high + margin + 1e-6


def test_it_is_never_larger_than_the_crop(few_cells) -> None:
    turn = torch.eye(4)
    turn[:2, :2] = torch.tensor([[0.6, -0.8], [0.8, 0.6]])
    crop = crop_between((0.01, -0.5, -0.5), (0.5, 0.5, 0.5), turn)
    found = occupied_part(crop, few_cells((16, 16, 16)))
    assert torch.equal(found.rotation, crop.rotation) and (found.size <= crop.size).all()
    assert crop.contains(found.center[None]).all() and found.size.max() < 0.2
    local = crop.box_from_world(found.center)
    assert local[0] - found.size[0] / 2 == pytest.approx(-crop.size[0].item() / 2, abs=1e-6)
    assert found.contains(torch.tensor([[0.03, 0.03, 0.03]])).all() and math.isfinite(found.size.sum().item())


def test_where_nothing_is_it_is_all(few_cells) -> None:
    crop = crop_of(DOMAIN, ())
    assert occupied_part(crop, few_cells()) is crop
