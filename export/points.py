"""The surfaces that the training cameras see, as a cloud of coloured points."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from ..renderers import Rendering, VolumeRenderer
from ..scenes import PixelRays, RayRange, Rays
from ..scenes.columns import each_column, joined
from ..train.field_file import TrainedField
from .ply_file import Ply, write_ply
from .thinning import facing, thinned

SOLID = 0.8  # opacity from which on a ray has met a surface: at edges it is less, and the distance between two things
Clip = Callable[[Rays], Rays]


@dataclass(frozen=True)
class Points:
    """Places in the scene's world frame, their sRGB colours, the opacity of the rays that met them, and the unit
    directions back along these."""

    position: Float[Tensor, "n xyz=3"]
    color: UInt8[Tensor, "n rgb=3"]
    opacity: Float[Tensor, "n"]
    toward: Float[Tensor, "n xyz=3"]


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
            yield joined([_met(some, seen, background) for some, seen in chunks])


def evenly(clouds: Iterable[Points], count: int) -> Points:
    """At most about so many points of them all, none much nearer to another than the rest are.

    Raises ValueError where there is none.
    """
    kept = list(clouds)
    if not sum(len(cloud.position) for cloud in kept):
        raise ValueError("There are no points: no ray of the training cameras meets a surface there.")
    cloud = joined(kept)
    rows = torch.from_numpy(thinned(cloud.position.cpu().numpy(), count)).to(cloud.position.device)
    return each_column(lambda column: column[rows], cloud)


def write_points(path: Path, cloud: Points, there_from_scene: Float[Tensor, "row=4 column=4"]) -> int:
    """A PLY in another frame than the scene's; returns how many points. Normals are those of the planes through each
    point's neighbours, on the side of its camera. Raises ValueError where the file cannot be written."""
    position, toward = (each.double().cpu().numpy() for each in (cloud.position, cloud.toward))
    there = there_from_scene.double().cpu().numpy()
    normal = facing(position, toward) @ there[:3, :3].T
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    opacity = {"opacity": cloud.opacity.cpu().numpy()}
    color = cloud.color.cpu().numpy()
    write_ply(path, Ply(position @ there[:3, :3].T + there[:3, 3], normal, color, more=opacity))
    return len(position)


def _met(rays: Rays, seen: Rendering, background: Float[Tensor, "rgb=3"]) -> Points:
    solid = (seen.opacity > SOLID).nonzero()[:, 0]
    opacity = seen.opacity[solid, None]
    color = (seen.color[solid] - (1 - opacity) * background) / opacity
    place = rays.origins[solid] + seen.depth[solid, None] * rays.directions[solid]
    return Points(
        position=place,
        color=(color.clamp(0, 1) * 255).round().to(torch.uint8),
        opacity=opacity[:, 0],
        toward=-rays.directions[solid],
    )
