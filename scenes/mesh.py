"""A user's own mesh as a scene: images of it from all sides, as the demo scene has them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32

from .cameras import Cameras
from .domain import Box, Corner
from .mesh_file import read_mesh, world_from_file
from .scene import Scene, Views
from .shade import lit
from .shots import SHOTS, Shots, hemisphere, orbit, render_views, spiral
from .surface import Surface, refined

STUDIO_RADIUS = 1.3  # the studio's light and cameras are made for objects of this bounding radius
MARGIN = 0.05  # of the longest side, about the mesh's bounds
LONGEST_EDGE = 0.025  # in the studio: finer than that, light between vertices need not be known
MOST_FACES = 400_000


def mesh_scene(path: Path, shots: Shots = SHOTS) -> Scene:
    """Images of the mesh in a file, lit as in a studio; cameras and box are in the mesh's own units.

    World +Z is up: glTF and OBJ files, which have y up, are rotated, and `scene_from_input` says so.
    Raises FileNotFoundError or ValueError on bad input, ImportError where Embree is missing.
    """
    bare = _turned(read_mesh(path), world_from_file(path))
    lo, hi = bare.vertices.min(0).astype(np.float64), bare.vertices.max(0).astype(np.float64)
    middle, scale = (lo + hi) / 2, float(np.linalg.norm(hi - lo)) / 2 / STUDIO_RADIUS
    if scale == 0:
        raise ValueError(f"All vertices of {path} lie on one point, so there is nothing to render.")
    subject = lit(refined(_in_studio(bare, middle, scale), LONGEST_EDGE, MOST_FACES))

    def photographed(directions: Float32[np.ndarray, "view xyz=3"], name: str) -> Views:
        taken = render_views(subject, orbit(directions, shots.size), name)
        return replace(taken, cameras=_in_world(taken.cameras, middle, scale))

    train, test = photographed(hemisphere(shots.train, 0), "train"), photographed(spiral(shots.test), "test")
    scene_from_input = torch.eye(4)
    scene_from_input[:3, :3] = torch.from_numpy(world_from_file(path))
    return Scene(path.stem, _box(lo, hi), train, test, True, scene_from_input, "views rendered from a mesh")


def _turned(bare: Surface, rotation: Float32[np.ndarray, "row=3 column=3"]) -> Surface:
    vertices, normals = (np.ascontiguousarray(v @ rotation.T) for v in (bare.vertices, bare.normals))
    return replace(bare, vertices=vertices, normals=normals)


def _in_studio(bare: Surface, middle: np.ndarray, scale: float) -> Surface:
    """Moved to the origin and scaled to the studio's size, where single precision is at its best."""
    return replace(bare, vertices=((bare.vertices - middle) / scale).astype(np.float32))


def _in_world(cameras: Cameras, middle: np.ndarray, scale: float) -> Cameras:
    """The cameras in the mesh's own units."""
    pose = cameras.world_from_camera.clone()
    pose[:, :, 3] = pose[:, :, 3] * scale + torch.from_numpy(middle).to(pose)
    return replace(cameras, world_from_camera=pose, near=cameras.near * scale)


def _box(lo: np.ndarray, hi: np.ndarray) -> Box:
    margin = MARGIN * (hi - lo).max()
    corners: list[Corner] = [(float(c[0]), float(c[1]), float(c[2])) for c in (lo - margin, hi + margin)]
    return Box(*corners)
