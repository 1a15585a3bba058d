"""Cameras: from a pixel to a ray. Camera axes are OpenGL's: x right, y up, looking along -z."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from .rays import Rays, no_view

UNDISTORT_ITERATIONS = 12
LARGEST_STEP = 0.5  # of Newton's method, in focal lengths
CONE_RADIUS_PER_PIXEL = 2 / 12**0.5


class Lens(Enum):
    """How the direction of a ray bends on its way to the sensor."""

    PERSPECTIVE = "perspective"  # OpenCV: radial k1..k4, tangential p1, p2; all zero is a pinhole
    FISHEYE = "fisheye"  # OpenCV's equidistant model: θ_d = θ(1 + k1θ² + k2θ⁴ + k3θ⁶ + k4θ⁸)


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
        return self[view]._rays(x, y)

    def _rays(self, x: Float[Tensor, "ray"], y: Float[Tensor, "ray"]) -> Rays:
        """A ray of each camera, or all of the only one. Axis by axis: rows of three would be no vectors."""
        u = (x - self.principal[:, 0]) / self.focal[:, 0]
        v = (y - self.principal[:, 1]) / self.focal[:, 1]
        if self.distortion.any():
            distortion = self.distortion.expand(len(x), 6)
            u, v = undistort(torch.stack([u, v], -1), distortion, self.lens).unbind(-1)
        across, along, away = _direction(u, v, self.lens)
        right, up, back, origin = self.world_from_camera.unbind(-1)
        direction = [
            right[:, axis] * across + up[:, axis] * along + back[:, axis] * away for axis in range(3)
        ]
        length = torch.sqrt(sum((each * each for each in direction), torch.zeros_like(x)))
        return Rays(
            origins=origin.expand(len(x), 3).contiguous(),
            directions=torch.stack([each / length for each in direction], -1),
            near=torch.full_like(x, self.near),
            far=torch.full_like(x, torch.inf),
            # The width of a pixel is that of its depth; along the ray a unit of depth is `length`. (1 in a fisheye.)
            footprint=CONE_RADIUS_PER_PIXEL / self.focal.mean(-1) / length,
            time=self.time.expand(len(x)).contiguous(),
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
        return self[view : view + 1]._rays(x, y)


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


def _direction(
    x: Float[Tensor, "ray"], y: Float[Tensor, "ray"], lens: Lens
) -> tuple[Float[Tensor, "ray"], Float[Tensor, "ray"], Float[Tensor, "ray"]]:
    """Camera-space direction of an undistorted sensor position (OpenCV's y points down, ours up)."""
    if lens is Lens.PERSPECTIVE:
        return x, -y, -torch.ones_like(x)
    theta = torch.hypot(x, y)
    scale = torch.where(theta < 1e-8, 1.0, theta.sin() / theta.clamp_min(1e-8))
    return x * scale, -y * scale, -theta.cos()


def distort(
    sensor: Float[Tensor, "ray xy=2"], distortion: Float[Tensor, "ray coefficient=6"], lens: Lens
) -> Float[Tensor, "ray xy=2"]:
    """OpenCV's forward model, from ideal to observed sensor position (both divided by the focal length)."""
    k1, k2, k3, k4, p1, p2 = distortion.unbind(-1)
    x, y = sensor.unbind(-1)
    r2 = x * x + y * y  # the fisheye's ideal position has length θ, so r2 is θ² there
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * (k3 + r2 * k4)))
    if lens is Lens.FISHEYE:
        return sensor * radial[:, None]
    dx = 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    dy = p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    return torch.stack([x * radial + dx, y * radial + dy], -1)


def turning_radius(distortion: Float[Tensor, "coefficient=6"]) -> float:
    """The distance from the axis (divided by the focal length) at which r(1 + k1r² + k2r⁴ + k3r⁶ + k4r⁸) stops rising.

    A barrel lens shows nothing beyond: there the polynomial turns back, and would put what is far outside of the
    frame into it. Infinite where it rises for ever.
    """
    k1, k2, k3, k4 = distortion[:4].tolist()
    roots = np.roots([9 * k4, 7 * k3, 5 * k2, 3 * k1, 1.0])  # of its slope, in r²
    turns = [float(root.real) for root in roots if abs(root.imag) < 1e-9 * abs(root) and root.real > 0]
    return min(turns, default=math.inf) ** 0.5


def undistort(
    sensor: Float[Tensor, "ray xy=2"], distortion: Float[Tensor, "ray coefficient=6"], lens: Lens
) -> Float[Tensor, "ray xy=2"]:
    """Inverse of `distort` by Newton's method, in float64 so that the last digits of a pixel hold.

    Beyond the radius at which the polynomial turns back there is no inverse: the answer there is only finite.
    """
    observed, coefficients = sensor.double(), distortion.double()
    ideal = observed.clone()
    for _ in range(UNDISTORT_ITERATIONS):
        residual = distort(ideal, coefficients, lens) - observed
        ideal = ideal - _solve(_jacobian(ideal, coefficients, lens), residual).clamp(
            -LARGEST_STEP, LARGEST_STEP
        )
    return ideal.to(sensor.dtype)


def _solve(
    matrix: Float[Tensor, "ray row=2 column=2"], right: Float[Tensor, "ray row=2"]
) -> Float[Tensor, "ray column=2"]:
    """Cramer's rule: faster than LAPACK on many small systems, and a singular one stops no others."""
    (a, b), (c, d) = (row.unbind(-1) for row in matrix.unbind(-2))
    determinant = a * d - b * c
    determinant = torch.where(determinant.abs() < 1e-9, 1e-9, determinant)
    x, y = right.unbind(-1)
    return torch.stack([d * x - b * y, a * y - c * x], -1) / determinant[:, None]


def _jacobian(
    sensor: Float[Tensor, "ray xy=2"], distortion: Float[Tensor, "ray coefficient=6"], lens: Lens
) -> Float[Tensor, "ray observed=2 ideal=2"]:
    k1, k2, k3, k4, p1, p2 = distortion.unbind(-1)
    if lens is Lens.FISHEYE:
        p1, p2 = torch.zeros_like(p1), torch.zeros_like(p2)
    x, y = sensor.unbind(-1)
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * (k3 + r2 * k4)))
    slope = 2 * (k1 + r2 * (2 * k2 + r2 * (3 * k3 + r2 * 4 * k4)))  # d radial / d r2, times 2
    xx = radial + slope * x * x + 2 * p1 * y + 6 * p2 * x
    xy = slope * x * y + 2 * p1 * x + 2 * p2 * y
    yy = radial + slope * y * y + 6 * p1 * y + 2 * p2 * x
    return torch.stack([torch.stack([xx, xy], -1), torch.stack([xy, yy], -1)], -2)
