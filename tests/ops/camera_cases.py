"""Cases of a step's two ends: rays of pixels, and whether gradients are finite."""

import torch
from omnifield import ops
from omnifield.ops.distortion import Lens
from torch import Generator, Tensor

from .case import Case


def camera_rays(lens: Lens, bent: float) -> Case:
    """Some of the cameras have no distortion."""

    def make(n: int, generator: Generator) -> tuple[Tensor, ...]:
        views = 5
        poses, focal = (
            torch.randn(views, 3, 4, generator=generator),
            torch.rand(views, 2, generator=generator),
        )
        distortion = bent * torch.randn(views, 6, generator=generator) * (torch.arange(views) % 2)[:, None]
        principal, time = torch.rand(views, 2, generator=generator), torch.rand(views, generator=generator)
        view = torch.randint(views, (n,), generator=generator)
        return poses, focal + 1, principal, distortion, time, view, *torch.rand(2, n, generator=generator)

    def run(*given: Tensor) -> tuple[Tensor, ...]:  # without gradients, for which the reference runs
        poses, *columns = (each.detach() for each in given)
        sensors = ops.Sensors(*columns[:4], lens)
        return tuple(ops.camera_rays(poses, sensors, *columns[4:]))

    return Case(f"camera_rays {lens.value} {bent:g}", run, make, ())


def all_finite(wrong: float) -> Case:
    def make(n: int, generator: Generator) -> tuple[Tensor, ...]:
        values = torch.randn(n, 3, generator=generator)
        return (values.masked_fill(torch.arange(n)[:, None] == n // 2, wrong),)

    return Case(f"all_finite {wrong:g}", lambda x: torch.tensor(ops.all_finite(x)).float(), make, (), 0)


CASES = [camera_rays(lens, bent) for lens in Lens for bent in (0.0, 0.01)]
CASES += [all_finite(wrong) for wrong in (0.0, float("nan"), float("-inf"))]
