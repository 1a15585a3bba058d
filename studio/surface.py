"""Triangles and what they are made of: what rays meet and light falls on (numpy, single precision)."""

from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int32
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

Positions = Float32[np.ndarray, "vertex xyz=3"]
Triangles = Int32[np.ndarray, "face corner=3"]


class Wrap(Enum):
    """What lies beyond the edge of a texture: the texture again, its mirror image, or its last row of texels."""

    REPEAT = "repeat"
    MIRROR = "mirror"
    CLAMP = "clamp"

    def texel(self, index: Int[np.ndarray, "*n"], size: int) -> Int[np.ndarray, "*n"]:
        """The texel within 0..size−1 that stands for any index."""
        if self is Wrap.CLAMP:
            return np.clip(index, 0, size - 1)
        if self is Wrap.MIRROR:
            index = index % (2 * size)
            return np.minimum(index, 2 * size - 1 - index)
        return index % size


@dataclass(frozen=True)
class Sampling:
    """How a texture is looked up along u and v; `nearest` shows single texels as squares."""

    u: Wrap = Wrap.REPEAT
    v: Wrap = Wrap.REPEAT
    nearest: bool = False


REPEATED = Sampling()


def _dark() -> Float32[np.ndarray, "height width rgb=3"]:
    return np.zeros((1, 1, 3), np.float32)


def _all_solid() -> Bool[np.ndarray, "height width"]:
    return np.ones((1, 1), bool)


@dataclass(frozen=True)
class Material:
    """`texture` is linear reflectance and has v = 1 above its first row; it may be one texel, like the others."""

    texture: Float32[np.ndarray, "height width rgb=3"]
    roughness: float = 0.5  # 0 mirrors, 1 is matt
    metallic: float = 0.0  # 0 is a dielectric with 4% reflectance, 1 a metal
    sampling: Sampling = REPEATED
    emission: Float32[np.ndarray, "glow_height glow_width rgb=3"] = field(default_factory=_dark)  # radiance
    solid: Bool[np.ndarray, "solid_height solid_width"] = field(default_factory=_all_solid)  # False: a hole
    unlit: bool = False  # shows its texture as it is, whatever light falls on it


@dataclass(frozen=True)
class Surface:
    """Triangles with attributes at their vertices; vertices are doubled where an attribute jumps."""

    vertices: Positions
    faces: Triangles
    normals: Float32[np.ndarray, "vertex xyz=3"]  # unit, interpolated for shading
    uv: Float32[np.ndarray, "vertex uv=2"]
    tint: Float32[np.ndarray, "vertex rgb=3"]  # linear, multiplies the material's texture
    material: Int32[np.ndarray, "face"]  # row in `materials`
    part: Int32[np.ndarray, "face"]  # edges between parts are always anti-aliased
    materials: tuple[Material, ...]


def surface(
    vertices: Positions,
    faces: Triangles,
    *,
    uv: Float32[np.ndarray, "vertex uv=2"],
    tint: Float32[np.ndarray, "vertex rgb=3"],
    material: Material,
    crease: float,
) -> Surface:
    """One part of one material; faces that meet at more than `crease` degrees keep an edge between them."""
    normals, corner, faces = crease_normals(vertices, faces, crease)
    return Surface(
        vertices=vertices[corner],
        faces=faces,
        normals=normals,
        uv=uv[corner],
        tint=tint[corner],
        material=np.zeros(len(faces), np.int32),
        part=np.zeros(len(faces), np.int32),
        materials=(material,),
    )


def joined(pieces: list[Surface]) -> Surface:
    """All pieces as one surface; every piece keeps its materials and becomes a part of its own."""
    vertex_start = np.cumsum([0, *(len(piece.vertices) for piece in pieces)])
    material_start = np.cumsum([0, *(len(piece.materials) for piece in pieces)])
    part_start = np.cumsum([0, *(piece.part.max() + 1 for piece in pieces)])

    def stack(name: str, starts: np.ndarray) -> np.ndarray:
        rows = [getattr(piece, name) + start for piece, start in zip(pieces, starts, strict=False)]
        return np.concatenate(rows).astype(np.int32)

    return Surface(
        vertices=np.concatenate([piece.vertices for piece in pieces]),
        faces=stack("faces", vertex_start),
        normals=np.concatenate([piece.normals for piece in pieces]),
        uv=np.concatenate([piece.uv for piece in pieces]),
        tint=np.concatenate([piece.tint for piece in pieces]),
        material=stack("material", material_start),
        part=stack("part", part_start),
        materials=tuple(material for piece in pieces for material in piece.materials),
    )


