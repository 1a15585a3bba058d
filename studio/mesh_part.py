"""One part of a mesh as a file has it, in double precision, and how it becomes a surface in the studio."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from .surface import Material, Surface, joined, surface

CREASE = 35.0  # degrees
GREY = 0.5  # linear reflectance of a mesh without colours
PLAIN_ROUGHNESS = 0.45
MOST_FACES = 10_000_000  # lit and rendered, they take about half a kilobyte each
MOST_VERTICES = 3 * MOST_FACES

Places = Float64[np.ndarray, "vertex xyz=3"]
Corners = Int64[np.ndarray, "face corner=3"]
Uv = Float64[np.ndarray, "vertex uv=2"]
Tint = Float32[np.ndarray, "vertex rgb=3"]
Matrix = Float64[np.ndarray, "row=4 column=4"]


@dataclass(frozen=True)
class Part:
    """Triangles of one material, in the file's own units and axes."""

    vertices: Places
    faces: Corners
    uv: Uv  # v = 1 at the top of a picture
    tint: Tint  # linear
    material: Material


@dataclass(frozen=True)
class Studio:
    """A similarity: a place p of the file is at (rotation @ p − middle) / scale."""

    rotation: Float32[np.ndarray, "row=3 column=3"]
    middle: Float64[np.ndarray, "xyz=3"]
    scale: float

    def of(self, places: Places) -> Float32[np.ndarray, "vertex xyz=3"]:
        """In single precision only when moved: geographic coordinates would lose all below half a metre."""
        return ((places @ self.rotation.T.astype(np.float64) - self.middle) / self.scale).astype(np.float32)


def plain(value: float) -> Material:
    return Material(np.full((1, 1, 3), value, np.float32), PLAIN_ROUGHNESS)


def white(count: int) -> Tint:
    return np.ones((count, 3), np.float32)


def nowhere(count: int) -> Uv:
    return np.zeros((count, 2))


def count_checked(path: Path, *, faces: int = 0, vertices: int = 0) -> None:
    """Refuses what would not fit into memory; called with what a header says before anything is read."""
    for count, limit, what in ((faces, MOST_FACES, "faces"), (vertices, MOST_VERTICES, "vertices")):
        if count > limit:
            raise ValueError(f"{path} has {count:,} {what}; omnifield renders meshes of at most {limit:,}.")


def checked(parts: list[Part], path: Path) -> list[Part]:
    """Parts that have something to show. Raises ValueError where a part is damaged or none is left."""
    if not sum(len(part.faces) for part in parts):
        raise ValueError(f"{path} holds no faces, so there is nothing to render.")
    count_checked(path, faces=sum(len(part.faces) for part in parts))
    kept = []
    for part in parts:
        if len(part.faces) and (part.faces.min() < 0 or part.faces.max() >= len(part.vertices)):
            raise ValueError(f"{path} is damaged: a face refers to a vertex that is not there.")
        corners = part.vertices[part.faces]
        if not np.isfinite(corners).all():
            raise ValueError(
                f"{path} has vertices whose coordinates are not finite numbers (NaN or infinite)."
            )
        faces = part.faces[_has_area(corners)]
        if len(faces):
            kept.append(Part(part.vertices, faces, part.uv, part.tint, part.material))
    if not kept:
        raise ValueError(
            f"All faces of {path} are without area (their corners lie on one point or one line), so there is "
            "nothing to render."
        )
    visible = [part for part in kept if part.material.solid.any()]
    if not visible:
        raise ValueError(f"Every part of {path} is fully transparent, so there is nothing to render.")
    return visible


def _has_area(corners: Float64[np.ndarray, "face corner=3 xyz=3"]) -> Bool[np.ndarray, "face"]:
    """False for needles and points: compared with the face's own size and with what doubles can tell there."""
    with np.errstate(over="ignore", invalid="ignore"):
        longest = np.abs(corners - np.roll(corners, 1, 1)).max((1, 2))
        area = np.abs(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])).max(-1)
        return area > 1e-12 * longest * longest + 1e-15 * longest * np.abs(corners).max((1, 2))


def bounds(parts: list[Part], rotation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest corner of all that faces use, after the rotation."""
    turned = [part.vertices[np.unique(part.faces)] @ rotation.T.astype(np.float64) for part in parts]
    return np.min([places.min(0) for places in turned], 0), np.max([places.max(0) for places in turned], 0)


def shown(parts: list[Part], studio: Studio) -> Surface:
    """All parts as one surface."""
    return joined([_surface(part, studio) for part in parts])


def _surface(part: Part, studio: Studio) -> Surface:
    """Vertices are joined where nothing but the file's layout parts them."""
    used, corner = np.unique(part.faces, return_inverse=True)
    vertices, uv = studio.of(part.vertices[used]), np.nan_to_num(part.uv[used].astype(np.float32))
    tint = np.nan_to_num(part.tint[used])
    # Adding zero turns −0 into 0, which has the same value but other bytes.
    row = np.ascontiguousarray(np.concatenate([vertices, uv, tint], 1) + np.float32(0))
    _, first, same = np.unique(
        row.view(f"V{row.shape[1] * 4}").reshape(-1), return_index=True, return_inverse=True
    )
    faces = same.reshape(-1)[corner.reshape(-1)].reshape(-1, 3)
    distinct = (faces != np.roll(faces, 1, 1)).all(1)  # single precision may have closed a small face
    return surface(
        vertices[first],
        faces[distinct].astype(np.int32),
        uv=uv[first],
        tint=tint[first],
        material=part.material,
        crease=CREASE,
    )
