"""Photographs of a papered corner, from places that are known: enough for structure from motion, in small pictures."""

import math
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import map_coordinates, zoom

# Not imported here: it would bring its own zlib into the process that Pillow is in.
needs_pycolmap = pytest.mark.skipif(
    find_spec("pycolmap") is None, reason="pycolmap is not installed (pip install 'omnifield[photos]')"
)
WIDTH, HEIGHT, FOCAL = 240, 180, 240.0
ROOM = 3.0  # each wall's side


def paper(seed: int) -> np.ndarray:
    """Blots of many sizes, gray, with a wall's side of 512 dots."""
    random = np.random.default_rng(seed)
    layers = [
        zoom(random.normal(size=(512 // s, 512 // s)), s, order=1, mode="nearest") for s in (4, 8, 16, 32)
    ]
    sheet = sum(layer[:512, :512] for layer in layers)
    return np.clip(127 + 55 * sheet, 0, 255)


WALLS = [paper(seed) for seed in range(3)]


def camera(angle: float, height: float = 1.6, distance: float = 3.4) -> np.ndarray:
    """World from camera, OpenGL's axes; +Z is up, and the corner is where x = y = z = 0."""
    position = np.array([distance * math.cos(angle), distance * math.sin(angle), height])
    back = position - np.array([0.7, 0.7, 0.7])
    back /= np.linalg.norm(back)
    right = np.cross([0.0, 0.0, 1.0], back)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3] = np.stack([right, np.cross(back, right), back, position], 1)
    return pose


def seen(pose: np.ndarray, size: tuple[int, int] = (WIDTH, HEIGHT)) -> np.ndarray:
    """What a pinhole camera sees, in gray."""
    width, height = size
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    local = np.stack([(x - width / 2) / FOCAL, -(y - height / 2) / FOCAL, -np.ones_like(x)], -1)
    rays, origin = local @ pose[:3, :3].T, pose[:3, 3]
    nearest, picture = np.full(x.shape, np.inf), np.full(x.shape, 20.0)
    for axis, wall in enumerate(WALLS):
        distance = -origin[axis] / np.where(np.abs(rays[..., axis]) < 1e-9, 1e-9, rays[..., axis])
        across = [each for each in range(3) if each != axis]
        hit = origin + distance[..., None] * rays
        inside = ((hit[..., across] > 0) & (hit[..., across] < ROOM)).all(-1) & (distance > 0)
        taken = inside & (distance < nearest)
        dots = hit[..., across] / ROOM * 511
        shade = map_coordinates(wall, [dots[..., 0].clip(0, 511), dots[..., 1].clip(0, 511)], order=1)
        picture, nearest = np.where(taken, shade, picture), np.where(taken, distance, nearest)
    return picture.round().astype(np.uint8)


def ring(count: int) -> list[np.ndarray]:
    return [camera(0.35 + 0.9 * i / max(count - 1, 1), 1.4 + 0.15 * (i % 3)) for i in range(count)]


def photograph(folder: Path, names: list[str]) -> list[np.ndarray]:
    """Files of these names, and from where each was taken."""
    folder.mkdir(parents=True, exist_ok=True)
    poses = ring(len(names))
    for name, pose in zip(names, poses, strict=True):
        Image.fromarray(seen(pose)).convert("RGB").save(folder / name)
    return poses
