"""The scene that ops are timed in: rays through a unit cube in which a shell is occupied."""

import math

import torch
from jaxtyping import Float, Int32, Int64, UInt8
from torch import Generator, Tensor

from .. import ops

SAMPLES_PER_RAY = 64
STEPS_PER_SIDE = 512  # samples lie a 512th of the box apart, as those of a training do at its end
SHELL = (0.3, 0.35)  # radii of the occupied shell, in sides of the box


def along_rays(n: int, generator: Generator) -> Float[Tensor, "n xyz=3"]:
    """Points of the unit cube as a march finds them: neighbours on a ray one after another."""
    rays = -(-n // SAMPLES_PER_RAY)
    start = torch.rand(rays, 1, 3, generator=generator)
    direction = torch.nn.functional.normalize(torch.randn(rays, 1, 3, generator=generator), dim=-1)
    t = (torch.arange(SAMPLES_PER_RAY) / STEPS_PER_SIDE)[:, None]
    return (start + t * direction).clamp(0, 1).reshape(-1, 3)[:n].contiguous()


def in_shell(n: int, generator: Generator) -> Float[Tensor, "n xyz=3"]:
    """Of points along rays those that lie in the shell."""
    found = torch.zeros(0, 3)
    while len(found) < n:
        points = along_rays(16 * n, generator)
        radius = (points - 0.5).norm(dim=-1)
        found = torch.cat([found, points[(radius >= SHELL[0]) & (radius <= SHELL[1])]])
    return found[:n].contiguous()


def packed(n: int) -> Int64[Tensor, "rays_1"]:
    """Where rays of SAMPLES_PER_RAY samples begin, and at the end n."""
    return torch.cat([torch.arange(0, n, SAMPLES_PER_RAY), torch.tensor([n])])


def rays_from_outside(
    rays: int, generator: Generator
) -> tuple[Float[Tensor, "ray xyz=3"], Float[Tensor, "ray xyz=3"]]:
    """From a sphere around the unit cube to points within the shell's outer radius."""
    away = torch.nn.functional.normalize(torch.randn(rays, 3, generator=generator), dim=-1)
    aim = torch.nn.functional.normalize(torch.randn(rays, 3, generator=generator), dim=-1)
    origins = 0.5 + 1.5 * away
    target = 0.5 + SHELL[1] * aim * torch.rand(rays, 1, generator=generator)
    return origins, torch.nn.functional.normalize(target - origins, dim=-1)


def shell_bits(resolution: int) -> UInt8[Tensor, "byte"]:
    axis = (torch.arange(resolution) + 0.5) / resolution - 0.5
    z, y, x = torch.meshgrid(axis, axis, axis, indexing="ij")
    radius = (x * x + y * y + z * z).sqrt()
    occupied = ((radius >= SHELL[0]) & (radius <= SHELL[1])).reshape(-1, 8)
    return (occupied * 2 ** torch.arange(8, dtype=torch.uint8)).sum(-1, dtype=torch.uint8)


def shell_index(layout: ops.VoxelLayout) -> Int32[Tensor, "block"]:
    """Numbers of the blocks that the shell may touch, level by level."""
    there = []
    for blocks in layout.blocks_per_axis:
        axis = (torch.arange(blocks) + 0.5) / blocks - 0.5
        z, y, x = torch.meshgrid(axis, axis, axis, indexing="ij")
        radius, reach = (x * x + y * y + z * z).sqrt(), 0.5 * math.sqrt(3) / blocks
        there.append(((radius >= SHELL[0] - reach) & (radius <= SHELL[1] + reach)).flatten())
    touched = torch.cat(there)
    return torch.where(touched, touched.cumsum(0) - 1, -1).int()
