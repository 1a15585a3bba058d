"""Which way is up: nerfstudio's ways to turn a capture's frame, as its `orientation_override` names them.

`up` turns the cameras' average up to +Z, by the smallest rotation. `vertical` does so with the direction that is most
at right angles to all the cameras' x axes: cameras that pitch but do not roll leave it exact. `pca` takes the principal
directions of the camera positions as the axes, Z the one with the least spread. `none` keeps the axes of the file.
Scene and file differ by the position of the origin as well, which every one of them moves to the scene's centre.
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from .poses import astray, average_up, middle_of, turn_up

Orientation = Literal["up", "vertical", "pca", "none"]
PARALLEL_X = 0.17  # RMS cosine with the second singular direction, under which x axes count as parallel (10°)


def upright(
    poses: Float[Tensor, "view row column=4"],
    orientation: Orientation,
    stated_up: Float[Tensor, "xyz=3"] | None,
    origin: Float[Tensor, "xyz=3"],
) -> Float[Tensor, "row=4 column=4"]:
    """The rigid map that turns the scene as asked for and moves `origin` to zero; an up that is stated takes the place
    of the cameras' average."""
    up = average_up(poses) if stated_up is None else stated_up
    scene_from_input = torch.eye(4, dtype=torch.float64)
    if orientation == "pca":
        scene_from_input[:3, :3] = turn_principal(poses, up)
    elif orientation != "none":
        scene_from_input[:3, :3] = turn_up(vertical(poses, up) if orientation == "vertical" else up)
    scene_from_input[:3, 3] = -scene_from_input[:3, :3] @ origin
    return scene_from_input


def vertical(
    world_from_camera: Float[Tensor, "view row column=4"], up: Float[Tensor, "xyz=3"]
) -> Float[Tensor, "xyz=3"]:
    """The unit u that minimises ‖Xu‖ over the x axes X, on the side of `up`.

    Where the x axes are parallel they leave a plane for u, and `up` is projected onto it.
    """
    across = world_from_camera[:, :3, 0]
    _, spread, directions = torch.linalg.svd(across)
    if spread[1] > PARALLEL_X * len(across) ** 0.5:
        least = directions[2]
        return least if least @ up > 0 else -least
    return up - directions[0] * (directions[0] @ up)


def turn_principal(
    world_from_camera: Float[Tensor, "view row column=4"], up: Float[Tensor, "xyz=3"]
) -> Float[Tensor, "row=3 column=3"]:
    """The rotation that takes the principal directions of the positions to x, y and z, and `up` to above."""
    offset = (world_from_camera[:, :3, 3] - middle_of(world_from_camera))[~astray(world_from_camera)]
    _, principal = torch.linalg.eigh(offset.T @ offset)
    rotation = principal.flip(-1).T.contiguous()
    if torch.linalg.det(rotation) < 0:
        rotation[2] = -rotation[2]
    if rotation[2] @ up < 0:
        rotation[1:] = -rotation[1:]
    return rotation
