"""Sparse blocks, their refinement, and the pyramid over them, against dense grids and loops."""

import copy
import math
from dataclasses import replace

import pytest
import torch
from omnifield.fields import Points, field_config
from omnifield.fields.blocks import Blocks, block_variation, is_occupied
from omnifield.fields.mipvog import MipVogField, world_per_unit
from omnifield.fields.pyramid import Pyramid
from omnifield.ops import cell_number, cell_place, voxel_lookup
from omnifield.ops.voxel_lookup import BLOCK
from omnifield.scenes import Box, Contraction
from omnifield.scenes.columns import joined
from torch import Tensor

from .contract import BOX, answers, scattered, tiny

CUBE = Box((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0))


def everywhere(position: Tensor) -> Tensor:
    return torch.ones(len(position), dtype=torch.bool)


def centres(blocks: Blocks) -> Tensor:
    """The voxels' centres in the unit cube, in the order of the rows."""
    inside = cell_place(torch.arange(BLOCK), 8)
    return ((8 * blocks.corners()[:, None] + inside).reshape(-1, 3) + 0.5) / blocks.size


def test_numbers_and_places_are_inverse() -> None:
    assert torch.equal(cell_number(cell_place(torch.arange(60), 7), 7), torch.arange(60))
    assert cell_place(torch.tensor([1 + 5 * (2 + 5 * 3)]), 5).tolist() == [[1, 2, 3]]


def test_in_the_beginning_all_blocks_are_there(generator: torch.Generator) -> None:
    blocks = Blocks(16)
    assert blocks.rows == 16**3
    table = torch.randn(16**3, 2, generator=generator)
    torch.testing.assert_close(blocks.lookup(centres(blocks), table), table)


def test_refining_everywhere_keeps_a_linear_volume() -> None:
    blocks = Blocks(16)
    table = centres(blocks) @ torch.tensor([[1.0], [2.0], [-3.0]])
    finer, [resampled] = blocks.refine(CUBE, everywhere, [table], 10_000)
    assert finer.size == 32 and finer.rows == 32**3
    x = centres(finer)
    inner = ((x > 1 / 32) & (x < 31 / 32)).all(-1)  # half a coarse voxel from the walls values are continued
    torch.testing.assert_close(resampled[inner, 0], (x @ torch.tensor([1.0, 2.0, -3.0]))[inner])


def test_only_occupied_blocks_and_those_beside_them_stay() -> None:
    blocks = Blocks(16)

    def ball(position: Tensor) -> Tensor:
        return (position - torch.tensor([0.5, 0.5, 0.5])).norm(dim=-1) < 0.2

    finer, [table] = blocks.refine(CUBE, ball, [torch.ones(16**3, 3)], 10_000)
    place = finer.corners()
    middle = (place + 0.5) * 8 / 32 * 2 - 1
    assert 0 < len(place) < 30 and table.shape == (finer.rows, 3) and (table == 1).all()
    assert ((middle - 0.5).abs().amax(-1) < 0.2 + 0.25 + 2 / 32).all()
    inside = torch.rand(1000, 3) * 2 - 1
    inside = inside[ball(inside)]
    assert (finer.lookup(CUBE.unit_from_world(inside), torch.ones(finer.rows, 1)) > 0.999).all()


def test_too_many_blocks_leave_the_resolution() -> None:
    blocks, _ = Blocks(16).refine(CUBE, everywhere, [], 63)
    assert blocks.size == 16 and blocks.rows == 16**3
    half, _ = Blocks(16).refine(CUBE, lambda position: position[:, 2] < -0.3, [], 3)
    assert half.size == 16 and half.rows == 4 * BLOCK


def test_nothing_occupied_leaves_one_block() -> None:
    blocks, [table] = Blocks(16).refine(CUBE, lambda p: p[:, 0] > 9, [torch.ones(16**3, 1)], 100)
    assert blocks.rows == BLOCK == len(table)


def test_blocks_are_asked_beyond_their_walls() -> None:
    corner = torch.tensor([[0, 0, 0], [1, 0, 0]])
    just_beyond = is_occupied(corner, 16, CUBE, lambda p: (p[:, 0] > 0.04) & (p[:, 0] < 0.08))
    assert just_beyond.tolist() == [True, True]


@pytest.mark.parametrize(
    "state",
    [
        {"index": torch.zeros(7, dtype=torch.int32), "resolution": torch.tensor(16)},
        {"index": torch.zeros(8, dtype=torch.int32), "resolution": torch.tensor(16)},
        {"index": torch.arange(1, 9, dtype=torch.int32), "resolution": torch.tensor(16)},
        {"index": torch.arange(8, dtype=torch.int32), "resolution": torch.tensor(-16)},
    ],
)
def test_an_index_that_makes_no_sense_is_refused(state: dict[str, Tensor]) -> None:
    with pytest.raises(ValueError, match="index"):
        Blocks(16).take_shape_of(**state)


