"""Surfaces with holes that only their texture knows (leaves, grids, hair): rays go through."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float32, Int32

from .raycast import Caster, Hits
from .surface import Surface

MOST_LAYERS = 64  # a ray that met so many holes one behind the other ends in the last of them
BEYOND = 1e-5  # of the studio's units: where a ray goes on behind a hole


def caster_of(bare: Surface) -> Caster:
    """The ray caster of a surface, with holes where its materials have them."""
    if all(material.solid.all() for material in bare.materials):
        return Caster(bare.vertices, bare.faces)
    return CutoutCaster(bare)


class CutoutCaster(Caster):
    """A caster whose rays pass where a material is not solid."""

    def __init__(self, bare: Surface):
        super().__init__(bare.vertices, bare.faces)
        self._bare = bare

    def first(
        self, origins: Float32[np.ndarray, "ray xyz=3"], directions: Float32[np.ndarray, "ray xyz=3"]
    ) -> Hits:
        hits = super().first(origins, directions)
        distance, face, weights = hits.distance.copy(), hits.face.copy(), hits.weights.copy()
        rows = np.flatnonzero(self._in_hole(hits))
        for _ in range(MOST_LAYERS):
            if not len(rows):
                break
            start = distance[rows] + np.float32(BEYOND)
            behind = super().first(origins[rows] + start[:, None] * directions[rows], directions[rows])
            distance[rows], face[rows], weights[rows] = start + behind.distance, behind.face, behind.weights
            rows = rows[self._in_hole(behind)]
        return replace(hits, distance=distance, face=face, weights=weights)

    def struck(
        self, origins: Float32[np.ndarray, "ray xyz=3"], directions: Float32[np.ndarray, "ray xyz=3"]
    ) -> Int32[np.ndarray, "ray"]:
        return self.first(origins, directions).face

    def blocked(
        self, origins: Float32[np.ndarray, "ray xyz=3"], directions: Float32[np.ndarray, "ray xyz=3"]
    ) -> Bool[np.ndarray, "ray"]:
        return self.first(origins, directions).face >= 0

    def _in_hole(self, hits: Hits) -> Bool[np.ndarray, "ray"]:
        hole = np.zeros(len(hits.face), bool)
        for index, material in enumerate(self._bare.materials):
            if material.solid.all():
                continue
            rows = np.flatnonzero((hits.face >= 0) & (self._bare.material[hits.face] == index))
            corners = self._bare.uv[self._bare.faces[hits.face[rows]]]
            u, v = np.einsum("rcx,rc->xr", corners, hits.weights[rows])
            height, width = material.solid.shape
            column = material.sampling.u.texel(np.floor(u * width).astype(np.int32), width)
            row = material.sampling.v.texel(np.floor((1 - v) * height).astype(np.int32), height)
            hole[rows] = ~material.solid[row, column]
        return hole
