"""The box of what cameras look at: what is exported of a scene where nobody names another one."""

from collections.abc import Sequence

import torch

from .camera_groups import all_poses
from .cameras import Cameras
from .domain import Corner, Domain, Outlook
from .poses import look_at


def box_looked_at(domain: Domain, cameras: Sequence[Cameras]) -> tuple[Corner, Corner]:
    """Its corners in the scene's frame: the domain's own, but where that box is around the cameras a cube of its size
    around the point that they look at."""
    if not isinstance(domain, Outlook):
        return domain.lo, domain.hi
    point = look_at(all_poses(cameras).double().cpu()).point
    x, y, z = point.tolist()
    half = domain.side / 2
    return (x - half, y - half, z - half), (x + half, y + half, z + half)


def middle_looked_at(domain: Domain, cameras: Sequence[Cameras]) -> torch.Tensor:
    return torch.tensor(box_looked_at(domain, cameras)).mean(0)