def test_variation_within_blocks() -> None:
    rows = torch.arange(BLOCK)
    table = torch.stack([rows % 8, 2 * (rows // 8 % 8)], -1).float()
    assert block_variation(table, None).item() == pytest.approx((7 / 8 * 1 + 7 / 8 * 4) / 2)


def sparse() -> tuple[Blocks, Tensor]:
    """A third of the blocks of 32³ voxels, with random values."""
    generator = torch.Generator().manual_seed(0)
    blocks = Blocks(32)
    there = (torch.rand(64, generator=generator) < 0.3).nonzero()[:, 0]
    blocks.index = torch.full((64,), -1, dtype=torch.int32)
    blocks.index[there] = torch.arange(len(there), dtype=torch.int32)
    return blocks, torch.randn(blocks.rows, 2, generator=generator)


def dense(blocks: Blocks, table: Tensor) -> Tensor:
    grid = torch.zeros(32, 32, 32, 2)
    x, y, z = (centres(blocks) * 32).long().unbind(-1)
    grid[z, y, x] = table
    return grid


def test_each_level_holds_means_of_eight() -> None:
    blocks, table = sparse()
    pyramid = Pyramid(blocks, 9)
    assert pyramid.layout.resolutions == (32, 16, 8)
    coarser, grid = pyramid.coarser(table), dense(blocks, table)
    assert len(coarser) == BLOCK * sum(level.blocks for level in pyramid.parents)
    for level in range(3):
        size = 32 >> level
        x = torch.cartesian_prod(*[torch.arange(size)] * 3)
        level_of_all = torch.full((len(x),), float(level))
        found = voxel_lookup((x + 0.5) / size, level_of_all, table, pyramid.index, pyramid.layout, coarser)
        torch.testing.assert_close(found, grid[x[:, 2], x[:, 1], x[:, 0]])
        if level < 2:
            grid = grid.reshape(size // 2, 2, size // 2, 2, size // 2, 2, 2).mean((1, 3, 5))


def far_away(count: int) -> Points:
    """Points of pixels wide enough for every level of the pyramid."""
    points = scattered(count, BOX)
    return replace(points, footprint=points.footprint * 50)


def test_where_no_pixel_is_wider_than_a_voxel_nobody_makes_a_pyramid() -> None:
    """And what is read then is what its finest level says."""
    field, points = tiny("mipvog"), far_away(100)
    assert isinstance(field, MipVogField)
    near = replace(points, footprint=points.footprint * 0)
    density = field.density(near)
    assert not field.filtered
    torch.testing.assert_close(field.density(joined([near, points]))[:100], density)
    assert field.filtered


@pytest.mark.parametrize(("setting", "wider"), [("level_by=width", 1.0), ("level_by=spread", 3**0.5)])
def test_the_level_is_the_logarithm_of_a_pixels_width_in_voxels(setting: str, wider: float) -> None:
    """By its spread a pixel of the same level is √3 times as wide."""
    field = field_config("mipvog", "tiny", [setting, "lod_factor=1"]).build(BOX)
    assert isinstance(field, MipVogField)
    points = scattered(5, BOX)
    voxel = BOX.side / 16
    widths = torch.tensor([0.5, 1.0, 2**0.5, 2.0, 64.0]) * voxel * wider
    footprint = widths * 2 / 12**0.5
    level = field.level(replace(points, footprint=footprint))
    torch.testing.assert_close(level, torch.tensor([0.0, 0.0, 0.5, 1.0, 1.0]), atol=1e-5, rtol=0)


def test_a_factor_of_the_level_leaves_no_level_unread() -> None:
    """λ = clamp(lod_factor · log₂ w, 0, levels − 1): with half of the textbook's level the widest pixels still read the
    coarsest."""
    field = field_config("mipvog", "default", ["levels=4", "lod_factor=0.5"]).build(BOX)
    assert isinstance(field, MipVogField) and field.pyramid.layout.levels == 4
    points = scattered(5, BOX)
    widths = torch.tensor([0.7, 4.0, 16.0, 64.0, 256.0]) * BOX.side / 64
    level = field.level(replace(points, footprint=widths * 2 / 12**0.5))
    torch.testing.assert_close(level, torch.tensor([0.0, 1.0, 2.0, 3.0, 3.0]), atol=1e-5, rtol=0)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_voxel_of_a_level_is_as_blurred_as_a_pixel_that_is_looked_up_there(level: int) -> None:
    """The answer to one bright voxel, at places along a line: its spread is that of a box √3·2^level voxels wide,
    on average over where the voxel is."""
    blocks, spreads = Blocks(64), []
    pyramid = Pyramid(blocks, 3)
    x = (torch.arange(64 * 8) + 0.5) / (64 * 8)
    unit = torch.stack([x, torch.full_like(x, 0.5), torch.full_like(x, 0.5)], -1)
    for voxel in range(28, 36):
        plane = cell_place(torch.arange(8**3), 8)[:, 0]
        corners = 8 * blocks.corners()[:, None, 0] + plane
        table = (corners == voxel).float().reshape(-1, 1)
        answer = voxel_lookup(
            unit, torch.full_like(x, level), table, pyramid.index, pyramid.layout, pyramid.coarser(table)
        )[:, 0]
        offset = 64 * x - (voxel + 0.5)
        spreads.append((answer * offset**2).sum() / answer.sum())
    width = 3**0.5 * 2**level
    # Sub-voxel detail is not there to be blurred: the box of level 0 is the voxel itself, which is one point here.
    assert torch.stack(spreads).mean().item() == pytest.approx(width**2 / 12 - 1 / 12, rel=0.05)


def test_far_away_the_unit_cube_is_larger() -> None:
    domain = Contraction((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0))
    for x in (0.5, 1.0, 3.0, 20.0):
        here = torch.tensor([[x, 0.0, 0.0]])
        beside = here + torch.tensor([[0.0, 1e-2, 0.0]])
        moved = (domain.unit_from_world(beside) - domain.unit_from_world(here)).norm().item()
        scale = world_per_unit(domain, here)
        assert isinstance(scale, Tensor) and scale.item() == pytest.approx(1e-2 / moved, rel=1e-3)


def test_the_pyramid_follows_its_table() -> None:
    """What is remembered of it is forgotten as soon as the table changes, and only then."""
    field, points = tiny("mipvog"), far_away(100)
    assert isinstance(field, MipVogField)
    with torch.no_grad():
        first = field.density(points)
        values = field.filtered["log_density"][1]
        assert torch.equal(field.density(points), first) and field.filtered["log_density"][1] is values
        field.log_density.add_(1)
        assert (field.density(points) > 2 * first).all()


def test_meanings_are_filtered_where_that_is_asked_for(generator: torch.Generator) -> None:
    """One dense voxel among eight: a coarser one is an eighth as dense, and of the dense one's appearance."""
    field = field_config("mipvog", "tiny", ["filter=meaning"]).build(BOX)
    assert isinstance(field, MipVogField)
    with torch.no_grad():
        field.log_density.fill_(-30.0)[0] = 10.0
        field.appearance.copy_(torch.randn(field.appearance.shape, generator=generator))
        coarser = field._filter("log_density")[0], field._filter("appearance")[0]
    assert coarser[0].item() == pytest.approx(10 - math.log(8), abs=1e-4)
    torch.testing.assert_close(coarser[1], field.appearance[0].detach(), rtol=0, atol=0.05)


@pytest.mark.parametrize(
    "setting",
    [
        "density=finest",
        "blend=meaning",
        "activation=before",
        "filter=meaning",
        "lod_factor=1",
        "level_by=spread",
    ],
)
def test_every_variant_answers_and_differs(setting: str) -> None:
    points = far_away(500)
    usual, other = (field_config("mipvog", "tiny", chosen).build(BOX) for chosen in ([], [setting]))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for table in (usual.get_parameter("log_density"), usual.get_parameter("appearance")):
            table.copy_(3 * torch.randn(table.shape, generator=generator) + 6)
    other.load_state_dict(usual.state_dict())
    for ours, theirs in zip(answers(usual, points), answers(other, points), strict=True):
        assert theirs.isfinite().all() and ours.shape == theirs.shape
    assert not all(
        torch.equal(a, b) for a, b in zip(answers(usual, points), answers(other, points), strict=True)
    )
    (other.density(points).sum() + answers(other, points)[2].sum()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in other.parameters())


def test_a_copy_of_a_field_makes_its_own_pyramid() -> None:
    """Also in the middle of a step, when what is remembered has a gradient to give."""
    field, points = tiny("mipvog"), far_away(50)
    assert isinstance(field, MipVogField)
    density = field.density(points)
    twin = copy.deepcopy(field)
    assert not twin.filtered and torch.equal(twin.density(points), density)
