"""Triangles of a surface on their way out, in double precision."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

Places = Float64[np.ndarray, "vertex xyz=3"]
Corners = Int64[np.ndarray, "face corner=3"]


@dataclass(frozen=True)
class Triangles:
    """Faces are counterclockwise as seen from outside."""

    vertices: Places
    faces: Corners

    @property
    def size(self) -> float:
        """The diagonal of the box around all vertices."""
        return float(np.linalg.norm(np.ptp(self.vertices, axis=0))) if len(self.vertices) else 0.0

    @property
    def face_normals(self) -> Float64[np.ndarray, "face xyz=3"]:
        return unit(self._doubled_areas())

    @property
    def areas(self) -> Float64[np.ndarray, "face"]:
        return np.linalg.norm(self._doubled_areas(), axis=-1) / 2

    @property
    def normals(self) -> Float64[np.ndarray, "vertex xyz=3"]:
        """Smooth: the mean of those of a vertex's faces, weighted by their areas."""
        area, corner = self._doubled_areas().repeat(3, 0), self.faces.reshape(-1)
        return unit(np.stack([np.bincount(corner, area[:, k], len(self.vertices)) for k in range(3)], -1))

    def only(self, kept: np.ndarray) -> "Triangles":
        """The faces of which `kept` is true, and the vertices that they use."""
        faces = self.faces[kept]
        used, corner = np.unique(faces, return_inverse=True)
        return Triangles(self.vertices[used], corner.reshape(-1, 3).astype(np.int64))

    def _doubled_areas(self) -> Float64[np.ndarray, "face xyz=3"]:
        a, b, c = (self.vertices[self.faces[:, corner]] for corner in range(3))
        return np.cross(b - a, c - a)


def unit(vectors: Float64[np.ndarray, "*n xyz=3"]) -> Float64[np.ndarray, "*n xyz=3"]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-30)
