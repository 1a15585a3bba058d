"""The surface between the two sides of a lattice, by marching cubes on blocks that share their outermost points."""

from collections.abc import Generator

import numpy as np
from jaxtyping import Float64, Int64
from skimage.measure import marching_cubes

from .density_lattice import Side
from .triangles import Triangles

BLOCK = 64  # cells


def surface_of(side: Side) -> Generator[float, None, Triangles]:
    """What share is done, time and again, and the surface in the end, in the lattice's own coordinates (cells): its
    normals look to where the side is negative. Empty where all points are on one side."""
    corners = [range(0, size - 1, BLOCK) for size in side.shape]
    total, vertices, faces, first = len(corners[0]), [], [], 0
    for x in corners[0]:
        for y in corners[1]:
            for z in corners[2]:
                found = _block(side, (x, y, z))
                if found is not None:
                    vertices.append(found[0])
                    faces.append(found[1] + first)
                    first += len(found[0])
        yield (x // BLOCK + 1) / total
    if not vertices:
        return Triangles(np.zeros((0, 3)), np.zeros((0, 3), np.int64))
    return _sewn(np.concatenate(vertices), np.concatenate(faces))


def _block(
    side: Side, corner: tuple[int, int, int]
) -> tuple[Float64[np.ndarray, "vertex xyz=3"], Int64[np.ndarray, "face corner=3"]] | None:
    x, y, z = corner
    part = side[x : x + BLOCK + 1, y : y + BLOCK + 1, z : z + BLOCK + 1].astype(np.float32)
    if part.max() < 0 or part.min() > 0:
        return None
    vertices, faces, _, _ = marching_cubes(part, 0.0, gradient_direction="ascent", allow_degenerate=True)
    return vertices.astype(np.float64) + corner, faces.astype(np.int64)


def _sewn(vertices: np.ndarray, faces: np.ndarray) -> Triangles:
    """Vertices on one edge of the lattice are one, whichever block they come from.

    They have two whole coordinates, and a third between two whole numbers, as no point of the lattice is on the
    surface: so the edge has a number, and nothing depends on how blocks round. A vertex within a cell is of one block.
    """
    cell = np.floor(vertices).astype(np.int64)
    between = vertices != cell
    axis = np.where(between.sum(1) == 1, between.argmax(1), 3)
    size = cell.max(0) + 2
    edge = ((cell[:, 0] * size[1] + cell[:, 1]) * size[2] + cell[:, 2]) * 4 + axis
    alone = axis == 3
    edge[alone] = -1 - np.arange(alone.sum())
    _, first, same = np.unique(edge, return_index=True, return_inverse=True)
    faces = same.reshape(-1)[faces]
    distinct = (faces != np.roll(faces, 1, 1)).all(1)
    return Triangles(vertices[first], faces[distinct])
