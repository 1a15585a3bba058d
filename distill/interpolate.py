"""Where to look at a teacher from: the cameras of its file, and others in between them, where it was seen as well."""

import dataclasses

import torch
from jaxtyping import Float
from torch import Tensor

from ..scenes import Cameras

NEIGHBOURS = 6  # of a camera, towards one of which another is moved


def with_cameras_between(cameras: Cameras, count: int, generator: torch.Generator) -> Cameras:
    """The cameras, and `count` more on the way from one of them to a neighbour, turned as far as they are moved.

    All are as near to a real one as its neighbours are: nobody knows what a field looks like where it was never seen.
    """
    device = cameras.focal.device
    if len(cameras) < 2:
        return cameras
    pose = cameras.world_from_camera
    apart = torch.cdist(pose[:, :, 3], pose[:, :, 3])
    near = apart.topk(min(NEIGHBOURS + 1, len(cameras)), largest=False).indices[:, 1:]
    here = torch.randint(len(cameras), (count,), generator=generator, device=device)
    pick = torch.randint(near.shape[1], (count,), generator=generator, device=device)
    share = torch.rand(count, 1, 1, generator=generator, device=device)
    between = torch.lerp(pose[here], pose[near[here, pick]], share)
    between = torch.cat([rotation(between[:, :, :3]), between[:, :, 3:]], -1)
    all_of = cameras[torch.cat([torch.arange(len(cameras), device=device), here])]
    return dataclasses.replace(all_of, world_from_camera=torch.cat([pose, between]))


def rotation(matrix: Float[Tensor, "n row=3 column=3"]) -> Float[Tensor, "n row=3 column=3"]:
    """The rotation nearest to each matrix."""
    u, _, v = torch.linalg.svd(matrix)
    flip = torch.ones_like(matrix[:, 0])
    flip[:, 2] = torch.linalg.det(u @ v)
    return u * flip[:, None] @ v
