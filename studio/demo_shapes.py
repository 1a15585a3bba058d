"""Shapes of the demo scene: sheets of triangles swept along curves, with texture coordinates."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Float32, Int32

from .surface import Material, Surface, surface

CREASE = 40.0  # degrees


@dataclass(frozen=True)
class Shape:
    """Triangles that wind counter-clockwise seen from outside, with texture coordinates."""

    vertices: Float32[np.ndarray, "vertex xyz=3"]
    faces: Int32[np.ndarray, "face corner=3"]
    uv: Float32[np.ndarray, "vertex uv=2"]

    def of(self, material: Material) -> Surface:
        """The shape made of a material."""
        white = np.ones_like(self.vertices)
        return surface(self.vertices, self.faces, uv=self.uv, tint=white, material=material, crease=CREASE)

    def turned(self, roll: float, pitch: float, yaw: float) -> "Shape":
        """Turned about x, then y, then z, in degrees."""
        a, b, c = np.radians([roll, pitch, yaw])
        x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
        y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
        z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
        return Shape((self.vertices @ (z @ y @ x).T).astype(np.float32), self.faces, self.uv)

    def at(self, x: float, y: float, z: float) -> "Shape":
        """Shifted."""
        return Shape(self.vertices + np.asarray([x, y, z], dtype=np.float32), self.faces, self.uv)

    def standing(self, x: float, y: float, ground: float) -> "Shape":
        """Shifted so that its lowest point touches the height `ground`."""
        return self.at(x, y, ground - float(self.vertices[:, 2].min()))


def sheet(grid: Float[np.ndarray, "row column xyz=3"]) -> Shape:
    """A grid of points as triangles; u runs along columns, v along rows, from 0 to 1."""
    rows, columns, _ = grid.shape
    index = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    v, u = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, columns), indexing="ij")
    return Shape(
        grid.reshape(-1, 3).astype(np.float32), faces, np.stack([u, v], -1).reshape(-1, 2).astype(np.float32)
    )


def together(shapes: list[Shape]) -> Shape:
    start = np.cumsum([0, *(len(shape.vertices) for shape in shapes)])
    faces = [shape.faces + at for shape, at in zip(shapes, start, strict=False)]
    return Shape(
        np.concatenate([shape.vertices for shape in shapes]),
        np.concatenate(faces).astype(np.int32),
        np.concatenate([shape.uv for shape in shapes]),
    )


def lathe(
    profile: Float[np.ndarray, "row radius_height=2"],
    around: int,
    groove: Float[np.ndarray, "column"] | float = 0.0,
) -> Shape:
    """A profile turned about z, upwards along the outside; `groove` is cut from the radius at each angle."""
    angle = np.linspace(0, 2 * np.pi, around + 1)
    radius = np.maximum(profile[:, :1] - groove, 0)
    height = np.broadcast_to(profile[:, 1:], (len(profile), around + 1))
    return sheet(np.stack([radius * np.cos(angle), radius * np.sin(angle), height], -1))


def rounded_profile(
    corners: list[tuple[float, float]], radius: float, spacing: float
) -> Float[np.ndarray, "row radius_height=2"]:
    """A polyline of (radius, height) with rounded inner corners, then points about every `spacing`."""
    line = [np.array(corners[0])]
    for before, corner, after in zip(corners[:-2], corners[1:-1], corners[2:], strict=True):
        back, ahead = (
            np.subtract(end, corner) / np.linalg.norm(np.subtract(end, corner)) for end in (before, after)
        )
        for t in np.linspace(0, 1, 6):  # a quadratic Bézier curve about the corner
            line.append(np.array(corner) + radius * ((1 - t) ** 2 * back + t**2 * ahead))
    line.append(np.array(corners[-1]))
    pieces = [line[0][None]]
    for start, end in pairwise(line):
        steps = max(1, int(np.ceil(np.linalg.norm(end - start) / spacing)))
        pieces.append(start + (end - start) * np.linspace(0, 1, steps + 1)[1:, None])
    return np.concatenate(pieces)


def ball(radius: float, rows: int) -> Shape:
    """A sphere about the origin; v runs from the south pole to the north pole."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, rows)
    return lathe(radius * np.stack([np.cos(angle), np.sin(angle)], -1), 2 * rows)