def crease_normals(
    vertices: Positions, faces: Triangles, crease: float
) -> tuple[Float32[np.ndarray, "corner xyz=3"], Int[np.ndarray, "corner"], Triangles]:
    """Normals that are smooth within the groups of faces that edges of more than `crease` degrees separate.

    Returns the new vertices' normals, the old vertex each came from, and the faces over the new vertices.
    (trimesh.graph.smooth_shade makes a crease of every seam of a texture.)
    """
    place = _same_place(vertices)
    area = np.cross(
        vertices[faces[:, 1]].astype(np.float64) - vertices[faces[:, 0]],
        vertices[faces[:, 2]] - vertices[faces[:, 0]],
    )
    group = _smooth_groups(place[faces], _unit(area), crease)
    # One normal for each (place, group); one vertex for each (old vertex, group).
    groups = int(group.max()) + 1
    _, shared = np.unique(place[faces] * groups + group[:, None], return_inverse=True)
    corner_key, corner_of = np.unique(faces.astype(np.int64) * groups + group[:, None], return_inverse=True)
    total = np.stack([np.bincount(shared.reshape(-1), np.repeat(area[:, axis], 3)) for axis in range(3)], -1)
    normals = np.empty((len(corner_key), 3))
    normals[corner_of.reshape(-1)] = total[shared.reshape(-1)]
    return _unit(normals).astype(np.float32), corner_key // groups, corner_of.reshape(-1, 3).astype(np.int32)


def _same_place(vertices: Positions) -> Int[np.ndarray, "vertex"]:
    """A number for each vertex, equal where positions are: seams of a texture must not show as creases."""
    size = float(np.abs(vertices - vertices.mean(0)).max()) or 1.0
    grid = np.round((vertices - vertices.mean(0)) / size * 2**18).astype(np.int64)
    _, place = np.unique(((grid[:, 0] << 42) + (grid[:, 1] << 21) + grid[:, 2]), return_inverse=True)
    return place.reshape(-1)


def _smooth_groups(
    corners: Int[np.ndarray, "face corner=3"], face_normals: np.ndarray, crease: float
) -> Int[np.ndarray, "face"]:
    """Connected components of faces whose shared edges bend by less than `crease` degrees."""
    ends = np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]]), 1)
    face = np.tile(np.arange(len(corners)), 3)
    key = ends[:, 0] * (int(corners.max()) + 1) + ends[:, 1]
    order = np.argsort(key, kind="stable")
    left, right = face[order[:-1]], face[order[1:]]
    smooth = (key[order[:-1]] == key[order[1:]]) & (
        dot(face_normals[left], face_normals[right]) > np.cos(np.radians(crease))
    )
    links = coo_matrix((np.ones(smooth.sum()), (left[smooth], right[smooth])), (len(corners), len(corners)))
    return connected_components(links, directed=False)[1].astype(np.int64)


def refined(coarse: Surface, longest: float, most_faces: int) -> Surface:
    """Halves edges longer than `longest` while faces are fewer than `most_faces`; vertices hold the light.

    (trimesh.remesh.subdivide_to_size knows no such bound: a huge face among small ones would fill the memory.)
    """
    table = np.concatenate([coarse.vertices, coarse.normals, coarse.uv, coarse.tint], 1)
    faces, origin = coarse.faces, np.arange(len(coarse.faces))
    while len(faces) < most_faces:
        corners = table[faces, :3]
        edges = corners - np.roll(corners, -1, 1)
        length = np.sqrt(dot(edges, edges))
        edge = length.argmax(1)
        long = np.flatnonzero(length.max(1) > longest)
        if not len(long):
            break
        a, b, c = (faces[long, (edge[long] + step) % 3].astype(np.int64) for step in range(3))
        # The two faces of an edge share its middle, so that no seam opens between them.
        key, middle = np.unique(np.minimum(a, b) * len(table) + np.maximum(a, b), return_inverse=True)
        middle = middle.reshape(-1) + len(table)
        table = np.concatenate([table, (table[key // len(table)] + table[key % len(table)]) / 2])
        faces = faces.copy()
        faces[long] = np.stack([a, middle, c], -1)
        faces = np.concatenate([faces, np.stack([middle, b, c], -1).astype(np.int32)])
        origin = np.concatenate([origin, origin[long]])
    return replace(
        coarse,
        vertices=np.ascontiguousarray(table[:, :3]),
        faces=faces,
        normals=_unit(table[:, 3:6]),
        uv=np.ascontiguousarray(table[:, 6:8]),
        tint=np.ascontiguousarray(table[:, 8:]),
        material=coarse.material[origin],
        part=coarse.part[origin],
    )


def dot(a: Float[np.ndarray, "*n xyz=3"], b: Float[np.ndarray, "*n xyz=3"]) -> Float[np.ndarray, "*n"]:
    """Row by row; `(a * b).sum(-1)` takes ten times as long over so short an axis."""
    return np.einsum("...i,...i->...", a, b)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.sqrt(dot(vectors, vectors))[..., None], 1e-30)
