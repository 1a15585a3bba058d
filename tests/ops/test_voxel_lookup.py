"""Sparse voxels against a dense trilinear oracle, between levels, where blocks are missing and at the edges."""

import itertools
import math

import pytest
import torch
from omnifield.ops import VoxelLayout, references, voxel_lookup
from torch.nn.functional import grid_sample

BOTH = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["reference", "kernel"])
PYRAMID = VoxelLayout((32, 16, 8))
NO_LEVEL = torch.zeros(0)


def scene(layout, channels, generator, dtype=torch.float32, share=0.6):
    """Blocks in a random order, some of them missing: their values, and the index."""
    there = torch.rand(layout.entries, generator=generator) < share
    count = int(there.sum())
    index = torch.full((layout.entries,), -1, dtype=torch.int32)
    index[there] = torch.randperm(count, generator=generator).int()
    return torch.randn(count * 512, channels, generator=generator).to(dtype), index


def dense(values, index, layout, level):
    """One level as a grid of (channel, z, y, x)."""
    blocks = layout.blocks_per_axis[level]
    numbers = index[layout.index_offsets[level] : layout.index_offsets[level + 1]].long()
    padded = torch.cat(
        [values.reshape(-1, 8, 8, 8, values.shape[1]), values.new_zeros(1, 8, 8, 8, values.shape[1])]
    )
    stacked = padded[numbers].reshape(blocks, blocks, blocks, 8, 8, 8, -1)
    side = 8 * blocks
    return stacked.permute(6, 0, 3, 1, 4, 2, 5).reshape(-1, side, side, side)


def oracle(positions, level, values, index, layout):
    where = (positions.clamp(0, 1) * 2 - 1)[None, None, None]
    levels = []
    for number in range(layout.levels):
        grid = dense(values, index, layout, number)[None]
        found = grid_sample(grid, where, padding_mode="border", align_corners=False)
        levels.append(found[0, :, 0, 0].T)
    clamped = level.clamp(0, layout.levels - 1)
    floor = clamped.floor().long()
    above = (floor + 1).clamp(max=layout.levels - 1)
    stacked, each = torch.stack(levels), torch.arange(len(positions))
    fraction = (clamped - floor)[:, None]
    return (1 - fraction) * stacked[floor, each] + fraction * stacked[above, each]


@BOTH
@pytest.mark.parametrize("resolutions", [(8,), (24,), (32, 16, 8), (40, 8)], ids=str)
@pytest.mark.parametrize("channels", [1, 3, 28])
def test_equals_dense_sampling(generator, dtype, resolutions, channels):
    layout = VoxelLayout(resolutions)
    values, index = scene(layout, channels, generator, dtype)
    corners = torch.tensor([*itertools.product((0.0, 0.5, 1.0), repeat=3), (-1, 0.2, 3)])
    positions = torch.cat([corners, torch.rand(400, 3, generator=generator)]).to(dtype)
    level = (torch.rand(len(positions), generator=generator) * (layout.levels + 1) - 1).to(dtype)
    level[::3] = level[::3].round()
    found = voxel_lookup(positions, level, values, index, layout)
    expected = oracle(positions, level, values, index, layout)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10 if dtype == torch.float64 else 5e-5)


def test_layout():
    assert PYRAMID.blocks_per_axis == (4, 2, 1)
    assert PYRAMID.index_offsets == (0, 64, 72, 73)
    assert PYRAMID.levels == 3 and PYRAMID.entries == 73


@BOTH
def test_centres_are_met_exactly_and_the_rows_lie_as_said(generator, dtype):
    layout = VoxelLayout((16,))
    values, index = scene(layout, 2, generator, dtype, share=1.0)
    x, y, z = 3, 9, 14
    number = int(index[0 + 2 * (1 + 2 * 1)])
    row = number * 512 + 3 + 8 * (1 + 8 * 6)
    position = (torch.tensor([[x, y, z]], dtype=dtype) + 0.5) / 16
    found = voxel_lookup(position, torch.zeros(1, dtype=dtype), values, index, layout)
    assert torch.equal(found[0], values[row])


