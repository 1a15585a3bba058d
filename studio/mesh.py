"""A user's own mesh as a scene: images of it from all sides, as the demo scene has them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32

from ..scenes.cameras import Cameras
from ..scenes.domain import Box, Corner
from ..scenes.scene import Scene
from ..scenes.views import Views
from .mesh_file import read_parts, world_from_file
from .mesh_part import Studio, bounds, shown
from .shade import lit
from .shots import SHOTS, Shots, hemisphere, orbit, render_views, spiral
from .surface import refined

STUDIO_RADIUS = 1.3  # the studio's light and cameras are made for objects of this bounding radius
MARGIN = 0.05  # of the longest side, about the mesh's bounds
LONGEST_EDGE = 0.025  # in the studio: finer than that, light between vertices need not be known
MOST_FACES = 400_000
FAR = 50  # of the mesh's diagonal


def mesh_scene(path: Path, shots: Shots = SHOTS) -> Scene:
    """Images of the mesh in a file, lit as in a studio; cameras and box are in the mesh's own units.

    World +Z is up: glTF and OBJ files, which have y up, are rotated, a mesh far from the origin is moved there, and
    `scene_from_input` says so.
    Raises FileNotFoundError or ValueError on bad input, ImportError where Embree is missing.
    """
    parts, rotation = read_parts(path), world_from_file(path)
    lo, hi = bounds(parts, rotation)
    studio = Studio(rotation, (lo + hi) / 2, float(np.linalg.norm(hi - lo)) / 2 / STUDIO_RADIUS)
    subject = lit(refined(shown(parts, studio), LONGEST_EDGE, MOST_FACES))
    origin = _origin(lo, hi)

    def photographed(directions: Float32[np.ndarray, "view xyz=3"], name: str) -> Views:
        taken = render_views(subject, orbit(directions, shots.size), name)
        return replace(taken, cameras=_in_world(taken.cameras, studio.middle - origin, studio.scale))

    train, test = photographed(hemisphere(shots.train, 0), "train"), photographed(spiral(shots.test), "test")
    if not train.images[..., 3].any():
        raise ValueError(f"The faces of {path} are too thin to be seen in pictures of it.")
    scene_from_input = torch.eye(4)
    scene_from_input[:3, :3] = torch.from_numpy(rotation)
    scene_from_input[:3, 3] = torch.from_numpy(0 - origin)
    box = _box(lo - origin, hi - origin)
    return Scene(path.stem, box, (train,), (test,), True, scene_from_input, "views rendered from a mesh")


def _origin(lo: np.ndarray, hi: np.ndarray) -> np.ndarray:
    """Where the scene has its origin: the mesh's own, or its middle where that is so far away (at geographic
    coordinates) that single precision would tell. Rounded to it, so that the way back is exact."""
    middle = (lo + hi) / 2
    if np.abs(middle).max() < FAR * np.linalg.norm(hi - lo):
        return np.zeros(3)
    return middle.astype(np.float32).astype(np.float64)


def _in_world(cameras: Cameras, middle: np.ndarray, scale: float) -> Cameras:
    """The cameras in the mesh's own units."""
    pose = cameras.world_from_camera.clone()
    pose[:, :, 3] = pose[:, :, 3] * scale + torch.from_numpy(middle).to(pose)
    return replace(cameras, world_from_camera=pose, near=cameras.near * scale)


def _box(lo: np.ndarray, hi: np.ndarray) -> Box:
    margin = MARGIN * (hi - lo).max()
    corners: list[Corner] = [(float(c[0]), float(c[1]), float(c[2])) for c in (lo - margin, hi + margin)]
    return Box(*corners)
