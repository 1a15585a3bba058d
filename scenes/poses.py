"""What a set of camera poses says about the scene: which way is up, what it looks at, and which of them are wrong."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

PARALLEL_RIDGE = 1e-4  # direction variance (radians²) below which optical axes count as parallel
FAR_OFF = (
    4  # times what three quarters of all are: beyond any ring, walk or flight, but not beyond a wrong pose
)
MOST_FAR_OFF = 0.2  # more of them than this are no mistakes
ROUNDING = 1e-9  # of the coordinates: what their text may have lost


@dataclass(frozen=True)
class LookAt:
    """The point nearest to all optical axes, and how far ahead of each camera it lies (negative: behind)."""

    point: Float[Tensor, "xyz=3"]
    depth: Float[Tensor, "view"]

    @property
    def inward(self) -> bool:
        """Whether the cameras look at something common, as opposed to all around from one place."""
        return bool((self.depth > 0).double().mean() > 0.75)


def look_at(world_from_camera: Float[Tensor, "view row column=4"]) -> LookAt:
    """Least squares over the optical axes: argmin Σ‖(I - ddᵀ)(x - o)‖², without cameras that are `astray`.

    Parallel axes meet nowhere, so a faint ridge pulls x to a point ahead, at four times the cameras' spread.
    """
    origin, forward = world_from_camera[:, :3, 3], -world_from_camera[:, :3, 2]
    middle = middle_of(world_from_camera)
    usual = ~astray(world_from_camera)
    offset, along = (origin - middle)[usual], forward[usual]  # near zero, where few digits are lost
    across = torch.eye(3).to(along) - along[:, :, None] * along[:, None, :]
    ahead = along.mean(0) * 4 * offset.norm(dim=-1).mean()
    ridge = PARALLEL_RIDGE * torch.eye(3).to(along)
    target = (across @ offset[:, :, None]).mean(0)[:, 0] + ridge @ ahead
    point = middle + torch.linalg.solve(across.mean(0) + ridge, target)
    return LookAt(point, ((point - origin) * forward).sum(-1))


def middle_of(world_from_camera: Float[Tensor, "view row column=4"]) -> Float[Tensor, "xyz=3"]:
    """The mean position of the cameras that are not `astray`."""
    origin = world_from_camera[:, :3, 3]
    return origin[0] + (origin - origin[0])[~astray(world_from_camera)].mean(0)


def astray(world_from_camera: Float[Tensor, "view row column=4"]) -> Bool[Tensor, "view"]:
    """Cameras that stand so far from all others that their poses must be wrong."""
    origin = world_from_camera[:, :3, 3]
    median = origin.median(0).values
    rounding = ROUNDING * (1 + median.norm())
    return far_off(((origin - median).norm(dim=-1) - rounding).clamp_min(0))


def far_off(values: Float[Tensor, "n"]) -> Bool[Tensor, "n"]:
    """Those few that are much larger than all others (than FAR_OFF times the upper quartile)."""
    far = values > FAR_OFF * values.quantile(0.75)
    return far & (far.sum() <= MOST_FAR_OFF * len(values))


def largest(values: Float[Tensor, "n"]) -> float:
    """The maximum of what is not `far_off`."""
    return values[~far_off(values)].max().item()


def turn_up(up: Float[Tensor, "xyz=3"]) -> Float[Tensor, "row=3 column=3"]:
    """The smallest rotation that takes `up` to +Z (Rodrigues); none where `up` has no direction."""
    if up.norm() < 1e-3:
        return torch.eye(3).to(up)
    x, y, z = (up / up.norm()).tolist()
    if z < -1 + 1e-9:
        return torch.diag(torch.tensor([1.0, -1.0, -1.0]).to(up))
    k = 1 / (1 + z)
    rows = [[1 - x * x * k, -x * y * k, -x], [-x * y * k, 1 - y * y * k, -y], [x, y, z]]
    return torch.tensor(rows, dtype=up.dtype, device=up.device)


def average_up(world_from_camera: Float[Tensor, "view row column=4"]) -> Float[Tensor, "xyz=3"]:
    return world_from_camera[:, :3, 1].mean(0)
