"""The hash grid against a loop over levels and corners, and against what is known of tiny-cuda-nn's."""

import itertools
import math

import pytest
import torch
from omnifield.ops import HashGridLayout, hash_grid, references

SMALL = HashGridLayout(levels=4, features=2, log2_entries=9, base_resolution=4, per_level_scale=1.6)
DENSE = HashGridLayout(levels=1, features=3, log2_entries=19, base_resolution=16, per_level_scale=2.0)
BOTH = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["reference", "kernel"])


def by_loop(position, table, layout):
    encoded = []
    for level in range(layout.levels):
        scale, resolution = layout.scales[level], layout.resolutions[level]
        first, entries = layout.offsets[level], layout.offsets[level + 1] - layout.offsets[level]
        p = [min(max(x, 0.0), 1.0) * scale + 0.5 for x in position]
        cell = [math.floor(x) for x in p]
        value = [0.0] * layout.features
        for corner in itertools.product((0, 1), repeat=3):
            i, j, k = (c + offset for c, offset in zip(cell, corner, strict=True))
            if resolution**3 <= entries:
                entry = i + j * resolution + k * resolution * resolution
            else:
                entry = i ^ (j * 2654435761 % 2**32) ^ (k * 805459861 % 2**32)
            weight = math.prod(
                x - c if offset else 1 - (x - c) for x, c, offset in zip(p, cell, corner, strict=True)
            )
            for f in range(layout.features):
                value[f] += weight * table[first + entry % entries][f]
        encoded += value
    return encoded


@BOTH
@pytest.mark.parametrize(
    "layout", [SMALL, HashGridLayout(3, 1, 8, 2, 2.0), HashGridLayout(2, 4, 14, 16, 1.5)]
)
def test_equals_a_loop_over_corners(generator, dtype, layout):
    corners = torch.tensor([[0.0, 0, 0], [1, 1, 1], [0, 1, 0.5]])
    positions = torch.cat([torch.rand(30, 3, generator=generator), corners]).to(dtype)
    table = torch.randn(layout.entries, layout.features, generator=generator).to(dtype)
    rows = table.tolist()
    expected = torch.tensor([by_loop(position, rows, layout) for position in positions.tolist()]).double()
    encoded = hash_grid(positions, table, layout).double()
    torch.testing.assert_close(encoded, expected, rtol=0, atol=1e-6 if dtype == torch.float64 else 2e-5)


def test_layout_of_instant_ngp_base():
    layout = HashGridLayout(levels=8, features=4, log2_entries=19, base_resolution=16, per_level_scale=2.0)
    assert layout.resolutions == (16, 32, 64, 128, 256, 512, 1024, 2048)
    full = 2**19
    assert layout.offsets[:4] == (0, 4096, 36864, 299008)
    assert layout.offsets[3:] == tuple(299008 + level * full for level in range(6))


@pytest.mark.parametrize(
    "per_level_scale, finest, parameters",
    [(1.38191, 2048, 12_196_240), (1.51572, 8193, 13_074_912)],
)
def test_layout_of_instant_ngp_at_16_levels(per_level_scale, finest, parameters):
    # The sizes instant-ngp has for the synthetic scenes and for its fox.
    layout = HashGridLayout(16, 2, 19, 16, per_level_scale)
    assert layout.resolutions[0] == 16 and layout.resolutions[-1] == finest
    assert layout.entries * layout.features == parameters
    assert layout.width == 32


@pytest.mark.parametrize("base, scale", [(5, 1.3), (7, 1.447), (16, 1.38191), (3, 2.0)])
def test_levels_are_padded_to_multiples_of_eight_and_capped(base, scale):
    layout = HashGridLayout(12, 2, 15, base, scale)
    sizes = [last - first for first, last in itertools.pairwise(layout.offsets)]
    for size, resolution in zip(sizes, layout.resolutions, strict=True):
        assert size % 8 == 0 and (size == 2**15 or 0 <= size - resolution**3 < 8)


@BOTH
def test_a_linear_function_on_a_dense_level_is_met_exactly(generator, dtype):
    resolution = DENSE.resolutions[0]
    grid = torch.arange(resolution).to(dtype)
    k, j, i = torch.meshgrid(grid, grid, grid, indexing="ij")
    table = torch.stack([i, j, k], -1).reshape(-1, 3)
    layout = HashGridLayout(1, 4, 19, 16, 2.0)
    table = torch.cat([table, table.sum(-1, keepdim=True) * 0.25 - 1], -1)
    # Beyond 0.96 the upper vertex is wrapped around, as in tiny-cuda-nn.
    positions = 0.96 * torch.rand(500, 3, generator=generator).to(dtype)
    p = positions * DENSE.scales[0] + 0.5
    expected = torch.cat([p, p.sum(-1, keepdim=True) * 0.25 - 1], -1)
    torch.testing.assert_close(hash_grid(positions, table, layout), expected, rtol=1e-5, atol=1e-5)


