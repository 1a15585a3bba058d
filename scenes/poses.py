"""What a set of camera poses says about the scene: whether it is rigid, which way is up, what it looks at."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from .document import Document

RIGID_TOLERANCE = 5e-3  # poses of trackers and text files with few digits are this far from orthonormal
PARALLEL_RIDGE = 1e-4  # direction variance (radians²) below which optical axes count as parallel


def read_pose(frame: Document) -> Float[Tensor, "row=4 column=4"]:
    """`transform_matrix`, camera to world, its rotation made exactly orthonormal, in float64.

    Raises ValueError where it is not rigid: the rays of a scaled or mirrored camera miss their pixels.
    """
    pose = frame.matrix("transform_matrix")
    rotation = pose[:3, :3]
    gram = rotation.T @ rotation
    if (gram - torch.eye(3)).abs().max() > RIGID_TOLERANCE:
        raise frame.error("transform_matrix", f"is not a rigid pose: {_fault(gram)}")
    if torch.linalg.det(rotation) < 0:
        raise frame.error("transform_matrix", "is not a rigid pose: it mirrors (its determinant is negative)")
    left, _, right = torch.linalg.svd(rotation)
    pose[:3, :3] = left @ right
    return pose


def _fault(gram: Float[Tensor, "row=3 column=3"]) -> str:
    lengths = gram.diagonal().sqrt()
    if (lengths - 1).abs().max() < RIGID_TOLERANCE / 2:
        return "its axes are not at right angles"
    return "its axes have lengths " + ", ".join(f"{length:.3g}" for length in lengths.tolist()) + " and not 1"


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
    """Least squares over the optical axes: argmin Σ‖(I - ddᵀ)(x - o)‖².

    Parallel axes meet nowhere, so a faint ridge pulls x to a point ahead, at four times the cameras' spread.
    """
    origin, forward = world_from_camera[:, :3, 3], -world_from_camera[:, :3, 2]
    across = torch.eye(3).to(forward) - forward[:, :, None] * forward[:, None, :]
    middle = origin.mean(0)
    ahead = middle + forward.mean(0) * 4 * (origin - middle).norm(dim=-1).mean()
    ridge = PARALLEL_RIDGE * torch.eye(3).to(forward)
    target = (across @ origin[:, :, None]).mean(0)[:, 0] + ridge @ ahead
    point = torch.linalg.solve(across.mean(0) + ridge, target)
    return LookAt(point, ((point - origin) * forward).sum(-1))


def turn_up(up: Float[Tensor, "xyz=3"]) -> Float[Tensor, "row=3 column=3"]:
    """The smallest rotation that takes `up` to +Z (Rodrigues); none where `up` has no direction."""
    if up.norm() < 1e-3:
        return torch.eye(3).to(up)
    x, y, z = (up / up.norm()).tolist()
    if z < -1 + 1e-9:
        return torch.diag(torch.tensor([1.0, -1.0, -1.0]).to(up))
    k = 1 / (1 + z)
    rows = [[1 - x * x * k, -x * y * k, -x], [-x * y * k, 1 - y * y * k, -y], [x, y, z]]
    return torch.tensor(rows).to(up)


def average_up(world_from_camera: Float[Tensor, "view row column=4"]) -> Float[Tensor, "xyz=3"]:
    return world_from_camera[:, :3, 1].mean(0)
