"""Where cameras stand about an object, and the images they take of a lit surface."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32, UInt8
from torch import Tensor

from ..scenes.cameras import Cameras, pinhole
from ..scenes.views import Views, nothing_ignored
from .cutout import caster_of
from .light import along
from .raycast import Eye, Offsets, Seen, Window, photograph
from .shade import LitSurface, Pixel, interpolated
from .surface import Surface, dot

FIELD_OF_VIEW = 0.6911112070083618  # radians, as in the Lego scene of NeRF-synthetic
DISTANCE = 4.0  # for objects within ±1.3
NEAR = 0.5


@dataclass(frozen=True)
class Shots:
    """How many square images of which side: `train` all over the hemisphere, `test` on a spiral."""

    size: int = 400
    train: int = 100
    test: int = 20


SHOTS = Shots()


def hemisphere(count: int, seed: int) -> Float32[np.ndarray, "view xyz=3"]:
    """Directions evenly over the upper hemisphere: a jittered Fibonacci lattice, 2° to 86° high."""
    random = np.random.default_rng(seed)
    jitter = random.uniform(-0.35, 0.35, (2, count))
    lowest, highest = np.sin(np.radians([2, 86]))
    height = lowest + (highest - lowest) * np.clip((np.arange(count) + 0.5 + jitter[0]) / count, 0, 1)
    angle = np.arange(count) * np.pi * (3 - 5**0.5) + jitter[1] * (2 * np.pi / count) ** 0.5 + seed
    return _direction(angle, height)


def spiral(count: int) -> Float32[np.ndarray, "view xyz=3"]:
    """Directions along two turns that climb from 8° to 68°."""
    step = (np.arange(count) + 0.5) / count
    return _direction(4 * np.pi * step, np.sin(np.radians(8 + 60 * step)))


def _direction(angle: np.ndarray, height: np.ndarray) -> Float32[np.ndarray, "view xyz=3"]:
    around = np.sqrt(1 - height**2)
    return np.stack([around * np.cos(angle), around * np.sin(angle), height], -1).astype(np.float32)


def orbit(directions: Float32[np.ndarray, "view xyz=3"], size: int) -> Cameras:
    """Square cameras that look at the origin from `DISTANCE` in each direction (unit, none straight up)."""
    back = torch.from_numpy(directions)
    right = torch.nn.functional.normalize(
        torch.linalg.cross(torch.tensor([0.0, 0.0, 1.0]).expand_as(back), back)
    )
    pose = torch.stack([right, torch.linalg.cross(back, right), back, DISTANCE * back], -1)
    return pinhole(pose, (size, size), FIELD_OF_VIEW, NEAR)


@dataclass(frozen=True)
class ViewOf(Eye):
    """One camera's view of a lit surface."""

    subject: LitSurface
    cameras: Cameras
    view: int

    def see(
        self, x: Float32[np.ndarray, "sample"], y: Float32[np.ndarray, "sample"], offsets: Offsets
    ) -> Seen:
        """What lies at sensor positions in pixels; textures are averaged over offsets from there."""
        pose, focal = self.cameras.world_from_camera[self.view].numpy(), self.cameras.focal[self.view].numpy()
        spread = np.stack([pose[:, 0] / focal[0], -pose[:, 1] / focal[1]])
        return self.subject.see(*world_rays(self.cameras, self.view, x, y), Pixel(spread, offsets))

    def meets(
        self, x: Float32[np.ndarray, "sample"], y: Float32[np.ndarray, "sample"]
    ) -> Bool[np.ndarray, "sample"]:
        """Whether anything lies at sensor positions in pixels."""
        return self.subject.caster.blocked(*world_rays(self.cameras, self.view, x, y))


def render_views(subject: LitSurface, cameras: Cameras, name: str) -> Views:
    """Photographs of a surface by square cameras, named `name`_000 and so on."""
    corners = boxes(subject.surface)

    def image(view: int) -> UInt8[np.ndarray, "size size rgba=4"]:
        return photograph(ViewOf(subject, cameras, view), cameras.width, window(corners, cameras, view))

    pool = ThreadPoolExecutor(
        min(4, os.cpu_count() or 1)
    )  # Embree holds Python's lock: more threads only wait
    try:
        images = np.stack(list(pool.map(image, range(len(cameras)))))
    finally:
        pool.shutdown(cancel_futures=True)
    return views(torch.from_numpy(images), cameras, name)


