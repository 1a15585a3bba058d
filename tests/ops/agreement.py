"""Every op as a case, and whether its kernel agrees with its reference: a new op is one entry of CASES.

Run as a module it checks all of them and exits with 1 at the first that does not: so that the tests can run
it once per build of the kernels (OMNIFIELD_ISA).
"""

import sys
from collections.abc import Sequence

import torch
from omnifield import ops
from omnifield.ops.voxel_lookup import BLOCK
from torch import Generator, Tensor

from . import camera_cases, network_cases, round_cases
from .case import Case, offsets


def hash_grid(layout: ops.HashGridLayout) -> Case:
    def make(n: int, generator: Generator) -> tuple[Tensor, ...]:
        table = torch.randn(layout.entries, layout.features, generator=generator)
        return torch.rand(n, 3, generator=generator), table

    name = f"hash_grid {layout.levels}x{layout.features}"
    return Case(name, lambda x, table: ops.hash_grid(x, table, layout), make, (0, 1), 2e-5)


def grid_lookup(channels: int, *grids: ops.Grid) -> Case:
    layout = ops.GridLayout(grids, channels)

    def make(n: int, generator: Generator) -> tuple[Tensor, ...]:
        positions = torch.rand(n, 3, generator=generator) * 1.2 - 0.1
        return positions, torch.randn(layout.rows, channels, generator=generator)

    name = f"grid_lookup {'+'.join('x'.join(map(str, grid.shape)) for grid in grids)}, {channels}"
    return Case(name, lambda x, table: ops.grid_lookup(x, table, layout), make, (0, 1), 2e-5)


PLANES = tuple(ops.Grid(axes, (7, 12), axes[0]) for axes in ((0, 1), (1, 2), (2, 0)))
LINES = tuple(ops.Grid((axis,), (30,), 0) for axis in range(3))
VOLUME = ops.Grid((0, 1, 2), (9, 5, 13), 0)


def voxel_lookup(channels: int, *resolutions: int) -> Case:
    """A third of the blocks is missing."""
    layout = ops.VoxelLayout(resolutions)

    def make(n: int, generator: Generator) -> tuple[Tensor, ...]:
        positions = torch.rand(n, 3, generator=generator) * 1.2 - 0.1
        level = torch.rand(n, generator=generator) * layout.levels - 0.5
        there = torch.rand(layout.entries, generator=generator) < 0.7
        index = torch.where(there, there.cumsum(0) - 1, -1).int()
        values = torch.randn(int(there.sum()) * BLOCK, channels, generator=generator)
        return positions, level, values, index

    def run(positions: Tensor, level: Tensor, values: Tensor, index: Tensor) -> Tensor:
        return ops.voxel_lookup(positions, level, values, index, layout)

    return Case(f"voxel_lookup {'-'.join(map(str, resolutions))}, {channels}", run, make, (0, 2), 2e-5)


def coarser_voxels(channels: int) -> Case:
    """Two coarser levels; half of the finest blocks are missing."""

    def make(n: int, generator: Generator) -> tuple[Tensor, ...]:
        slots = torch.randperm(8 * 8, generator=generator)[:32]
        return torch.randn(32 * BLOCK, channels, generator=generator), slots

    def run(values: Tensor, slots: Tensor) -> Tensor:
        return ops.coarser_voxels(values, [ops.Parents(slots, 8), ops.Parents(torch.arange(8), 1)])

    return Case(f"coarser_voxels {channels}", run, make, (0,))


def spherical_harmonics(degree: int) -> Case:
    def make(n: int, generator: Generator) -> tuple[Tensor, ...]:
        return (torch.nn.functional.normalize(torch.randn(n, 3, generator=generator), dim=-1),)

    return Case(f"spherical_harmonics {degree}", lambda d: ops.spherical_harmonics(d, degree), make, (0,))


def ray_weights(density: float) -> Case:
    def make(n: int, generator: Generator) -> tuple[Tensor, ...]:
        dt = torch.rand(n, generator=generator) * 0.02
        return density * torch.rand(n, generator=generator) ** 3, dt, offsets(n, generator)

    return Case(f"ray_weights {density:g}", ops.ray_weights, make, (0,), 1e-5)


def pass_through(density: float) -> Case:
    """Visible are samples with a weight above 0, so that no rounding puts one on the other side."""
    weighed = ray_weights(density)

    def make(n: int, generator: Generator) -> tuple[Tensor, ...]:
        sigma, dt, ends = weighed.make(n, generator)
        light = torch.rand(len(ends) - 1, generator=generator) ** 6
        return sigma, torch.rand(n, generator=generator), dt, ends, light

    return Case(f"pass_through {density:g}", lambda *x: ops.pass_through(*x, 0.0), make, (), 1e-5)


