"""The ops at the sizes that matter in a training, ready to be timed: a new op is one entry of `op_cases`."""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from .. import ops
from ..fields.blocks import Blocks
from ..fields.pyramid import Pyramid
from ..ops.voxel_lookup import BLOCK
from .op_case import Case, Target, Work
from .ray_cases import camera_rays, ray_march, ray_march_on
from .round_cases import (
    all_finite,
    densities,
    first_samples,
    in_order,
    next_round,
    next_set,
    occupied_bits,
    pass_round,
    visible_weights,
)
from .shell_scene import (
    SAMPLES_PER_RAY,
    STEPS_PER_SIDE,
    along_rays,
    in_shell,
    packed,
    shell_index,
)

TOUCHED = 0.5  # share of a table's rows that a step's gradient reaches


def op_cases() -> list[Case]:
    return [
        hash_grid(layout(8, 4, 17, 1024), Target(250.0, 60.0)),
        hash_grid(layout(16, 2, 19, 2048)),
        grid_lookup("planes, 3 of 64², 128², 256²", planes(64, 128, 256, channels=16)),
        grid_lookup("lines, 3 of 300", lines(300, channels=48)),
        grid_lookup("volume, 128³", volume(128, channels=8)),
        voxel_lookup(256, channels=1),
        voxel_lookup(128, channels=28),
        voxel_lookup(128, 64, 32, channels=8),
        coarser_voxels(64, channels=8),
        mlp(32, 64, 16),
        mlp(31, 64, 64, 3),
        view_color(15, 64, 64, 3),
        density_mlp(32, 64, 16),
        spherical_harmonics(),
        ray_march(),
        ray_march_on(8),
        ray_points(),
        unit_positions(),
        camera_rays(),
        ray_weights(),
        visible_weights(),
        next_round(),
        pass_round(),
        first_samples(),
        in_order(),
        pass_through(),
        take_rows(),
        accumulate(),
        occupied_bits(),
        next_set(),
        all_finite(),
        adam_step(layout(8, 4, 17, 1024)),
    ]


def layout(levels: int, features: int, log2_entries: int, finest: int) -> ops.HashGridLayout:
    growth = math.exp(math.log(finest / 16) / (levels - 1))
    return ops.HashGridLayout(levels, features, log2_entries, 16, growth)


def hash_grid(shape: ops.HashGridLayout, target: Target | None = None) -> Case:
    def make(n: int, generator: Generator, device: torch.device) -> Work:
        table = (torch.rand(shape.entries, shape.features, generator=generator) * 2e-4 - 1e-4).to(device)
        table.requires_grad_()
        positions = along_rays(n, generator).to(device)
        return Work(lambda: ops.hash_grid(positions, table, shape), n, (table,), (table,))

    name = f"hash_grid {shape.levels}×{shape.features}, 2^{shape.log2_entries}"
    flops = shape.levels * interpolation(3, shape.features)
    return Case(name, ops.hash_grid, make, target=target, flops=(flops, flops))


def interpolation(axes: int, channels: int) -> int:
    """Operations of one linear interpolation: where the cell is, the weights of its corners, and their sum; the
    gradient of the corners takes as many."""
    return 4 * axes + 2**axes * (axes - 1 + 2 * channels)


def planes(*nodes: int, channels: int) -> ops.GridLayout:
    axes = ((0, 1), (0, 2), (1, 2))
    grids = [ops.Grid(axes[i], (r, r), 3 * step + i) for step, r in enumerate(nodes) for i in range(3)]
    return ops.GridLayout(tuple(grids), channels)


def lines(nodes: int, *, channels: int) -> ops.GridLayout:
    return ops.GridLayout(tuple(ops.Grid((axis,), (nodes,), axis) for axis in range(3)), channels)


def volume(nodes: int, *, channels: int) -> ops.GridLayout:
    return ops.GridLayout((ops.Grid((0, 1, 2), (nodes,) * 3, 0),), channels)


def grid_lookup(name: str, shape: ops.GridLayout) -> Case:
    def make(n: int, generator: Generator, device: torch.device) -> Work:
        (table,) = wanted([torch.randn(shape.rows, shape.channels, generator=generator)], device)
        positions = along_rays(n, generator).to(device)
        return Work(lambda: ops.grid_lookup(positions, table, shape), n, (table,), (table,))

    flops = sum(interpolation(len(grid.axes), shape.channels) for grid in shape.grids)
    return Case(
        f"grid_lookup, {name}, {shape.channels} channels", ops.grid_lookup, make, flops=(flops, flops)
    )


