"""Points evenly over a surface: Poisson-disc thinning, and the normals of what they lie on."""

import numpy as np
from jaxtyping import Float, Float64, Int64
from scipy.spatial import KDTree

NEIGHBOURS = 12  # of a point's plane
ROUNDS = 4  # of finding the distance that leaves as many as asked for
CLOSE = 0.03  # as many as asked for, to within this share
COVERED = 0.7  # of the area, by the discs of points that are as near to each other as they may be
CELLS = 64  # along a cloud's longest edge, to guess its area by


def thinned(position: Float[np.ndarray, "n xyz=3"], count: int) -> Int64[np.ndarray, "kept"]:
    """Rows of about `count` points, and no more, of which no two are nearer than a distance that follows; all of them
    where there are no more."""
    if len(position) <= count:
        return np.arange(len(position))
    tree = KDTree(position)
    order = np.random.default_rng(0).permutation(len(position))
    distance = 2 * (COVERED * _area(position) / (count * np.pi)) ** 0.5
    kept = order
    for _ in range(ROUNDS):
        kept = _apart(tree, distance, order)
        if abs(len(kept) - count) < CLOSE * count:
            break
        distance *= (len(kept) / count) ** 0.5
    return np.sort(kept[np.random.default_rng(0).permutation(len(kept))[:count]])


def _apart(tree: KDTree, distance: float, order: Int64[np.ndarray, "n"]) -> Int64[np.ndarray, "kept"]:
    """Points of which each has none of a lower order nearby that is kept: chosen in rounds, all at once that are the
    first of their neighbours (Luby 1986)."""
    pairs = tree.query_pairs(distance, output_type="ndarray")
    rest, kept = np.ones(tree.n, bool), np.zeros(tree.n, bool)
    while rest.any():
        pairs = pairs[rest[pairs].all(1)]
        later = np.where(order[pairs[:, 0]] > order[pairs[:, 1]], pairs[:, 0], pairs[:, 1])
        chosen = rest.copy()
        chosen[later] = False
        kept |= chosen
        near = pairs[chosen[pairs].any(1)]
        rest[chosen] = False
        rest[near.reshape(-1)] = False
    return np.flatnonzero(kept)


def _area(position: Float[np.ndarray, "n xyz=3"]) -> float:
    """About: as many squares as there are cells with something in them."""
    lowest = position.min(0)
    cell = float((position.max(0) - lowest).max()) / CELLS or 1.0
    return len(np.unique(((position - lowest) / cell).astype(np.int64), axis=0)) * cell**2


def facing(
    position: Float64[np.ndarray, "n xyz=3"], toward: Float64[np.ndarray, "n xyz=3"]
) -> Float64[np.ndarray, "n xyz=3"]:
    """Unit normals of the planes through each point's neighbours, on the side of `toward`; that itself where there are
    too few of them."""
    near = min(NEIGHBOURS, len(position))
    if near < 3:
        return toward
    _, rows = KDTree(position).query(position, near)
    offset = position[rows] - position[rows].mean(1, keepdims=True)
    _, axes = np.linalg.eigh(np.einsum("nki,nkj->nij", offset, offset))
    normal = axes[:, :, 0]
    return normal * np.where((normal * toward).sum(1, keepdims=True) < 0, -1.0, 1.0)