def test_gradcheck(generator):
    layout = VoxelLayout((16, 8))
    values, index = scene(layout, 2, generator, torch.float64)
    positions = torch.rand(5, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    level = torch.tensor([0.0, 0.3, 1.0, 2.0, 0.9], dtype=torch.float64)
    rows = torch.zeros_like(values).requires_grad_()
    voxel_lookup(positions, level, rows, index, layout).sum().backward()
    assert rows.grad is not None
    (touched,) = rows.grad.sum(-1).nonzero(as_tuple=True)

    def of_touched(x, some):
        return voxel_lookup(x, level, values.index_copy(0, touched, some), index, layout)

    some = values[touched].clone().requires_grad_()
    assert torch.autograd.gradcheck(of_touched, (positions.detach().requires_grad_(), some))


@BOTH
def test_the_gradients_are_those_of_dense_sampling(generator, dtype):
    values, index = scene(PYRAMID, 5, generator, dtype)
    positions = torch.rand(500, 3, generator=generator).to(dtype)
    level = (torch.rand(500, generator=generator) * 2).to(dtype)
    direction = torch.randn(500, 5, generator=generator).to(dtype)
    gradients = []
    for function in (voxel_lookup, oracle):
        leaves = positions.clone().requires_grad_(), values.clone().requires_grad_()
        found = function(leaves[0], level, leaves[1], index, PYRAMID)
        gradients.append(torch.autograd.grad(found, leaves, direction))
    for actual, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(actual, expected, rtol=0, atol=1e-9 if dtype == torch.float64 else 1e-3)


@BOTH
def test_outside_the_cube_is_its_surface(generator, dtype):
    layout = VoxelLayout((24, 16))
    values, index = scene(layout, 2, generator, dtype, share=1.0)
    positions = (torch.rand(200, 3, generator=generator) * 6 - 3).to(dtype).requires_grad_()
    level = torch.rand(200, generator=generator).to(dtype)
    found = voxel_lookup(positions, level, values, index, layout)
    assert torch.equal(found, voxel_lookup(positions.detach().clamp(0, 1), level, values, index, layout))
    (gradient,) = torch.autograd.grad(found.sum(), positions)
    outside = (positions < 0) | (positions > 1)
    assert (gradient[outside] == 0).all() and gradient[~outside].ne(0).float().mean() > 0.9


@BOTH
def test_no_blocks_at_all_is_zero(dtype):
    values = torch.zeros(0, 3, dtype=dtype, requires_grad=True)
    index = torch.full((PYRAMID.entries,), -1, dtype=torch.int32)
    positions = torch.rand(20, 3).to(dtype).requires_grad_()
    found = voxel_lookup(positions, torch.linspace(0, 2, 20, dtype=dtype), values, index, PYRAMID)
    assert torch.equal(found, torch.zeros(20, 3, dtype=dtype))
    gradients = torch.autograd.grad(found.sum(), (positions, values))
    assert not gradients[0].any() and gradients[1].shape == (0, 3)


@BOTH
def test_what_is_no_number_touches_nothing_else(generator, dtype):
    values, index = scene(PYRAMID, 2, generator, dtype)
    values.requires_grad_()
    positions, level = torch.rand(9, 3, generator=generator).to(dtype), torch.full((9,), 0.4, dtype=dtype)
    clean = voxel_lookup(positions, level, values, index, PYRAMID)
    positions[4] = torch.tensor([math.nan, math.inf, -math.inf])
    positions[5] = torch.tensor([1e30, -1e30, math.nan])
    level[6:8] = torch.tensor([math.nan, math.inf])
    found = voxel_lookup(positions, level, values, index, PYRAMID)
    assert torch.equal(found[:4], clean[:4]) and torch.equal(found[8:], clean[8:])
    assert found.isfinite().all()
    found.sum().backward()
    assert values.grad is not None and values.grad.isfinite().all()


def test_blocks_that_stand_in_several_places_gather_all_gradients(generator):
    # Nothing forbids it: and whoever owns a block owns all of its places.
    index = torch.randint(-1, 3, (PYRAMID.entries,), generator=generator).int()
    values = torch.randn(3 * 512, 4, generator=generator)
    positions, level = torch.rand(3000, 3, generator=generator), torch.rand(3000, generator=generator) * 2
    gradients = []
    for dtype in (torch.float32, torch.float64):
        leaf = values.to(dtype).requires_grad_()
        found = voxel_lookup(positions.to(dtype), level.to(dtype), leaf, index, PYRAMID)
        gradients.append(torch.autograd.grad(found.sum(), leaf)[0].double())
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-4, atol=1e-4)


def test_a_kept_gradient_is_added_to_where_it_is(generator):
    values, index = scene(PYRAMID, 3, generator)
    values.requires_grad_()
    positions, level = torch.rand(50, 3, generator=generator), torch.rand(50, generator=generator)
    (once,) = torch.autograd.grad(voxel_lookup(positions, level, values, index, PYRAMID).sum(), values)
    values.grad = kept = torch.ones_like(values)
    voxel_lookup(positions, level, values, index, PYRAMID).sum().backward()
    assert values.grad is kept
    torch.testing.assert_close(kept, 1 + once)


def test_no_positions_and_references_give_the_same_shape(generator):
    values, index = scene(PYRAMID, 3, generator)
    values.requires_grad_()
    found = voxel_lookup(torch.zeros(0, 3), NO_LEVEL, values, index, PYRAMID)
    assert found.shape == (0, 3)
    found.sum().backward()
    assert values.grad is not None and not values.grad.any()
    with references():
        assert voxel_lookup(torch.zeros(0, 3), NO_LEVEL, values, index, PYRAMID).shape == (0, 3)


def call(positions=(5, 3), level=(5,), rows=1024, index=None, dtype=torch.float32):
    index = torch.zeros(8, dtype=torch.int32) if index is None else index
    values = torch.zeros(rows, 2, dtype=dtype)
    voxel_lookup(torch.zeros(positions), torch.zeros(level), values, index, VoxelLayout((16,)))


def numbers(*first):
    return torch.tensor([*first, *[0] * (8 - len(first))], dtype=torch.int32)


REFUSED = {
    "voxel_lookup: positions has shape": lambda: call(positions=(5, 2)),
    "voxel_lookup: level has shape": lambda: call(level=(4,)),
    "voxel_lookup: values has shape .* 512 rows": lambda: call(rows=1000),
    "voxel_lookup: values is .*float64": lambda: call(dtype=torch.float64),
    "voxel_lookup: index has shape": lambda: call(index=numbers()[1:]),
    "voxel_lookup: index must be torch.int32": lambda: call(index=numbers().long()),
    "voxel_lookup: index names blocks 0 to 2, but .* to 1": lambda: call(index=numbers(1, 2)),
    "voxel_lookup: index names blocks -2 to 1": lambda: call(index=numbers(1, -2)),
    "VoxelLayout: resolutions are multiples of 8": lambda: VoxelLayout((16, 12)),
    "VoxelLayout: resolutions are .* not ": lambda: VoxelLayout(()),
}


def test_the_reference_refuses_the_same_blocks():
    with references(), pytest.raises(ValueError, match=r"index names blocks 0 to 2, but .* to 1"):
        call(index=numbers(1, 2))


@pytest.mark.parametrize("sentence", REFUSED)
def test_refused_in_a_sentence(sentence):
    with pytest.raises(ValueError, match=sentence):
        REFUSED[sentence]()