def voxel_lookup(*resolutions: int, channels: int) -> Case:
    """The blocks of a shell; samples within it, and where there are several levels, rays between any two."""
    shape = ops.VoxelLayout(resolutions)

    def make(n: int, generator: Generator, device: torch.device) -> Work:
        index = shell_index(shape)
        rows = (int(index.max()) + 1) * BLOCK
        (values,) = wanted([torch.randn(rows, channels, generator=generator)], device)
        positions = in_shell(n, generator).to(device)
        level = torch.rand(-(-n // SAMPLES_PER_RAY), generator=generator) * (shape.levels - 1)
        level, index = level.repeat_interleave(SAMPLES_PER_RAY)[:n].to(device), index.to(device)
        arguments = (positions, level, values, index, shape)
        return Work(lambda: ops.voxel_lookup(*arguments), n, (values,), (values,))

    sizes = ", ".join(f"{resolution}³" for resolution in resolutions)
    flops = min(len(resolutions), 2) * interpolation(3, channels)
    name = f"voxel_lookup, shell in {sizes}, {channels} channels"
    return Case(name, ops.voxel_lookup, make, flops=(flops, flops))


def coarser_voxels(resolution: int, *, channels: int) -> Case:
    """Two coarser levels, of which a step's gradient reaches every voxel: the worst case."""

    def make(n: int, generator: Generator, device: torch.device) -> Work:
        del n
        blocks = Blocks(resolution).to(device)
        parents = Pyramid(blocks, 3).parents
        (values,) = wanted([torch.randn(blocks.rows, channels, generator=generator)], device)
        return Work(lambda: ops.coarser_voxels(values, parents), blocks.rows, (values,), (values,))

    name = f"coarser_voxels, two levels above {resolution}³, {channels} channels"
    return Case(name, ops.coarser_voxels, make, "voxel")


def mlp(*widths: int) -> Case:
    def make(n: int, generator: Generator, device: torch.device) -> Work:
        layers = zip(widths[1:], widths[:-1], strict=True)
        weights = [torch.randn(*layer, generator=generator) / layer[1] ** 0.5 for layer in layers]
        inputs, *weights = wanted([torch.randn(n, widths[0], generator=generator), *weights], device)
        return Work(lambda: ops.mlp(inputs, weights), n, (inputs, *weights))

    return Case(f"mlp {'-'.join(map(str, widths))}", ops.mlp, make, flops=products(widths))


def density_mlp(*widths: int) -> Case:
    made = mlp(*widths).make

    def make(n: int, generator: Generator, device: torch.device) -> Work:
        work = made(n, generator, device)
        inputs, *weights = work.wanted
        return Work(lambda: ops.density_mlp(inputs, weights, 2.0), n, work.wanted)

    return Case(f"density_mlp {'-'.join(map(str, widths))}", ops.density_mlp, make, flops=products(widths))


def products(widths: Sequence[int]) -> tuple[int, int]:
    """Operations of a network's layers: backward there are two products for each, for its weights and its input."""
    forward = sum(2 * fan_in * fan_out for fan_in, fan_out in itertools.pairwise(widths))
    return forward, 2 * forward


def view_color(features: int, *widths: int) -> Case:
    """Of features that are columns of a wider tensor, as a field's trunk leaves them."""

    def make(n: int, generator: Generator, device: torch.device) -> Work:
        layers = zip(widths, (16 + features, *widths[:-1]), strict=True)
        weights = [torch.randn(*layer, generator=generator) / layer[1] ** 0.5 for layer in layers]
        carry, *weights = wanted([torch.randn(n, 1 + features, generator=generator), *weights], device)
        directions = torch.nn.functional.normalize(torch.randn(n, 3, generator=generator), dim=-1).to(device)
        return Work(lambda: ops.view_color(carry[:, 1:], directions, weights), n, (carry, *weights))

    name = f"view_color {features}-{'-'.join(map(str, widths))}"
    return Case(name, ops.view_color, make, flops=products((16 + features, *widths)))


def spherical_harmonics() -> Case:
    def make(n: int, generator: Generator, device: torch.device) -> Work:
        directions = torch.nn.functional.normalize(torch.randn(n, 3, generator=generator), dim=-1)
        (directions,) = wanted([directions], device)
        return Work(lambda: ops.spherical_harmonics(directions), n, (directions,))

    return Case("spherical_harmonics, degree 4", ops.spherical_harmonics, make)


def unit_positions() -> Case:
    """In an unbounded scene: the longer of the two ways."""

    def make(n: int, generator: Generator, device: torch.device) -> Work:
        position = (torch.randn(n, 3, generator=generator) * 2).to(device)
        return Work(lambda: ops.unit_positions(position, (-1.0, -1.0, -1.0), (1.0, 1.0, 1.0), True), n)

    return Case("unit_positions, contracted", ops.unit_positions, make)


def ray_points() -> Case:
    def make(n: int, generator: Generator, device: torch.device) -> Work:
        offsets = packed(n)
        ray = torch.repeat_interleave(offsets.diff())
        origins, directions = torch.randn(2, len(offsets) - 1, 3, generator=generator).to(device)
        footprint, time = torch.rand(2, len(offsets) - 1, generator=generator).to(device)
        t, ray = torch.rand(n, generator=generator).to(device), ray.to(device)
        return Work(lambda: ops.ray_points(origins, directions, footprint, time, t, ray), n)

    return Case("ray_points", ops.ray_points, make)


def ray_weights() -> Case:
    def make(n: int, generator: Generator, device: torch.device) -> Work:
        (density,) = wanted([densities(n, generator)], device)
        dt, offsets = torch.full((n,), 1 / STEPS_PER_SIDE, device=device), packed(n).to(device)
        return Work(lambda: ops.ray_weights(density, dt, offsets), n, (density,))

    return Case("ray_weights", ops.ray_weights, make)


def pass_through() -> Case:
    def make(n: int, generator: Generator, device: torch.device) -> Work:
        density, t = densities(n, generator).to(device), torch.rand(n, generator=generator).to(device)
        dt, offsets = torch.full((n,), 1 / STEPS_PER_SIDE, device=device), packed(n).to(device)
        light = torch.ones(len(offsets) - 1, device=device)
        return Work(lambda: ops.pass_through(density, t, dt, offsets, light, 1e-4), n)

    return Case("pass_through", ops.pass_through, make)


def take_rows() -> Case:
    def make(n: int, generator: Generator, device: torch.device) -> Work:
        rows = (torch.rand(n, generator=generator) < TOUCHED).nonzero()[:, 0].to(device)
        (values,) = wanted([torch.randn(n, 16, generator=generator)], device)
        return Work(lambda: ops.take_rows(values, rows), n, (values,))

    return Case("take_rows, half of 16 columns", ops.take_rows, make)


def accumulate() -> Case:
    def make(n: int, generator: Generator, device: torch.device) -> Work:
        given = [torch.randn(n, 3, generator=generator), torch.rand(n, generator=generator)]
        values, weights = wanted(given, device)
        offsets = packed(n).to(device)
        return Work(lambda: ops.accumulate(values, weights, offsets), n, (values, weights))

    return Case("accumulate, 3 channels", ops.accumulate, make)


def adam_step(shape: ops.HashGridLayout) -> Case:
    """On a whole table, however few samples: that is what a step of a training has to go through. The gradient is
    filled in anew each time, since a step takes it."""

    def make(n: int, generator: Generator, device: torch.device) -> Work:
        del n
        size = (shape.entries, shape.features)
        gradient = torch.randn(*size, generator=generator)
        gradient *= torch.rand(shape.entries, 1, generator=generator) < TOUCHED
        parameter, first, second = (torch.zeros(*size, device=device) for _ in range(3))
        steps, gradient = torch.zeros(shape.entries, dtype=torch.int32, device=device), gradient.to(device)
        step, taken = ops.AdamStep(lr=1e-2), torch.empty_like(gradient)
        return Work(
            lambda: ops.adam_step(parameter, taken.copy_(gradient), first, second, steps, step),
            shape.entries,
            in_place=True,
        )

    name = f"adam_step, table of {shape.levels}×{shape.features}, 2^{shape.log2_entries}"
    return Case(name, ops.adam_step, make, unit="row")


def wanted(tensors: Sequence[Tensor], device: torch.device) -> list[Tensor]:
    return [tensor.to(device).requires_grad_() for tensor in tensors]
