"""Camera paths around a trained field. All poses are in the scene's world frame, where +Z is up."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from ..scenes import Box, Cameras, pinhole
from ..scenes.camera_groups import all_poses, commonest
from ..scenes.poses import look_at
from ..train.field_file import TrainedField

SAME_WAY = 0.9  # length of the mean viewing direction from which on cameras count as looking the same way
SPIRAL_TURNS = 2
SPIRAL_ZOOM_RATE = 0.5  # back and forth per turn
SPREAD = 0.9  # quantile of the training cameras' offsets that the spiral reaches


def face_the_same_way(cameras: Sequence[Cameras]) -> bool:
    """Whether this is a forward-facing capture, of which no camera has seen the far side."""
    return _mean_forward(all_poses(cameras).double().cpu()).norm().item() > SAME_WAY


def orbit(trained: TrainedField, frames: int, size: tuple[int, int]) -> Cameras:
    """A full turn, counterclockwise from the first training camera, in pictures of `size` (width, height).

    Around the middle of a bounded scene's box, or around the point that the photographs look at; at the
    training cameras' median distance, elevation and field of view. Where photographs were taken from
    one place and look outwards, the turn is in that place and looks outwards too.
    """
    poses = all_poses(trained.cameras).double().cpu()
    domain = trained.field.domain
    target = look_at(poses)
    inward = isinstance(domain, Box) or target.inward
    if isinstance(domain, Box):
        pivot = torch.tensor([domain.lo, domain.hi], dtype=torch.float64).mean(0)
    else:
        pivot = target.point if inward else poses[:, :, 3].mean(0)
    back = poses[:, :, 3] - pivot if inward else poses[:, :, 2]
    distance = back.norm(dim=-1).median().item() if inward else 0.0
    start = math.atan2(back[0, 1].item(), back[0, 0].item())
    elevation = torch.atan2(back[:, 2], back[:, :2].norm(dim=-1)).median().item()
    azimuth = start + torch.arange(frames, dtype=torch.float64) * (2 * math.pi / frames)
    return _filmed(commonest(trained.cameras), _turned_to(pivot, azimuth, elevation, distance), size)


def spiral(trained: TrainedField, frames: int, size: tuple[int, int]) -> Cameras:
    """LLFF's spiral (arXiv 1905.00889) around the mean training camera; pictures of `size` (width, height).

    It is as wide as the training cameras are spread, and looks at what they look at. Raises ValueError where
    these do not all look the same way.
    """
    if not face_the_same_way(trained.cameras):
        raise ValueError(
            "A spiral is for cameras that look the same way; those of this field do not: use --path orbit."
        )
    poses = all_poses(trained.cameras).double().cpu()
    middle = _mean_camera(poses)
    focus = look_at(poses).depth.median().clamp_min(1e-3).item()
    offsets = (poses[:, :, 3] - middle[:, 3]) @ middle[:, :3]
    radius = offsets.abs().quantile(SPREAD, dim=0)
    turn = torch.arange(frames, dtype=torch.float64) * (2 * math.pi * SPIRAL_TURNS / frames)
    local = torch.stack([turn.cos(), -turn.sin(), -(turn * SPIRAL_ZOOM_RATE).sin()], -1) * radius
    position = middle[:, 3] + local @ middle[:, :3].T
    target = middle[:, 3] - focus * middle[:, 2]
    return _filmed(commonest(trained.cameras), _looking(position, position - target, middle[:, 1]), size)


def undistorted(cameras: Cameras, size: tuple[int, int]) -> Cameras:
    """Cameras of the same poses, vertical fields of view and times, without distortion, of another (width, height)."""
    width, height = size
    return Cameras(
        world_from_camera=cameras.world_from_camera,
        focal=cameras.focal[:, 1:].expand(-1, 2) * (height / cameras.height),
        principal=torch.tensor([width / 2, height / 2]).expand(len(cameras), 2),
        distortion=torch.zeros(len(cameras), 6),
        time=cameras.time,
        width=width,
        height=height,
        lens=cameras.lens,
        near=cameras.near,
    )


def at_size(cameras: Cameras, size: tuple[int, int]) -> Cameras:
    """The same cameras in pictures of another (width, height), through their own lens; where those have another shape
    without distortion (see `undistorted`)."""
    width, height = size
    if abs(width * cameras.height - height * cameras.width) <= max(cameras.width, cameras.height):
        return cameras.resized(width, height)
    return undistorted(cameras, size)


def _filmed(
    trained: Cameras, world_from_camera: Float[Tensor, "frame row=3 column=4"], size: tuple[int, int]
) -> Cameras:
    """Pinhole cameras that see at least as much, each way, as the median training camera of the usual size."""
    width, height = size
    focal = trained.focal.median(0).values.tolist()
    reach = max(trained.width / focal[0] / width, trained.height / focal[1] / height)
    return pinhole(world_from_camera.float(), size, 2 * math.atan(reach * height / 2), trained.near)


def _turned_to(
    pivot: Float[Tensor, "xyz=3"], azimuth: Float[Tensor, "frame"], elevation: float, distance: float
) -> Float[Tensor, "frame row=3 column=4"]:
    """Cameras on a circle around the pivot, looking at it; trigonometry needs no exception straight above."""
    flat = torch.stack([azimuth.cos(), azimuth.sin(), torch.zeros_like(azimuth)], -1)
    right = torch.stack([-azimuth.sin(), azimuth.cos(), torch.zeros_like(azimuth)], -1)
    up = torch.tensor([0.0, 0.0, 1.0]).to(flat)
    back = math.cos(elevation) * flat + math.sin(elevation) * up
    return torch.stack([right, torch.linalg.cross(back, right), back, pivot + distance * back], -1)


def _looking(
    position: Float[Tensor, "frame xyz=3"], back: Float[Tensor, "frame xyz=3"], up: Float[Tensor, "xyz=3"]
) -> Float[Tensor, "frame row=3 column=4"]:
    back = torch.nn.functional.normalize(back, dim=-1)
    right = torch.nn.functional.normalize(torch.linalg.cross(up.expand_as(back), back), dim=-1)
    return torch.stack([right, torch.linalg.cross(back, right), back, position], -1)


def _mean_camera(poses: Float[Tensor, "view row=3 column=4"]) -> Float[Tensor, "row=3 column=4"]:
    position, up = poses[:, :, 3].mean(0, keepdim=True), poses[:, :, 1].mean(0)
    return _looking(position, -_mean_forward(poses)[None], up)[0]


def _mean_forward(poses: Float[Tensor, "view row=3 column=4"]) -> Float[Tensor, "xyz=3"]:
    return -poses[:, :, 2].mean(0)
