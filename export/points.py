"""The surfaces that the training cameras see, as a cloud of coloured points."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import trimesh
from jaxtyping import Float, UInt8
from torch import Tensor

from ..renderers import Rendering, VolumeRenderer
from ..scenes import PixelRays, RayRange, Rays
from ..scenes.columns import joined
from ..train.field_file import TrainedField
from ..train.files import write_atomically

SOLID = 0.8  # opacity from which on a ray has met a surface: at edges it is less, and the distance between two things
Clip = Callable[[Rays], Rays]


@dataclass(frozen=True)
class Points:
    """Places in the input's world frame, and their sRGB colours."""

    position: Float[Tensor, "n xyz=3"]
    color: UInt8[Tensor, "n rgb=3"]


@dataclass(frozen=True)
class _Clipped:
    """Rays that are clipped when they are made."""

    rays: RayRange
    clip: Clip

    def __len__(self) -> int:
        return len(self.rays)

    def __getitem__(self, rows: slice, /) -> Rays:
        return self.clip(self.rays[rows])


def surface_points(
    trained: TrainedField, rays_per_view: int, clip: Clip = lambda rays: rays
) -> Iterator[Points]:
    """For each training camera in turn what about so many of its rays meet, spread evenly over the picture."""
    background = torch.tensor(trained.background, device=trained.cameras[0].focal.device)
    renderer = VolumeRenderer(trained.sampler)
    for cameras in trained.cameras:
        stride = max(1, round((cameras.width * cameras.height / rays_per_view) ** 0.5))
        for view in range(len(cameras)):
            rays = _Clipped(PixelRays(cameras, [view], stride), clip)
            chunks = renderer.render_chunks(trained.field, rays, background)
            yield joined([_met(trained, some, seen, background) for some, seen in chunks])


def write_points(path: Path, clouds: Iterable[Points]) -> int:
    """A PLY of them all; returns how many points. Raises ValueError where there are none, or the file cannot be
    written."""
    kept = list(clouds)
    position = np.concatenate([cloud.position.cpu().numpy() for cloud in kept] or [np.zeros((0, 3))])
    if not len(position):
        raise ValueError(f"{path} was not written: no ray of the training cameras meets a surface.")
    color = np.concatenate([cloud.color.cpu().numpy() for cloud in kept])
    cloud = trimesh.PointCloud(position, color)

    def write(beside: Path) -> None:
        cloud.export(beside, file_type="ply")

    write_atomically(path, write)
    return len(position)


def _met(trained: TrainedField, rays: Rays, seen: Rendering, background: Float[Tensor, "rgb=3"]) -> Points:
    solid = (seen.opacity > SOLID).nonzero()[:, 0]
    opacity = seen.opacity[solid, None]
    color = (seen.color[solid] - (1 - opacity) * background) / opacity
    place = rays.origins[solid] + seen.depth[solid, None] * rays.directions[solid]
    back = torch.linalg.inv(trained.scene_from_input.double().cpu()).to(place)
    return Points(place @ back[:3, :3].T + back[:3, 3], (color.clamp(0, 1) * 255).round().to(torch.uint8))