def disk(radius: float, rows: int) -> Shape:
    """A flat disk that faces up, of about equal triangles; uv is the square about it."""
    side = np.linspace(-1, 1, rows)
    y, x = np.meshgrid(side, side, indexing="ij")
    # Shirley and Chiu's concentric map from the square to the disk.
    wide = np.abs(x) >= np.abs(y)
    r = np.where(wide, x, y)
    other = np.where(wide, y, x) / np.where(r == 0, 1, r) * np.pi / 4
    angle = np.where(wide, other, np.pi / 2 - other)
    flat = sheet(np.stack([radius * r * np.cos(angle), radius * r * np.sin(angle), 0 * r], -1))
    return Shape(flat.vertices, flat.faces, (flat.vertices[:, :2] / (2 * radius) + 0.5).astype(np.float32))


def tube(path: Float[np.ndarray, "step xyz=3"], radius: float, sides: int) -> Shape:
    """A round tube along an open path; u runs around, v along. Its ends are open: hide them in something."""
    return _swept(path, np.gradient(path, axis=0), radius, np.zeros(len(path)), sides)


def ring(path: Float[np.ndarray, "step xyz=3"], radius: float, sides: int) -> Shape:
    """A round tube along a closed path, whose last point is its first."""
    tangent = np.gradient(np.concatenate([path[-2:-1], path, path[1:2]]), axis=0)[1:-1]
    first, last = _transported(tangent)[[0, -1]]
    side = np.cross(_unit(tangent[0]), first)
    # Carried around the loop the frame comes back turned; untwist it evenly along the way.
    twist = np.arctan2(last @ side, last @ first)
    return _swept(path, tangent, radius, -twist * np.linspace(0, 1, len(path)), sides)


def _swept(path: np.ndarray, tangent: np.ndarray, radius: float, twist: np.ndarray, sides: int) -> Shape:
    normal = _transported(tangent)
    side = np.cross(_unit(tangent), normal)
    angle = np.linspace(0, 2 * np.pi, sides + 1)[None] + twist[:, None]
    circle = np.cos(angle)[..., None] * normal[:, None] + np.sin(angle)[..., None] * side[:, None]
    return sheet(path[:, None] + radius * circle)


def _transported(tangent: np.ndarray) -> np.ndarray:
    """Unit normals of a curve that turn about it as little as possible."""
    unit = _unit(tangent)
    normal = np.cross(unit[0], [1.0, 0, 0] if abs(unit[0, 0]) < 0.8 else [0, 1.0, 0])
    rows = []
    for along in unit:
        normal = _unit(normal - (normal @ along) * along)
        rows.append(normal)
    return np.stack(rows)


def rounded_box(half: tuple[float, float, float], radius: float, spacing: float) -> Shape:
    """A box with round edges; in its texture the faces +x, -x, +y, -y, +z, -z follow each other downwards."""
    sides = []
    for face in range(6):
        axis, sign = face // 2, 1 - 2 * (face % 2)
        along, up = ((1, 2), (0, 2), (0, 1))[axis]
        counts = [max(4, int(np.ceil(2 * half[other] / spacing))) for other in (along, up)]
        flip = sign * (1, -1, 1)[axis]  # letters must not be mirrored
        a = np.linspace(-1, 1, counts[0]) * half[along] * flip
        b = np.linspace(-1, 1, counts[1]) * half[up]
        point = np.empty((counts[1], counts[0], 3))
        point[..., axis] = sign * half[axis]
        point[..., along], point[..., up] = a[None], b[:, None]
        core = np.clip(point, radius - np.array(half), np.array(half) - radius)
        side = sheet(core + radius * _unit(point - core))
        inside = 0.5 + (side.uv - 0.5) * np.asarray([1, 0.99], dtype=np.float32)
        sides.append(
            Shape(
                side.vertices,
                side.faces,
                (inside + np.asarray([0, 5 - face], dtype=np.float32)) / np.asarray([1, 6], dtype=np.float32),
            )
        )
    return together(sides)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
