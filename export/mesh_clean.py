"""A surface made smooth, without specks, with small holes closed, and of as many faces as asked for."""

import fast_simplification
import numpy as np
import trimesh
from jaxtyping import Int64
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from .triangles import Corners, Triangles

SPECK = 0.015  # of the mesh's size: a smaller island is none of the scene's things
MOST_EDGES = 64  # of a hole that is closed
SMOOTHING = 6  # rounds: a rough surface falls into so many charts that laying it flat takes minutes


def smoothed(mesh: Triangles) -> Triangles:
    """As large as before (Taubin 1995)."""
    made = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    trimesh.smoothing.filter_taubin(made, iterations=SMOOTHING)
    return Triangles(np.array(made.vertices), mesh.faces)


def without_specks(mesh: Triangles, speck: float = SPECK) -> Triangles:
    """Without parts that hang together and are smaller than that share of the whole. The largest is always kept."""
    links = coo_matrix(
        (np.ones(2 * len(mesh.faces), bool), (mesh.faces[:, :2].reshape(-1), mesh.faces[:, 1:].reshape(-1))),
        (len(mesh.vertices), len(mesh.vertices)),
    )
    count, part = connected_components(links, directed=False)
    lo, hi = np.full((count, 3), np.inf), np.full((count, 3), -np.inf)
    np.minimum.at(lo, part, mesh.vertices)
    np.maximum.at(hi, part, mesh.vertices)
    size = np.linalg.norm(hi - lo, axis=1)
    kept = (size >= speck * mesh.size) | (size == size.max())
    return mesh.only(kept[part[mesh.faces[:, 0]]])


def decimated(mesh: Triangles, faces: int) -> Triangles:
    """At most about so many faces, by quadric error (Garland and Heckbert 1997)."""
    if len(mesh.faces) <= faces:
        return mesh
    middle, size = mesh.vertices.mean(0), mesh.size
    small = ((mesh.vertices - middle) / size).astype(np.float32)
    vertices, corners, *_ = fast_simplification.simplify(
        small, mesh.faces.astype(np.int32), target_count=faces
    )
    made = Triangles(vertices.astype(np.float64) * size + middle, corners.astype(np.int64))
    return made.only(made.areas > 1e-14 * size * size)


def without_holes(mesh: Triangles, most: int = MOST_EDGES) -> Triangles:
    """Every hole of at most so many edges has a fan of faces about its middle."""
    vertices, faces = [mesh.vertices], [mesh.faces]
    count = len(mesh.vertices)
    for hole in _loops(_boundary(mesh.faces)):
        if 3 <= len(hole) <= most:
            vertices.append(mesh.vertices[hole].mean(0)[None])
            faces.append(np.stack([np.full(len(hole), count), hole, np.roll(hole, -1)], 1))
            count += 1
    return Triangles(np.concatenate(vertices), np.concatenate(faces))


def _boundary(faces: Corners) -> Int64[np.ndarray, "edge end=2"]:
    """Edges of one face, the other way round than that face has them."""
    edges = np.concatenate([faces[:, [1, 0]], faces[:, [2, 1]], faces[:, [0, 2]]])
    ends = np.sort(edges, 1)
    _, row, times = np.unique(ends, axis=0, return_index=True, return_counts=True)
    return edges[row[times == 1]]


def _loops(edges: Int64[np.ndarray, "edge end=2"]) -> list[Int64[np.ndarray, "corner"]]:
    """Closed ways along edges, each through a vertex once: where two holes touch, or more, either is one of its own."""
    onward: dict[int, list[int]] = {}
    for a, b in edges.tolist():
        onward.setdefault(a, []).append(b)
    found = []
    while onward:
        path = [next(iter(onward))]
        at = {path[0]: 0}  # where on the path each vertex lies
        while ends := onward.get(path[-1]):
            b = ends.pop()
            if not ends:
                del onward[path[-1]]
            if b in at:
                loop = path[at[b] :]
                found.append(np.array(loop, np.int64))
                del path[at[b] + 1 :]
                for vertex in loop[1:]:
                    del at[vertex]
            else:
                at[b] = len(path)
                path.append(b)
    return found
