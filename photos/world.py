"""Where a reconstruction, whose frame and scale are chance, is put: upright, around its middle, of a usual size."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..scenes.orientation import vertical
from ..scenes.poses import average_up, turn_up

DISTANCE = 4.0  # of cameras from the middle, as instant-ngp has it
TRIES = 500  # planes through three points
LEVEL = 0.966  # cosine of 15°: what is steeper is no ground
THICK = 0.01  # of the cameras' distance: points so near to a plane are of it
COUNTED = 5000  # points, or so many of more, that are held against every plane
CLEAR = 0.3  # share of all points on it, from which a ground is taken for one

Points = Float[Tensor, "point xyz=3"]
Direction = Float[Tensor, "xyz=3"]


def upright_world(
    world_from_camera: Float[Tensor, "view row=4 column=4"], points: Points
) -> tuple[Float[Tensor, "row=3 column=3"], Direction, float]:
    """(rotation R, middle m, scale s): a point p goes to s·R(p - m), with up along +Z.

    Up is what is most at right angles to all pictures' horizontal edges, or to the ground where that is clear. The
    middle is the points' median, which a few far ones do not move; the cameras' median distance becomes DISTANCE.
    """
    positions = world_from_camera[:, :3, 3]
    up = vertical(world_from_camera, average_up(world_from_camera))
    middle = points.median(0).values
    distance = (positions - middle).norm(dim=-1).median().item()
    up = ground(points - middle, positions - middle, up / up.norm(), THICK * distance)
    return turn_up(up), middle, DISTANCE / distance if distance > 0 else 1.0


def ground(points: Points, cameras: Float[Tensor, "camera xyz=3"], up: Direction, thick: float) -> Direction:
    """The normal of the level plane that many points lie on and all cameras stand above; `up` where there is none
    (RANSAC: Fischler and Bolles, Random sample consensus, CACM 1981)."""
    if len(points) < 3:
        return up
    drawn = torch.randint(len(points), (TRIES, 3), generator=torch.Generator().manual_seed(0))
    one, two, three = (points[drawn[:, i]] for i in range(3))
    normals = torch.linalg.cross(two - one, three - one)
    normals = normals / normals.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    normals = normals * torch.sign(normals @ up)[:, None]
    heights = (normals * one).sum(-1)
    some = points[:: max(1, len(points) // COUNTED)]
    near = ((some @ normals.T - heights).abs() < thick).double().mean(0)
    above = ((cameras @ normals.T - heights) > 0).all(0)
    share = torch.where((normals @ up > LEVEL) & above, near, 0.0)
    best = int(share.argmax())
    if share[best] < CLEAR:
        return up
    on_it = points[(points @ normals[best] - heights[best]).abs() < thick]
    normal = torch.linalg.svd(on_it - on_it.mean(0), full_matrices=False)[2][2]
    return normal * torch.sign(normal @ up)


def moved(
    world_from_camera: Float[Tensor, "view row=4 column=4"],
    rotation: Float[Tensor, "row=3 column=3"],
    middle: Direction,
    scale: float,
) -> Float[Tensor, "view row=4 column=4"]:
    """Poses stay rigid: only their positions are scaled."""
    poses = world_from_camera.clone()
    poses[:, :3, :3] = rotation @ poses[:, :3, :3]
    poses[:, :3, 3] = scale * (poses[:, :3, 3] - middle) @ rotation.T
    return poses