def visible_weights(density: float) -> Case:
    weighed = ray_weights(density)

    def make(n: int, generator: Generator) -> tuple[Tensor, ...]:
        sigma, dt, ends = weighed.make(n, generator)
        return sigma, torch.rand(n, generator=generator), dt, ends

    return Case(f"visible_weights {density:g}", lambda *x: ops.visible_weights(*x, 0.0), make, (0,), 1e-5)


def accumulate(channels: int) -> Case:
    def make(n: int, generator: Generator) -> tuple[Tensor, ...]:
        values = torch.randn(n, channels, generator=generator)
        return values, torch.rand(n, generator=generator), offsets(n, generator)

    return Case(f"accumulate {channels}", ops.accumulate, make, (0, 1), 1e-5)


def take_rows(share: float) -> Case:
    def make(n: int, generator: Generator) -> tuple[Tensor, ...]:
        rows = (torch.rand(n, generator=generator) < share).nonzero().squeeze(-1)
        return torch.randn(n, 5, generator=generator), rows

    return Case(f"take_rows {share:g}", ops.take_rows, make, (0,), 0)


def adam_step(features: int, touched: float) -> Case:
    def make(n: int, generator: Generator) -> tuple[Tensor, ...]:
        parameter, gradient, first = torch.randn(3, n, features, generator=generator)
        gradient = gradient * (torch.rand(n, 1, generator=generator) < touched)
        steps = torch.randint(0, 2000, (n,), dtype=torch.int32, generator=generator)
        return parameter, gradient, first, torch.rand(n, features, generator=generator), steps

    def run(parameter, gradient, first, second, steps) -> tuple[Tensor, ...]:
        written = [x.clone() for x in (parameter, gradient, first, second, steps)]
        ops.adam_step(*written, ops.AdamStep(lr=1e-2))
        return tuple(written)

    return Case(f"adam_step {features} {touched:g}", run, make, ())


def unit_positions(*, contracted: bool) -> Case:
    def make(n: int, generator: Generator) -> tuple[Tensor, ...]:
        return (torch.randn(n, 3, generator=generator) * torch.rand(n, 1, generator=generator).reciprocal(),)

    def run(position: Tensor) -> Tensor:  # without gradients, for which the reference runs
        return ops.unit_positions(position.detach(), (-1.0, -2.0, 0.5), (1.0, 1.5, 0.75), contracted)

    return Case(f"unit_positions {contracted}", run, make, ())


def ray_points(*, in_order: bool) -> Case:
    """Samples of one ray after another, as a march leaves them, or in any order."""

    def make(n: int, generator: Generator) -> tuple[Tensor, ...]:
        rays = n // 8 + 1
        origins, directions = torch.randn(2, rays, 3, generator=generator)
        footprint, time, ray = (
            *torch.rand(2, rays, generator=generator),
            torch.randint(rays, (n,), generator=generator),
        )
        t = torch.rand(n, generator=generator)
        return origins, directions, footprint, time, t, ray.sort().values if in_order else ray

    def run(*arguments: Tensor) -> Tensor:
        found = ops.ray_points(*arguments)
        flat = found.footprint[:, None], found.time[:, None]
        return torch.cat([found.position, found.direction, *flat], -1)

    return Case(f"ray_points {'in order' if in_order else 'in any order'}", run, make, (0, 1, 2))


