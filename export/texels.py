"""Which texels of an atlas lie in which faces, and where on them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64, UInt8
from scipy import ndimage
from scipy.sparse import csr_array

from .atlas import Atlas

EDGE = (
    0.75  # texels beyond a face's edge that count as its own: what is drawn there is interpolated from them
)
AT_ONCE = 1 << 22  # texels of boxes around faces


@dataclass(frozen=True)
class Texels:
    """Row and column of each, counted from the top left; its face, and barycentric weights of the corners."""

    row: Int64[np.ndarray, "texel"]
    column: Int64[np.ndarray, "texel"]
    face: Int64[np.ndarray, "texel"]
    weights: Float64[np.ndarray, "texel corner=3"]


def texels_of(atlas: Atlas) -> Texels:
    """Each texel once, in a face whose inside it is nearest to."""
    size = np.array([atlas.width, atlas.height])
    corner = atlas.uv[atlas.faces] * size
    corner[..., 1] = atlas.height - corner[..., 1]
    first = np.floor(corner.min(1) - EDGE).astype(np.int64).clip(0, size - 1)
    last = np.ceil(corner.max(1) + EDGE).astype(np.int64).clip(1, size)
    count = (last - first).prod(1)
    ends, found, begin = count.cumsum(), [], 0
    while begin < len(count):
        end = max(begin + 1, int(np.searchsorted(ends, (ends[begin - 1] if begin else 0) + AT_ONCE)))
        found.append(_within(corner, first, last, np.arange(begin, end)))
        begin = end
    row, column, face, weights, off = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((off, row * atlas.width + column))
    texel = (row * atlas.width + column)[order]
    nearest = order[np.flatnonzero(np.diff(texel, prepend=-1))]
    return Texels(row[nearest], column[nearest], face[nearest], weights[nearest])


def _within(
    corner: np.ndarray, first: np.ndarray, last: np.ndarray, faces: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Texels whose middle is in one of the faces or at most EDGE from its edges, and how far it is off."""
    width = (last - first)[faces, 0]
    count = (last - first)[faces].prod(1)
    face = np.repeat(faces, count)
    place = np.arange(len(face)) - np.repeat(count.cumsum() - count, count)
    wide = np.repeat(width, count)
    column, row = first[face, 0] + place % wide, first[face, 1] + place // wide
    at = np.stack([column, row], -1) + 0.5
    a, b, c = (corner[face, k] for k in range(3))
    doubled = _cross(b - a, c - a)
    safe = np.where(np.abs(doubled) < 1e-9, 1e-9, doubled)
    weights = (
        np.stack([_cross(b - at, c - at), _cross(c - at, a - at), _cross(a - at, b - at)], -1) / safe[:, None]
    )
    heights = np.abs(safe)[:, None] / np.stack([_length(c - b), _length(a - c), _length(b - a)], -1).clip(
        1e-9
    )
    off = (-weights * heights).max(1).clip(0)
    near = off <= EDGE
    inside = weights[near].clip(0) + 1e-9  # of a face without area nothing else is left
    inside /= inside.sum(1, keepdims=True)
    return row[near], column[near], face[near], inside, off[near]


def taps(atlas: Atlas, face: Int64[np.ndarray, "n"], weights: Float64[np.ndarray, "n corner=3"]) -> csr_array:
    """The shares of all texels, row by row of the picture, in what is drawn at places of faces: bilinear."""
    at = np.einsum("nc,ncx->nx", weights, atlas.uv[atlas.faces[face]])
    x, y = at[:, 0] * atlas.width - 0.5, (1 - at[:, 1]) * atlas.height - 0.5
    column, row = np.floor(x), np.floor(y)
    right, down = x - column, y - row
    across, along = np.stack([1 - right, right], -1), np.stack([1 - down, down], -1)
    columns = (column[:, None] + (0, 1)).clip(0, atlas.width - 1).astype(np.int32)
    rows = (row[:, None] + (0, 1)).clip(0, atlas.height - 1).astype(np.int32)
    texel = rows[:, :, None] * np.int32(atlas.width) + columns[:, None]
    share = (along[:, :, None] * across[:, None]).astype(np.float32)
    ends = np.arange(0, 4 * len(face) + 1, 4, dtype=np.int32)
    return csr_array((share.reshape(-1), texel.reshape(-1), ends), (len(face), atlas.width * atlas.height))


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def _length(a: np.ndarray) -> np.ndarray:
    return np.hypot(a[:, 0], a[:, 1])


def spread(
    picture: UInt8[np.ndarray, "height width rgb=3"], known: np.ndarray
) -> UInt8[np.ndarray, "height width rgb=3"]:
    """Every texel that is not known as the nearest one that is: no seam shows what lies between charts."""
    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    row, column = np.asarray(nearest)
    return picture[row, column]
