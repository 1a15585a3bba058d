"""Cases of what makes rays of pixels."""

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

    def run(poses, *columns: Tensor) -> tuple[Tensor, ...]:
        sensors = ops.Sensors(*columns[:4], lens)
        return tuple(ops.camera_rays(poses, sensors, *columns[4:]))

    return Case(f"camera_rays {lens.value} {bent:g}", run, make, ())


CASES = [camera_rays(lens, bent) for lens in Lens for bent in (0.0, 0.01)]
