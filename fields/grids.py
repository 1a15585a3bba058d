"""What fields made of dense grids share: stages of resolution, resampling, and regularisers on a few random nodes."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..ops import Grid, GridLayout, gradient_sink

PENALTY_NODES = 1 << 13  # random nodes that a regulariser looks at in one step

PLANES = ((0, 1), (0, 2), (1, 2))
LINES = ((2,), (1,), (0,))  # the axis that each of the planes leaves out


def normal_table(rows: int, channels: int, mean: float, spread: float) -> Float[Tensor, "row channel"]:
    """A table to begin with. On torch's `meta` device it has no values, and torch would take a second to say so."""
    table = torch.empty(rows, channels)
    return table if table.is_meta else table.normal_(mean, spread)


def stages(base: int, finest: int, refinements: int) -> tuple[int, ...]:
    """Resolutions of a training from coarse to fine, in equal ratios."""
    ratio = (finest / base) ** (1 / max(refinements, 1))
    return (*(round(base * ratio**stage) for stage in range(refinements)), finest)


def even_marks(refinements: int, last: float) -> tuple[float, ...]:
    """Fractions of a training at which to refine: evenly spaced up to `last`."""
    return tuple(last * (index + 1) / refinements for index in range(refinements))


def resampled(table: Float[Tensor, "row channel"], old: GridLayout, new: GridLayout) -> Tensor:
    """The values of a table interpolated linearly at the nodes of another resolution."""
    parts = []
    for before, after, first, last in zip(old.grids, new.grids, old.offsets, old.offsets[1:], strict=False):
        grid = table[first:last].T.reshape(1, old.channels, *reversed(before.shape))
        mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(before.shape)]
        finer = torch.nn.functional.interpolate(
            grid, tuple(reversed(after.shape)), mode=mode, align_corners=True
        )
        parts.append(finer.reshape(old.channels, -1).T)
    return torch.cat(parts).contiguous()


def take_rows_of(table: Float[Tensor, "row channel"], rows: Int[Tensor, "n"]) -> Float[Tensor, "n channel"]:
    """table[rows], whose gradient is added up where `ops.gradient_sink` says."""
    return _Rows.apply(table, rows)


class _Rows(torch.autograd.Function):
    @staticmethod
    def forward(ctx, table, rows):
        ctx.save_for_backward(table, rows)
        return table.index_select(0, rows)

    @staticmethod
    def backward(ctx, grad):
        table, rows = ctx.saved_tensors
        into, grad_table = gradient_sink(table)
        into.index_add_(0, rows, grad)
        return grad_table, None


def some_rows(
    first: int, last: int, generator: torch.Generator | None, device: torch.device
) -> Int[Tensor, "n"]:
    """PENALTY_NODES random rows from `first` to `last`; all of them without a generator."""
    if generator is None:
        return torch.arange(first, last, device=device)
    return torch.randint(first, last, (PENALTY_NODES,), generator=generator, device=device)


def total_variation(
    table: Float[Tensor, "row channel"], layout: GridLayout, generator: torch.Generator | None
) -> Float[Tensor, ""]:
    """Mean over nodes, grids and channels of the squared difference to the next node, summed over the axes.

    With a generator one grid stands for all of them, another one at every call: all of them took half of a step.
    """
    chosen = _numbers(layout, generator)
    total = torch.zeros((), device=table.device, dtype=table.dtype)
    for number in chosen:
        first, last = layout.offsets[number], layout.offsets[number + 1]
        rows = some_rows(first, last, generator, table.device)
        here = take_rows_of(table, rows)
        for beyond in _next(rows - first, layout.grids[number].shape):
            total = total + (take_rows_of(table, first + beyond) - here).square().mean()
    return total / len(chosen)


def _numbers(layout: GridLayout, generator: torch.Generator | None) -> list[int]:
    """All grids, or a random one."""
    if generator is None:
        return list(range(len(layout.grids)))
    return [int(torch.randint(len(layout.grids), (), generator=generator, device=generator.device))]


def _next(node: Int[Tensor, "n"], shape: Sequence[int]) -> list[Int[Tensor, "n"]]:
    """The next node along each axis; the last one is its own."""
    strides = [math.prod(shape[:axis]) for axis in range(len(shape))]
    return [
        torch.where(node // stride % size < size - 1, node + stride, node)
        for stride, size in zip(strides, shape, strict=True)
    ]


def magnitude(
    table: Float[Tensor, "row channel"], layout: GridLayout, generator: torch.Generator | None
) -> Float[Tensor, ""]:
    """Mean absolute value (L1) over the nodes of every grid; with a generator, of a random one."""
    parts = []
    for number in _numbers(layout, generator):
        rows = some_rows(layout.offsets[number], layout.offsets[number + 1], generator, table.device)
        parts.append(take_rows_of(table, rows).abs().mean())
    return torch.stack(parts).mean()


def plane_grids(resolution: int, slots: Sequence[int]) -> tuple[Grid, ...]:
    return tuple(Grid(axes, (resolution, resolution), slot) for axes, slot in zip(PLANES, slots, strict=True))


def line_grids(resolution: int, slots: Sequence[int]) -> tuple[Grid, ...]:
    return tuple(Grid(axes, (resolution,), slot) for axes, slot in zip(LINES, slots, strict=True))
