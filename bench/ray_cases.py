"""What makes rays and samples, at the sizes of a training."""

import torch
from jaxtyping import UInt8
from torch import Generator, Tensor

from .. import ops
from ..ops.distortion import Lens
from .op_case import Case, Work
from .shell_scene import SAMPLES_PER_RAY, STEPS_PER_SIDE, rays_from_outside, shell_bits


def ray_march() -> Case:
    def make(n: int, generator: Generator, device: torch.device) -> Work:
        rays, bits, grid = march(n, generator, device)
        jitter = torch.rand(len(rays[0]), generator=generator).to(device)
        samples = max(1, len(ops.ray_march(*rays, jitter, bits, grid)[0]))
        return Work(lambda: ops.ray_march(*rays, jitter, bits, grid), samples)

    return Case("ray_march, shell in 128³", ops.ray_march, make)


def ray_march_on(most: int) -> Case:
    def make(n: int, generator: Generator, device: torch.device) -> Work:
        rays, bits, grid = march(n, generator, device)
        place = torch.zeros(len(rays[0]), dtype=torch.int32, device=device)
        samples = max(1, len(ops.ray_march_on(*rays, bits, place, grid, most)[0]))
        return Work(lambda: ops.ray_march_on(*rays, bits, place, grid, most), samples)

    return Case(f"ray_march_on, the first {most} in a shell in 128³", ops.ray_march_on, make)


def march(
    n: int, generator: Generator, device: torch.device
) -> tuple[tuple[Tensor, Tensor, Tensor], UInt8[Tensor, "byte"], ops.MarchGrid]:
    """Rays (origins, directions, span) for about n samples in the cells of a shell."""
    resolution, rays = 128, max(1, n // SAMPLES_PER_RAY)
    grid = ops.MarchGrid((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), False, resolution, 1 / STEPS_PER_SIDE, 0.0)
    origins, directions = rays_from_outside(rays, generator)
    span = torch.tensor([0.05, 4.0], device=device).repeat(rays, 1)
    return (origins.to(device), directions.to(device), span), shell_bits(resolution).to(device), grid


def camera_rays() -> Case:
    def make(n: int, generator: Generator, device: torch.device) -> Work:
        views = 100
        poses, time = torch.randn(views, 3, 4, generator=generator), torch.zeros(views)
        view = torch.randint(views, (n,), generator=generator)
        x, y = 800 * torch.rand(2, n, generator=generator)
        focal, principal = (torch.full((views, 2), pixels, device=device) for pixels in (1111.0, 400.0))
        distortion = torch.zeros(views, 6, device=device)
        sensors = ops.Sensors(focal, principal, distortion, time.to(device), Lens.PERSPECTIVE)
        poses, view, x, y = (each.to(device) for each in (poses, view, x, y))
        return Work(lambda: ops.camera_rays(poses, sensors, view, x, y), n)

    return Case("camera_rays, without distortion", ops.camera_rays, make, "ray")