def views(images: UInt8[Tensor, "view height width rgba=4"], cameras: Cameras, name: str) -> Views:
    """Rendered images with their cameras."""
    return Views(
        cameras, images, nothing_ignored(images), tuple(f"{name}_{i:03d}" for i in range(len(images)))
    )


def world_rays(
    cameras: Cameras, view: int, x: Float32[np.ndarray, "ray"], y: Float32[np.ndarray, "ray"]
) -> tuple[Float32[np.ndarray, "ray xyz=3"], Float32[np.ndarray, "ray xyz=3"]]:
    """Origins and unit directions through sensor positions: `Cameras.rays` of a pinhole, in numpy."""
    pose = cameras.world_from_camera[view].numpy()
    focal, principal = cameras.focal[view].numpy(), cameras.principal[view].numpy()
    right, down = (x - principal[0]) / focal[0], (y - principal[1]) / focal[1]
    scale = 1 / np.sqrt(right * right + down * down + 1)
    local = np.stack([right * scale, -down * scale, -scale])
    directions = np.stack([along(row, local) for row in pose[:, :3]], -1)
    return np.broadcast_to(pose[:, 3], directions.shape), directions


def window(corners: Float32[np.ndarray, "corner xyz=3"], cameras: Cameras, view: int) -> Window:
    """The pixels that can see what lies between the corners: outside them no ray needs to be cast."""
    pose = cameras.world_from_camera[view].numpy()
    local = (corners - pose[:, 3]) @ pose[:, :3]
    depth = -local[:, 2:]
    if depth.min() <= 0:  # something lies beside or behind the camera
        return Window(0, 0, cameras.width, cameras.height)
    focal, principal = cameras.focal[view].numpy(), cameras.principal[view].numpy()
    sensor = principal + local[:, :2] * [1, -1] / depth * focal
    lo = np.clip(np.floor(sensor.min(0)) - 1, 0, [cameras.width, cameras.height]).astype(int)
    hi = np.clip(np.ceil(sensor.max(0)) + 1, 0, [cameras.width, cameras.height]).astype(int)
    return Window(int(lo[0]), int(lo[1]), int(max(hi[0], lo[0])), int(max(hi[1], lo[1])))


def boxes(subject: Surface) -> Float32[np.ndarray, "corner xyz=3"]:
    """The corners of the boxes about all parts."""
    corners = np.asarray([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=np.float32)
    lo, hi = np.full((2, subject.part.max() + 1, 3), [[[np.inf]], [[-np.inf]]], np.float32)
    np.minimum.at(lo, subject.part, subject.vertices[subject.faces].min(1))
    np.maximum.at(hi, subject.part, subject.vertices[subject.faces].max(1))
    return (lo[:, None] + (hi - lo)[:, None] * corners).reshape(-1, 3)


def truth(
    subject: Surface, cameras: Cameras
) -> tuple[Float32[np.ndarray, "view height width"], Float32[np.ndarray, "view height width xyz=3"]]:
    """Exact z-depth (distance along the viewing axis) and unit world normals; both 0 where there is nothing.

    Both belong to the one ray through the middle of each pixel. Normals are the smooth ones that the light
    sees, turned towards the camera.
    """
    caster = caster_of(subject)
    shape = (len(cameras), cameras.height, cameras.width)
    depth, normal = np.zeros(shape, np.float32), np.zeros((*shape, 3), np.float32)
    pixels = Window(0, 0, cameras.width, cameras.height)
    for view in range(len(cameras)):
        origins, directions = world_rays(cameras, view, *pixels.centers())
        hits = caster.first(origins, directions)
        rows = np.flatnonzero(hits.face >= 0)
        smooth = interpolated(subject.normals, subject.faces[hits.face[rows]], hits.weights[rows])
        smooth /= np.linalg.norm(smooth, axis=-1, keepdims=True)
        smooth *= -np.sign(dot(smooth, directions[rows]))[:, None]
        forward = -cameras.world_from_camera[view, :, 2].numpy()
        depth[view].reshape(-1)[rows] = hits.distance[rows] * (directions[rows] @ forward)
        normal[view].reshape(-1, 3)[rows] = smooth
    return depth, normal
