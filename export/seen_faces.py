"""Which face of a mesh each pixel of a picture shows, and where on it."""

from dataclasses import dataclass

import numpy as np
import trimesh
from jaxtyping import Float64, Int64
from trimesh import ray

from .own_pictures import Picture
from .triangles import Triangles


@dataclass(frozen=True)
class SeenFaces:
    """The pixels, row by row, in whose middle there is a face, with barycentric weights of its corners."""

    pixel: Int64[np.ndarray, "seen"]
    face: Int64[np.ndarray, "seen"]
    weights: Float64[np.ndarray, "seen corner=3"]


def can_see() -> bool:
    """Whether Embree is installed."""
    return bool(ray.has_embree)


class Eye:
    """Looks at one mesh."""

    def __init__(self, mesh: Triangles) -> None:
        self.corners = mesh.vertices[mesh.faces]
        whole = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
        self.caster = ray.ray_pyembree.RayMeshIntersector(whole, scale_to_box=True)

    def see(self, picture: Picture) -> SeenFaces:
        found = self.caster.intersects_first(picture.origins, picture.directions)
        ray = np.flatnonzero(found >= 0)
        face = found[ray].astype(np.int64)
        lines = (each[ray].astype(np.float64) for each in (picture.origins, picture.directions))
        return SeenFaces(picture.looked[ray], face, _weights(self.corners[face], *lines))


def _weights(
    corners: Float64[np.ndarray, "n corner=3 xyz=3"],
    origins: Float64[np.ndarray, "n xyz=3"],
    directions: Float64[np.ndarray, "n xyz=3"],
) -> Float64[np.ndarray, "n corner=3"]:
    """Where rays meet the planes of their faces (after Möller and Trumbore 1997)."""
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    across, away = np.cross(directions, second), origins - corners[:, 0]
    volume = (first * across).sum(1)
    volume = np.where(np.abs(volume) < 1e-30, 1e-30, volume)
    b = (away * across).sum(1) / volume
    c = (directions * np.cross(away, first)).sum(1) / volume
    weights = np.stack([1 - b - c, b, c], -1).clip(0, 1)  # a face seen from its edge
    return weights / weights.sum(1, keepdims=True)