def ray_march(share: float) -> Case:
    """n rays through a box of which a `share` of the cells is occupied: the same candidates, to the last one."""
    grid = ops.MarchGrid((-1.0, -0.5, 0.0), (1.0, 0.5, 1.5), False, 32, 0.02, 0.0)

    def make(n: int, generator: Generator) -> tuple[Tensor, ...]:
        origins = torch.randn(n, 3, generator=generator) * 1.5
        directions = torch.nn.functional.normalize(torch.rand(n, 3, generator=generator) - origins, dim=-1)
        near = torch.rand(n, generator=generator)
        span = torch.stack([near, near + 4 * torch.rand(n, generator=generator)], -1)
        occupied = (torch.rand(32**3 // 8, 8, generator=generator) < share) * 2 ** torch.arange(8)
        return origins, directions, span, torch.rand(n, generator=generator), occupied.sum(-1).byte()

    return Case(f"ray_march {share:g}", lambda *arguments: ops.ray_march(*arguments, grid), make, (), 1e-7)


def ray_march_on(share: float, most: int) -> Case:
    """The same rays, some of them from further on, and some that have ended."""
    every, grid = ray_march(share), ops.MarchGrid((-1.0, -0.5, 0.0), (1.0, 0.5, 1.5), False, 32, 0.02, 0.0)

    def make(n: int, generator: Generator) -> tuple[Tensor, ...]:
        place = torch.randint(-3, 30, (n,), dtype=torch.int32, generator=generator)
        origins, directions, span, _, occupied = every.make(n, generator)
        return origins, directions, span, occupied, place

    def run(*arguments: Tensor) -> tuple[Tensor, ...]:
        return ops.ray_march_on(*arguments, grid, most)

    return Case(f"ray_march_on {share:g}, {most}", run, make, (), 1e-7)


def ray_march_contracted() -> Case:
    """n rays from the middle of an unbounded scene, each through one of eight octants, half of them occupied.

    Exponentials differ in their last digit: no candidate lies where that would put it into another cell,
    or beyond the end of its span.
    """
    grid = ops.MarchGrid((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0), True, 16, 0.1, 0.1)

    def make(n: int, generator: Generator) -> tuple[Tensor, ...]:
        directions = torch.rand(n, 3, generator=generator) + 0.1
        directions *= torch.randint(2, (n, 3), generator=generator) * 2 - 1
        steps = torch.randint(
            20, 60, (n,), generator=generator
        )  # to the end of the span, from 1 at its begin
        far = (steps * 0.1 - 1).exp()
        span = torch.stack([torch.full((n,), 0.1), far], -1)
        corner = torch.stack(torch.meshgrid(*[torch.arange(16) // 8] * 3, indexing="ij")).sum(0)
        occupied = (corner % 2).reshape(-1, 8) * 2 ** torch.arange(8)
        jitter = 0.2 + 0.6 * torch.rand(n, generator=generator)
        return torch.zeros(n, 3), directions, span, jitter, occupied.sum(-1).byte()

    return Case("ray_march contracted", lambda *arguments: ops.ray_march(*arguments, grid), make, (), 2e-6)


CASES = [
    *(hash_grid(ops.HashGridLayout(4, features, 12, 5, 1.7)) for features in (1, 2, 4, 8)),
    *(grid_lookup(channels, *PLANES) for channels in (1, 4, 16, 27)),
    *(grid_lookup(channels, *LINES) for channels in (3, 24, 48, 64)),
    *(grid_lookup(channels, VOLUME) for channels in (1, 8, 32)),
    grid_lookup(8, *PLANES, *LINES, VOLUME),
    *(voxel_lookup(channels, 16) for channels in (1, 5, 28)),
    *(voxel_lookup(channels, 32, 16, 8) for channels in (1, 8, 28)),
    *(coarser_voxels(channels) for channels in (1, 7, 8)),
    *(spherical_harmonics(degree) for degree in (1, 2, 3, 4)),
    *(ray_weights(density) for density in (1.0, 50.0, 2000.0)),
    *(visible_weights(density) for density in (1.0, 50.0)),
    *(pass_through(density) for density in (1.0, 50.0)),
    *(accumulate(channels) for channels in (1, 3, 16, 23)),
    *(take_rows(share) for share in (0.0, 0.4, 1.0)),
    *(adam_step(features, touched) for features, touched in ((1, 1), (2, 0.1), (4, 0.9), (8, 0), (7, 0.5))),
    *camera_cases.CASES,
    *network_cases.CASES,
    *round_cases.CASES,
    *(ray_march(share) for share in (1.0, 0.2, 0.003)),
    *(ray_march_on(share, most) for share, most in ((1.0, 5), (0.2, 1), (0.003, 3))),
    ray_march_contracted(),
    *(unit_positions(contracted=contracted) for contracted in (False, True)),
    *(ray_points(in_order=in_order) for in_order in (True, False)),
]


def results(case: Case, n: int) -> list[Tensor]:
    """What the case returns, and gradients of a weighted sum of it, for arguments that depend on n only."""
    generator = Generator().manual_seed(n)
    arguments = list(case.make(n, generator))
    for index in case.differentiable:
        arguments[index].requires_grad_()
    returned = case.run(*arguments)
    outputs = [returned] if isinstance(returned, Tensor) else list(returned)
    if not case.differentiable:
        return outputs
    graded = [output for output in outputs if output.requires_grad]
    directions = [torch.randn(output.shape, generator=generator) for output in graded]
    gradients = torch.autograd.grad(graded, [arguments[index] for index in case.differentiable], directions)
    return [*(output.detach() for output in outputs), *gradients]


def assert_agree(case: Case, n: int) -> None:
    with ops.references():
        expected = results(case, n)
    assert_close(case, results(case, n), expected)


def assert_close(case: Case, actual: Sequence[Tensor], expected: Sequence[Tensor]) -> None:
    for index, (a, b) in enumerate(zip(actual, expected, strict=True)):
        bound = case.tolerance * (float(b.abs().max()) if b.numel() else 0.0)
        where = f"{case.name}, result {index}: "
        torch.testing.assert_close(a, b, rtol=0, atol=bound, msg=lambda text, where=where: where + text)


if __name__ == "__main__":
    if ops.instruction_set() != sys.argv[1]:
        sys.exit(f"asked for {sys.argv[1]}, running {ops.instruction_set()}")
    for each in CASES:
        assert_agree(each, 1037)
