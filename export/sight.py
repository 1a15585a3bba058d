"""Which training cameras see which places of a surface, and how squarely."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import trimesh
from jaxtyping import Float32, Float64
from trimesh import ray

from ..scenes import Cameras, Lens
from ..scenes.camera_groups import camera, camera_count
from .triangles import Triangles

MOST_CAMERAS = 100  # that are asked, evenly among all
BEST = 6  # of those that see a place, how many are kept
GRAZING = 0.1  # cosine below which a camera sees nothing of a place
LIFT = 1e-3  # of the mesh's size: a ray to a camera begins so far off the surface


@dataclass(frozen=True)
class Sight:
    """The best cameras' directions of sight at each place (unit, towards it), and their weights: the squared cosine
    to the normal, 0 where there is no camera."""

    direction: Float32[np.ndarray, "n best xyz=3"]
    weight: Float32[np.ndarray, "n best"]

    @property
    def seen(self) -> np.ndarray:
        return self.weight[:, 0] > 0


def sight_of(
    place: Float64[np.ndarray, "n xyz=3"],
    normal: Float64[np.ndarray, "n xyz=3"],
    mesh: Triangles,
    groups: Sequence[Cameras],
) -> Generator[float, None, Sight]:
    """What share of the cameras is asked, time and again, and what they see in the end. Where no camera does, there is
    one direction of no weight: straight down onto the surface."""
    blocked, lift = blocker(mesh), LIFT * mesh.size
    direction = np.repeat(-normal[:, None], BEST, 1).astype(np.float32)
    weight = np.zeros((len(place), BEST), np.float32)
    count = camera_count(groups)
    numbers = np.unique(np.linspace(0, count - 1, min(count, MOST_CAMERAS)).round().astype(int))
    for done, number in enumerate(numbers, 1):
        one = camera(groups, int(number))
        away = one.world_from_camera[0, :, 3].double().cpu().numpy() - place
        distance = np.linalg.norm(away, axis=1)
        away /= np.maximum(distance, 1e-12)[:, None]
        cosine = (away * normal).sum(1)
        rows = np.flatnonzero((cosine > GRAZING) & _in_frame(one, place))
        rows = rows[~blocked(place[rows] + lift * normal[rows], away[rows])]
        _keep(direction, weight, rows, -away[rows], cosine[rows] ** 2)
        yield done / len(numbers)
    return Sight(direction, weight)


def _keep(direction: np.ndarray, weight: np.ndarray, rows: np.ndarray, new: np.ndarray, better: np.ndarray):
    """Put in order, each behind those that are better than it, what is among the best so far."""
    new, better = new.astype(np.float32), better.astype(np.float32)
    for rank in range(BEST):
        gains = better > weight[rows, rank]
        at = rows[gains]
        old = direction[at, rank].copy(), weight[at, rank].copy()
        direction[at, rank], weight[at, rank] = new[gains], better[gains]
        new[gains], better[gains] = old


def _in_frame(one: Cameras, place: np.ndarray) -> np.ndarray:
    at = torch.from_numpy(place).to(one.focal)
    if one.lens is not Lens.PERSPECTIVE:  # such a lens sees half of all directions, and more
        pose = one.world_from_camera[0]
        return ((at - pose[:, 3]) @ pose[:, 2] < 0).cpu().numpy()
    sensor, depth = one.project(0, at)
    size = torch.tensor([one.width, one.height]).to(sensor)
    return ((depth > one.near) & (sensor >= 0).all(-1) & (sensor <= size).all(-1)).cpu().numpy()


def blocker(mesh: Triangles) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Whether a ray meets the surface; never where Embree is not installed, which nothing else here needs."""
    if not ray.has_embree:
        return lambda origins, directions: np.zeros(len(origins), bool)
    caster = ray.ray_pyembree.RayMeshIntersector(
        trimesh.Trimesh(mesh.vertices, mesh.faces, process=False), scale_to_box=True
    )

    def blocked(origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
        return caster.intersects_any(origins, directions) if len(origins) else np.zeros(0, bool)

    return blocked
