"""The colours of a surface, at its vertices or in a texture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, UInt8
from scipy.spatial import KDTree

from ..scenes import Cameras
from .atlas import Atlas
from .sight import sight_of
from .stages import Staged, stage
from .surface_color import Skin
from .texels import spread, texels_of
from .triangles import Triangles, unit

Picture = UInt8[np.ndarray, "height width rgb=3"]


@dataclass(frozen=True)
class Texture:
    """A picture and where in it each corner of each face lies."""

    atlas: Atlas
    picture: Picture


def vertex_colors(
    mesh: Triangles, skin: Skin, groups: Sequence[Cameras], first: float, last: float
) -> Staged[UInt8[np.ndarray, "vertex rgb=3"]]:
    normals, middle = mesh.normals, (first + last) / 2
    seeing = sight_of(mesh.vertices, normals, mesh, groups)
    sight = yield from stage(seeing, "who sees what", first, middle)
    owner = np.arange(len(normals))
    color = yield from stage(skin.colors(mesh.vertices, normals, sight, owner), "colours", middle, last)
    return as_bytes(_as_seen(color, mesh.vertices, sight.seen))


def baked(
    mesh: Triangles, atlas: Atlas, skin: Skin, groups: Sequence[Cameras], span: tuple[float, float]
) -> Staged[Texture]:
    """A face is seen by those who see its middle; colours are of the places of single texels."""
    first, last = span
    middle = first + (last - first) / 3
    centers, normals = mesh.vertices[mesh.faces].mean(1), mesh.normals
    sight = yield from stage(
        sight_of(centers, mesh.face_normals, mesh, groups), "who sees what", first, middle
    )
    texels = texels_of(atlas)
    corners = mesh.faces[texels.face]
    place = np.einsum("tc,tcx->tx", texels.weights, mesh.vertices[corners])
    normal = unit(np.einsum("tc,tcx->tx", texels.weights, normals[corners]))
    painting = skin.colors(place, normal, sight, texels.face)
    color = yield from stage(painting, "texture", middle, last)
    picture = np.zeros((atlas.height, atlas.width, 3), np.uint8)
    known = np.zeros(picture.shape[:2], bool)
    known[texels.row, texels.column] = True
    picture[texels.row, texels.column] = as_bytes(_as_seen(color, place, sight.seen[texels.face]))
    return Texture(atlas, spread(picture, known))


def as_bytes(color: np.ndarray) -> np.ndarray:
    return (color.clip(0, 1) * 255).round().astype(np.uint8)


def _as_seen(color: np.ndarray, place: Float64[np.ndarray, "n xyz=3"], seen: np.ndarray) -> np.ndarray:
    """What no camera sees has the colour of the nearest place that one does: there the field has learned nothing."""
    known = np.flatnonzero(seen)
    hidden = np.flatnonzero(~seen)
    if len(known) and len(hidden):
        some = known[:: max(1, len(known) // MOST_KNOWN)]
        nearest = KDTree(place[some]).query(place[hidden])[1]
        color[hidden] = color[some[nearest]]
    return color


MOST_KNOWN = 200_000  # among which the nearest is looked for
