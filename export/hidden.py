"""A surface without what is hidden in it: layers and cavities that a field has where nobody has ever looked."""

from collections.abc import Generator

import numpy as np
from jaxtyping import Bool, Float, Float64

from .sight import LIFT, blocker
from .triangles import Triangles, unit

DIRECTIONS = 40  # all around, in which a face may be open to the outside
MOST_ORIGINS = 24  # places of cameras, from which it may be seen as well
RINGS = 2  # of faces around those that can be seen that are kept with them


def without_hidden(
    mesh: Triangles, origins: Float[np.ndarray, "camera xyz=3"]
) -> Generator[float, None, Triangles]:
    """What share of the directions was tried, time and again, and in the end the faces whose middles can be seen from
    a camera or from far outside, with those around them."""
    blocked = blocker(mesh)
    middle, normal, lift = mesh.vertices[mesh.faces].mean(1), mesh.face_normals, LIFT * mesh.size
    seen = np.zeros(len(mesh.faces), bool)
    cameras = origins[np.linspace(0, len(origins) - 1, min(MOST_ORIGINS, len(origins))).round().astype(int)]
    ways = [*((False, each) for each in cameras), *((True, each) for each in all_around(DIRECTIONS))]
    for done, (parallel, to) in enumerate(ways, 1):
        rest = np.flatnonzero(~seen)
        away = np.broadcast_to(to, (len(rest), 3)) if parallel else unit(to - middle[rest])
        open_to = (away * normal[rest]).sum(1) > 0
        rest, away = rest[open_to], away[open_to]
        seen[rest[~blocked(middle[rest] + lift * normal[rest], away)]] = True
        yield done / len(ways)
    return mesh.only(_grown(seen, mesh))


def all_around(count: int) -> Float64[np.ndarray, "direction xyz=3"]:
    """Unit directions evenly over the sphere (a Fibonacci lattice)."""
    height = 1 - (2 * np.arange(count) + 1) / count
    angle = np.arange(count) * np.pi * (3 - 5**0.5)
    around = np.sqrt(1 - height**2)
    return np.stack([around * np.cos(angle), around * np.sin(angle), height], -1)


def _grown(seen: Bool[np.ndarray, "face"], mesh: Triangles) -> Bool[np.ndarray, "face"]:
    for _ in range(RINGS):
        touched = np.zeros(len(mesh.vertices), bool)
        touched[mesh.faces[seen]] = True
        a, b, c = mesh.faces.T
        seen = touched[a] | touched[b] | touched[c]
    return seen
