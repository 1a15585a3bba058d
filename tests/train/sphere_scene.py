"""A scene small enough to train within a test: a sphere, coloured by its normals, seen from all around."""

import math

import torch
from omnifield.fields import HashConfig, MlpConfig
from omnifield.scenes import Box, Cameras, Scene, Views, pinhole
from torch import Tensor

SIZE = 24
BOX = Box((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0))
RADIUS = 0.6
HASH = HashConfig(**HashConfig.PRESETS["tiny"], samples_per_step=1 << 13)
MLP = MlpConfig(**MlpConfig.PRESETS["tiny"], samples_per_step=1 << 12, rate=1e-2)


def sphere_scene(train: int = 12, test: int = 3, size: int = SIZE) -> Scene:
    return Scene(
        name="sphere",
        domain=BOX,
        train=(sphere_views(train, size, 0.0),),
        test=(sphere_views(test, size, 1.0),),
        has_alpha=True,
        scene_from_input=torch.eye(4),
        source="a sphere",
    )


def sphere_views(count: int, size: int, turn: float) -> Views:
    """What rays through the middle of each pixel see."""
    cameras = around(count, size, turn)
    images = torch.stack([sphere_seen(cameras, view) for view in range(count)])
    nothing = torch.zeros((), dtype=torch.bool).expand(images.shape[:3])
    return Views(cameras, images, nothing, tuple(f"r_{view}" for view in range(count)))


def around(count: int, size: int, turn: float) -> Cameras:
    """Three units away on Fibonacci's spiral, looking at the middle."""
    z = 1 - 2 * (torch.arange(count) + 0.5) / count
    angle = turn + torch.arange(count) * math.pi * (3 - math.sqrt(5))
    ring = (1 - z * z).sqrt()
    back = torch.stack([ring * angle.cos(), ring * angle.sin(), z], -1)
    right = torch.stack([-angle.sin(), angle.cos(), torch.zeros(count)], -1)
    poses = torch.stack([right, torch.linalg.cross(back, right), back, 3 * back], -1)
    return pinhole(poses, (size, size), 0.65, near=0.1)


def sphere_seen(cameras: Cameras, view: int) -> Tensor:
    rays = cameras.pixel_rays(view)
    along = -(rays.origins * rays.directions).sum(-1)
    depth = along - (along**2 - rays.origins.square().sum(-1) + RADIUS**2).clamp_min(0).sqrt()
    normal = (rays.origins + depth[:, None] * rays.directions) / RADIUS
    hit = (normal.norm(dim=-1) < 1 + 1e-4)[:, None]
    rgba = torch.cat([0.5 + 0.4 * normal, torch.ones_like(hit)], -1).where(hit, 0.0)
    return (rgba * 255).round().byte().reshape(cameras.height, cameras.width, 4)
