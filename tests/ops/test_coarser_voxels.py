"""A mip pyramid over sparse blocks: means of eight, against dense grids, with gradients."""

import pytest
import torch
from omnifield.ops import Parents, VoxelLayout, coarser_voxels, references, voxel_lookup
from torch import Tensor

BOTH = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["reference", "kernel"])


def pyramid(generator: torch.Generator) -> tuple[list[Parents], Tensor]:
    """Blocks of 32³, 16³ and 8³ voxels, half of the finest missing; and the index of the finest ones."""
    place = torch.randperm(64, generator=generator)[:32]
    x, y, z = place % 4, place // 4 % 4, place // 16
    parent, octant = x // 2 + 2 * (y // 2 + 2 * (z // 2)), x % 2 + 2 * (y % 2 + 2 * (z % 2))
    index = torch.full((64,), -1, dtype=torch.int32)
    index[place] = torch.arange(32, dtype=torch.int32)
    return [Parents(8 * parent + octant, 8), Parents(torch.arange(8), 1)], index


def dense(values: Tensor, index: Tensor, blocks: int) -> Tensor:
    """A level as (z, y, x, channel)."""
    padded = torch.cat([values, values.new_zeros(512, values.shape[1])]).reshape(-1, 8, 8, 8, values.shape[1])
    stacked = padded[index.long()].reshape(blocks, blocks, blocks, 8, 8, 8, -1)
    return stacked.permute(0, 3, 1, 4, 2, 5, 6).reshape(8 * blocks, 8 * blocks, 8 * blocks, -1)


def halved(grid: Tensor) -> Tensor:
    size = len(grid) // 2
    return grid.reshape(size, 2, size, 2, size, 2, -1).mean((1, 3, 5))


@BOTH
@pytest.mark.parametrize("channels", [1, 7, 8])
def test_a_coarser_voxel_is_the_mean_of_eight(generator, dtype, channels):
    parents, index = pyramid(generator)
    values = torch.randn(32 * 512, channels, generator=generator).to(dtype)
    coarser = coarser_voxels(values, parents)
    assert coarser.shape == (9 * 512, channels)
    grid = halved(dense(values, index, 4))
    torch.testing.assert_close(dense(coarser[: 8 * 512], torch.arange(8), 2), grid)
    torch.testing.assert_close(dense(coarser[8 * 512 :], torch.arange(1), 1), halved(grid))


@BOTH
def test_the_gradient_is_the_transpose_and_can_be_asked_for_twice(generator, dtype):
    parents, _ = pyramid(generator)
    values = torch.randn(32 * 512, 3, generator=generator).to(dtype).requires_grad_()
    coarser = coarser_voxels(values, parents)
    way = torch.randn(coarser.shape, generator=generator).to(dtype)
    way[torch.rand(len(way), generator=generator) < 0.7] = 0
    (gradient,) = torch.autograd.grad(coarser, values, way, retain_graph=True)
    assert (coarser * way).sum().item() == pytest.approx((gradient * values).sum().item(), rel=1e-4)
    assert torch.equal(torch.autograd.grad(coarser, values, way)[0], gradient)


def test_gradcheck(generator):
    parents, _ = pyramid(generator)
    values = torch.randn(32 * 512, 1, generator=generator, dtype=torch.float64)
    some = torch.randint(len(values), (4,), generator=generator)

    def of_some(x):
        return coarser_voxels(values.index_copy(0, some, x), parents)[::97]

    assert torch.autograd.gradcheck(of_some, values[some].clone().requires_grad_())


def test_a_kept_gradient_is_added_to_where_it_is(generator):
    parents, _ = pyramid(generator)
    values = torch.randn(32 * 512, 2, generator=generator).requires_grad_()
    (once,) = torch.autograd.grad(coarser_voxels(values, parents).square().sum(), values)
    values.grad = kept = torch.ones_like(values)
    coarser_voxels(values, parents).square().sum().backward()
    assert values.grad is kept
    torch.testing.assert_close(kept, 1 + once)


@BOTH
def test_levels_that_stand_apart_are_looked_up_as_if_they_stood_together(generator, dtype):
    parents, finest = pyramid(generator)
    layout = VoxelLayout((32, 16, 8))
    index = torch.cat([finest, torch.arange(32, 41, dtype=torch.int32)])
    leaf = torch.randn(32 * 512, 4, generator=generator).to(dtype).requires_grad_()
    positions = torch.rand(300, 3, generator=generator).to(dtype).requires_grad_()
    level = (torch.rand(300, generator=generator) * 2.5 - 0.25).to(dtype)
    way = torch.randn(300, 4, generator=generator).to(dtype)
    answers = []
    for apart in (True, False):
        coarser = coarser_voxels(leaf, parents)
        values = (leaf, coarser) if apart else (torch.cat([leaf, coarser]), None)
        found = voxel_lookup(positions, level, values[0], index, layout, values[1])
        answers.append((found, *torch.autograd.grad(found, (leaf, positions), way)))
    for one, other in zip(*answers, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-4)


def test_one_level_has_nothing_coarser(generator):
    values = torch.randn(512, 2, generator=generator).requires_grad_()
    nothing = coarser_voxels(values, [])
    assert nothing.shape == (0, 2)
    with references():
        assert coarser_voxels(values, []).shape == (0, 2)
    nothing.sum().backward()
    assert values.grad is not None and not values.grad.any()


def lookup(numbers):
    index = torch.tensor([*numbers], dtype=torch.int32)
    rows = torch.zeros(8 * 512, 1), torch.zeros(512, 1)
    voxel_lookup(torch.zeros(1, 3), torch.zeros(1), rows[0], index, VoxelLayout((16, 8)), rows[1])


REFUSED = {
    "coarser_voxels: slots has shape": lambda: coarser_voxels(
        torch.zeros(1024, 1), [Parents(torch.zeros(1, dtype=torch.int64), 1)]
    ),
    "coarser_voxels: slots must be torch.int64": lambda: coarser_voxels(
        torch.zeros(512, 1), [Parents(torch.zeros(1, dtype=torch.int32), 1)]
    ),
    "coarser_voxels: values has 500 rows": lambda: coarser_voxels(torch.zeros(500, 1), []),
    "coarser_voxels: slot 8 is in none": lambda: coarser_voxels(
        torch.zeros(512, 1), [Parents(torch.tensor([8]), 1)]
    ),
    "names blocks 0 to 8, but must be .* 0 to 7": lambda: lookup([*range(7), 8, 8]),
    "names blocks 7 to 7, but must be .* 8 to 8": lambda: lookup([*range(8), 7]),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_refused_in_a_sentence(sentence):
    with pytest.raises(ValueError, match=sentence):
        REFUSED[sentence]()


def test_the_reference_refuses_the_same_blocks():
    with references(), pytest.raises(ValueError, match=r"names blocks 7 to 7, but must be .* 8 to 8"):
        lookup([*range(8), 7])