@BOTH
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_continuous_across_a_face(generator, dtype, axis):
    table = torch.randn(SMALL.entries, 2, generator=generator).to(dtype)
    positions = torch.rand(200, 3, generator=generator).to(dtype)
    step = 1e-6
    for scale in SMALL.scales:
        face = torch.floor(positions[:, axis] * (scale - 1)) + 0.5
        before, after = positions.clone(), positions.clone()
        before[:, axis], after[:, axis] = face / scale - step, face / scale + step
        change = hash_grid(after, table, SMALL) - hash_grid(before, table, SMALL)
        assert change.abs().max() < 2 * step * SMALL.scales[-1] * 20


def test_gradcheck(generator):
    positions = torch.rand(6, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    layout = HashGridLayout(2, 2, 6, 3, 1.7)
    table = torch.randn(layout.entries, 2, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, t: hash_grid(x, t, layout), (positions, table))


@BOTH
def test_gradient_of_positions_equals_finite_differences(generator, dtype):
    positions = torch.rand(200, 3, generator=generator)
    table = torch.randn(SMALL.entries, 2, generator=generator)
    g = torch.randn(200, SMALL.width, generator=generator)
    leaf = positions.to(dtype).requires_grad_()
    (gradient,) = torch.autograd.grad(hash_grid(leaf, table.to(dtype), SMALL), leaf, g.to(dtype))
    step, exact = 1e-7, table.double()
    for axis in range(3):
        move = torch.zeros(3, dtype=torch.float64)
        move[axis] = step
        ahead = hash_grid(positions.double() + move, exact, SMALL)
        behind = hash_grid(positions.double() - move, exact, SMALL)
        slope = ((ahead - behind) * g.double()).sum(-1) / (2 * step)
        close = torch.isclose(gradient[:, axis].double(), slope, rtol=1e-3, atol=1e-2)
        assert close.float().mean() > 0.99  # a step may straddle a face


@BOTH
def test_outside_the_cube_is_its_surface(generator, dtype):
    table = torch.randn(SMALL.entries, 2, generator=generator).to(dtype)
    positions = (torch.rand(100, 3, generator=generator) * 6 - 3).to(dtype).requires_grad_()
    encoded = hash_grid(positions, table, SMALL)
    assert torch.equal(encoded, hash_grid(positions.detach().clamp(0, 1), table, SMALL))
    (gradient,) = torch.autograd.grad(encoded.sum(), positions)
    outside = (positions < 0) | (positions > 1)
    assert (gradient[outside] == 0).all() and (gradient[~outside] != 0).all()


@BOTH
def test_positions_that_are_no_numbers_touch_nothing_else(generator, dtype):
    table = torch.randn(SMALL.entries, 2, generator=generator).to(dtype).requires_grad_()
    positions = torch.rand(9, 3, generator=generator).to(dtype)
    clean = hash_grid(positions, table, SMALL)
    broken = positions.clone()
    broken[4] = torch.tensor([math.nan, math.inf, -math.inf])
    broken[5] = torch.tensor([1e30, -1e30, math.nan])
    broken.requires_grad_()
    encoded = hash_grid(broken, table, SMALL)
    assert torch.equal(encoded[:4], clean[:4]) and torch.equal(encoded[6:], clean[6:])
    encoded[:4].sum().backward()
    assert table.grad is not None and broken.grad is not None
    assert broken.grad[6:].eq(0).all()


def test_the_gradient_of_the_table_counts_every_weight_once(generator):
    positions = torch.rand(777, 3, generator=generator)
    table = torch.zeros(SMALL.entries, 2, requires_grad=True)
    hash_grid(positions, table, SMALL).sum().backward()
    assert table.grad is not None
    for first, last in itertools.pairwise(SMALL.offsets):
        torch.testing.assert_close(table.grad[first:last].sum(0), torch.full((2,), 777.0))


def test_no_positions_and_references_give_the_same_shape():
    table = torch.zeros(SMALL.entries, 2)
    assert hash_grid(torch.zeros(0, 3), table, SMALL).shape == (0, 8)
    with references():
        assert hash_grid(torch.zeros(0, 3), table, SMALL).shape == (0, 8)
