"""Cameras: from a pixel to a ray. Camera axes are OpenGL's: x right, y up, looking along -z."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..ops import Sensors, camera_rays
from ..ops.distortion import CONE_RADIUS_PER_PIXEL, Lens, distort
from .rays import Rays, no_view


@dataclass(frozen=True)
class Cameras:
    """Posed cameras of one image size; sensor lengths are pixels. `distortion` is k1, k2, k3, k4, p1, p2."""

    world_from_camera: Float[Tensor, "view row=3 column=4"]
    focal: Float[Tensor, "view xy=2"]
    principal: Float[Tensor, "view xy=2"]
    distortion: Float[Tensor, "view coefficient=6"]
    time: Float[Tensor, "view"]
    width: int
    height: int
    lens: Lens
    near: float  # world units; nothing nearer to a camera is rendered

    def __len__(self) -> int:
        return len(self.world_from_camera)

    @property
    def moving(self) -> bool:
        """Whether the views are of different times."""
        return bool((self.time != self.time[:1]).any())

    def __getitem__(self, views: "slice | Int[Tensor, 'view']") -> "Cameras":
        return self._each(lambda tensor: tensor[views])

    def to(self, device: torch.device | str) -> "Cameras":
        return self._each(lambda tensor: tensor.to(device))

    def reduced(self, factor: int) -> "Cameras":
        """The same cameras with pixels of factor² of the old ones; those that are left over are cut off."""
        return replace(
            self,
            focal=self.focal / factor,
            principal=self.principal / factor,
            width=self.width // factor,
            height=self.height // factor,
        )

    def resized(self, width: int, height: int) -> "Cameras":
        """The same cameras with as many other pixels over the same frame."""
        scale = torch.tensor([width / self.width, height / self.height]).to(self.focal)
        return replace(
            self, focal=self.focal * scale, principal=self.principal * scale, width=width, height=height
        )

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Cameras":
        return replace(
            self,
            world_from_camera=change(self.world_from_camera),
            focal=change(self.focal),
            principal=change(self.principal),
            distortion=change(self.distortion),
            time=change(self.time),
        )

    def rays(self, view: Int[Tensor, "ray"], x: Float[Tensor, "ray"], y: Float[Tensor, "ray"]) -> Rays:
        """Rays through sensor positions in pixels from the top left corner; a pixel's centre is at +0.5.

        They have no `view`: only a training knows whether these are its cameras.
        """
        sensors = Sensors(self.focal, self.principal, self.distortion, self.time, self.lens)
        found = camera_rays(
            self.world_from_camera, sensors, view, x.to(self.world_from_camera), y.to(self.world_from_camera)
        )
        return Rays(
            origins=found.origins,
            directions=found.directions,
            near=torch.full_like(found.time, self.near),
            far=torch.full_like(found.time, torch.inf),
            footprint=found.footprint,
            time=found.time,
            view=no_view(len(x), x.device),
        )

    def cone_radius(self, view: Int[Tensor, "n"], direction: Float[Tensor, "n xyz=3"]) -> Float[Tensor, "n"]:
        """The `footprint` of rays of some views along unit directions; outside of the frame that of 60° off axis."""
        radius = CONE_RADIUS_PER_PIXEL / self.focal[view].mean(-1)
        if self.lens is Lens.FISHEYE:
            return radius
        return radius * (-(direction * self.world_from_camera[view, :, 2]).sum(-1)).clamp_min(0.5)

    def project(
        self, view: int, position: Float[Tensor, "n xyz=3"], radius: float = 0.0
    ) -> tuple[Float[Tensor, "n xy=2"], Float[Tensor, "n"]]:
        """Sensor positions (pixels) and depths (world units along the viewing axis) of points in the world.

        Behind the camera the depth is negative and the position without meaning. Points that the lens does not show,
        or not all of a ball of `radius` around them, are at infinity: see `turning_radius`. Perspective lenses only.
        """
        pose = self.world_from_camera[view]
        local = (position - pose[:, 3]) @ pose[:, :3]
        depth = -local[:, 2]
        across = torch.stack([local[:, 0], -local[:, 1]], -1)
        sensor = across / depth[:, None]
        if self.distortion[view].any():
            farthest = (across.norm(dim=-1) + radius) / (depth - radius)
            shown = farthest < turning_radius(self.distortion[view])
            sensor = distort(sensor, self.distortion[view].expand(len(position), 6), self.lens)
            sensor = torch.where(shown[:, None], sensor, torch.inf)
        return sensor * self.focal[view] + self.principal[view], depth

    def pixel_rays(self, view: int, stride: int = 1, part: slice = slice(None)) -> Rays:
        """Every `stride`-th pixel of one view, row by row, or a part of them."""
        across, down = -(-self.width // stride), -(-self.height // stride)
        first, last, _ = part.indices(across * down)
        pixel = torch.arange(first, max(first, last), device=self.focal.device)
        x, y = pixel % across * stride + 0.5, pixel // across * stride + 0.5
        return self.rays(torch.full_like(pixel, view), x, y)


def pinhole(
    world_from_camera: Float[Tensor, "view row=3 column=4"], size: tuple[int, int], fov_y: float, near: float
) -> Cameras:
    """Undistorted cameras of `size` (width, height) with a vertical field of view in radians."""
    width, height = size
    views = len(world_from_camera)
    focal = 0.5 * height / torch.tan(torch.tensor(fov_y / 2)).item()
    return Cameras(
        world_from_camera=world_from_camera,
        focal=torch.full((views, 2), focal),
        principal=torch.tensor([width / 2, height / 2]).expand(views, 2),
        distortion=torch.zeros(views, 6),
        time=torch.zeros(views),
        width=width,
        height=height,
        lens=Lens.PERSPECTIVE,
        near=near,
    )


def turning_radius(distortion: Float[Tensor, "coefficient=6"]) -> float:
    """The distance from the axis (divided by the focal length) at which r(1 + k1r² + k2r⁴ + k3r⁶ + k4r⁸) stops rising.

    A barrel lens shows nothing beyond: there the polynomial turns back, and would put what is far outside of the
    frame into it. Infinite where it rises for ever.
    """
    k1, k2, k3, k4 = distortion[:4].tolist()
    roots = np.roots([9 * k4, 7 * k3, 5 * k2, 3 * k1, 1.0])  # of its slope, in r²
    turns = [float(root.real) for root in roots if abs(root.imag) < 1e-9 * abs(root) and root.real > 0]
    return min(turns, default=math.inf) ** 0.5
