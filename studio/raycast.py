"""The ray caster: nearest hits and shadows by Embree, and images that are anti-aliased where they need it."""

import abc
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int32, UInt8

from .surface import Positions, Triangles

Columns = Float32[np.ndarray, "sample"]
Offsets = Float32[np.ndarray, "offset xy=2"]
MISSING_EMBREE = (
    "Meshes and the demo scene are rendered by Embree, which is not installed here. This command installs it:"
    " pip install embreex"
)
SILHOUETTE_SAMPLES = 4
INNER_SAMPLES = 5
TEXTURE_SAMPLES = 5
ONE_POINT = np.zeros((1, 2), np.float32)
SHADING_STEP = 0.14  # neighbours that differ by more, in sRGB units of 0..1, are an edge
DEPTH_STEP = 0.02  # relative to the depth, beyond what the slope explains

# Slices that pair every pixel with its right and its lower neighbour, and with the two at its lower corners.
EVERY, FIRST, LAST = slice(None), slice(None, -1), slice(1, None)
BESIDE = (((EVERY, FIRST), (EVERY, LAST)), ((FIRST, EVERY), (LAST, EVERY)))
DIAGONAL = (((FIRST, FIRST), (LAST, LAST)), ((FIRST, LAST), (LAST, FIRST)))

# Points in thousandths of a pixel about its middle, found by search: whatever straight edge cuts the pixel,
# the share of the points beyond it is within 1/16 of the area beyond it.
# fmt: off
COVERAGE = np.asarray(
    [
        (-495, -460), (-382, -183), (-378, -12), (-428, 122), (-442, 356), (-199, -437),
        (-308, -325), (-209, -106), (-198, 104), (-278, 251), (-284, 433), (-35, -395),
        (112, -339), (-123, -243), (45, -164), (-60, 5), (75, 160), (-114, 220),
        (38, 363), (-107, 421), (244, -433), (362, -385), (237, -199), (273, -3),
        (134, 0), (226, 241), (195, 436), (355, 448), (432, -247), (442, -75),
        (387, 113), (441, 305),
    ]
, dtype=np.float32) / np.asarray(1000, dtype=np.float32)
# fmt: on


@dataclass(frozen=True)
class Hits:
    """The nearest hits of rays; a miss has face -1 and infinite distance (in lengths of its direction)."""

    distance: Float32[np.ndarray, "ray"]
    face: Int32[np.ndarray, "ray"]
    weights: Float32[np.ndarray, "ray corner=3"]  # barycentric


class Caster:
    """Embree over one set of triangles. Raises ImportError, with the command that helps, if it is missing."""

    def __init__(self, vertices: Positions, faces: Triangles):
        try:
            from embreex.mesh_construction import TriangleMesh
            from embreex.rtcore_scene import EmbreeScene
        except ImportError as error:
            raise ImportError(MISSING_EMBREE) from error
        self._scene: Any = EmbreeScene(
            robust=True
        )  # robust: no ray slips through the crack between two faces
        self._mesh = TriangleMesh(self._scene, np.ascontiguousarray(vertices), np.ascontiguousarray(faces))

    def first(
        self, origins: Float32[np.ndarray, "ray xyz=3"], directions: Float32[np.ndarray, "ray xyz=3"]
    ) -> Hits:
        """The nearest hit of every ray, from either side of a face."""
        if not len(origins):
            empty = np.zeros(0, np.float32)
            return Hits(empty, empty.astype(np.int32), np.zeros((0, 3), np.float32))
        hit = self._scene.run(_packed(origins), _packed(directions), query="INTERSECT", output=True)
        face, u, v = hit["primID"], hit["u"], hit["v"]
        distance = np.where(face >= 0, hit["tfar"], np.asarray(np.inf, dtype=np.float32))
        return Hits(distance, face, np.stack([1 - u - v, u, v], -1))

    def struck(
        self, origins: Float32[np.ndarray, "ray xyz=3"], directions: Float32[np.ndarray, "ray xyz=3"]
    ) -> Int32[np.ndarray, "ray"]:
        """The face that every ray hits first, or -1."""
        if not len(origins):
            return np.zeros(0, np.int32)
        return self._scene.run(_packed(origins), _packed(directions), query="INTERSECT")

    def blocked(
        self, origins: Float32[np.ndarray, "ray xyz=3"], directions: Float32[np.ndarray, "ray xyz=3"]
    ) -> Bool[np.ndarray, "ray"]:
        """Whether anything at all lies along each ray."""
        if not len(origins):
            return np.zeros(0, bool)
        return self._scene.run(_packed(origins), _packed(directions), query="OCCLUDED") >= 0


def _packed(vectors: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(vectors, np.float32)


@dataclass(frozen=True)
class Seen:
    """What samples of an image plane see. Misses have part -1; their other entries mean nothing."""

    color: Float32[np.ndarray, "sample rgb=3"]  # linear, 0..1
    shading: Float32[
        np.ndarray, "sample"
    ]  # its brightness if everything were grey: its edges are not the texture's
    distance: Float32[np.ndarray, "sample"]
    part: Int32[np.ndarray, "sample"]


@dataclass(frozen=True)
class Window:
    """The pixels worth looking at: columns x0 ≤ x < x1 and rows y0 ≤ y < y1 of a larger image."""

    x0: int
    y0: int
    x1: int
    y1: int

    def centers(self) -> tuple[Float32[np.ndarray, "pixel"], Float32[np.ndarray, "pixel"]]:
        """Pixel centres row by row, as x and y."""
        y, x = np.mgrid[self.y0 : self.y1, self.x0 : self.x1].astype(np.float32) + np.asarray(
            0.5, dtype=np.float32
        )
        return x.reshape(-1), y.reshape(-1)


class Eye(abc.ABC):
    """What a camera sees at sensor positions (x, y) in pixels."""

    @abc.abstractmethod
    def see(self, x: Columns, y: Columns, offsets: Offsets) -> Seen:
        """What is there. Textures, and nothing else, are averaged over the offsets from (x, y)."""

    @abc.abstractmethod
    def meets(self, x: Columns, y: Columns) -> Bool[np.ndarray, "sample"]:
        """Whether anything is there: cheaper than to see what."""


def photograph(eye: Eye, size: int, window: Window) -> UInt8[np.ndarray, "size size rgba=4"]:
    """A square sRGB image with straight alpha.

    One sample in the middle of each pixel finds the edges of shapes and shading; only pixels on such an edge
    are sampled again, those on a silhouette most, for their alpha.
    """
    x, y = window.centers()
    seen = eye.see(x, y, lattice(TEXTURE_SAMPLES))
    hit = seen.part >= 0
    color, alpha = np.where(hit[:, None], seen.color, 0), hit.astype(np.float32)
    silhouette, inner = _edges(seen, (window.y1 - window.y0, window.x1 - window.x0))
    alpha[silhouette], color[silhouette] = _silhouette(eye, x[silhouette], y[silhouette])
    color[inner] = _inner(eye, x[inner], y[inner])
    image = np.zeros((size, size, 4), np.uint8)
    rgba = np.concatenate([srgb_from_linear(color), alpha[:, None]], 1)
    shape = (window.y1 - window.y0, window.x1 - window.x0, 4)
    image[window.y0 : window.y1, window.x0 : window.x1] = np.round(rgba * 255).astype(np.uint8).reshape(shape)
    return image


def _silhouette(
    eye: Eye, x: Columns, y: Columns
) -> tuple[Float32[np.ndarray, "sample"], Float32[np.ndarray, "sample rgb=3"]]:
    """Alpha of pixels by many samples, and their colour by a few of those that meet something."""
    sub_x, sub_y = x[:, None] + COVERAGE[:, 0], y[:, None] + COVERAGE[:, 1]
    meets = eye.meets(sub_x.reshape(-1), sub_y.reshape(-1)).reshape(sub_x.shape)
    count = meets.sum(1)
    # Spread the few over the many: the samples that meet something first, in their order.
    order = np.argsort(~meets, axis=1, kind="stable")
    rank = ((np.arange(SILHOUETTE_SAMPLES) + 0.5) / SILHOUETTE_SAMPLES * count[:, None]).astype(np.int64)
    chosen = np.take_along_axis(order, rank, 1)
    pick_x, pick_y = np.take_along_axis(sub_x, chosen, 1), np.take_along_axis(sub_y, chosen, 1)
    return (count / len(COVERAGE)).astype(np.float32), _mean(eye, pick_x, pick_y)


def _inner(eye: Eye, x: Columns, y: Columns) -> Float32[np.ndarray, "sample rgb=3"]:
    """Colour of pixels within the object."""
    offsets = lattice(INNER_SAMPLES)
    return _mean(eye, x[:, None] + offsets[:, 0], y[:, None] + offsets[:, 1])


def _mean(
    eye: Eye, x: Float32[np.ndarray, "pixel sample"], y: Float32[np.ndarray, "pixel sample"]
) -> Float32[np.ndarray, "pixel rgb=3"]:
    """Mean colour of the samples that see something."""
    seen = eye.see(x.reshape(-1), y.reshape(-1), ONE_POINT)
    hit = (seen.part >= 0).reshape(x.shape)
    total = np.einsum("nkc,nk->nc", seen.color.reshape(*x.shape, 3), hit.astype(np.float32))
    return total / np.maximum(hit.sum(1), 1, dtype=np.float32)[:, None]


def lattice(count: int) -> Offsets:
    """`count` points of the pixel square about its middle, each alone in its row and in its column."""
    index = np.arange(count)
    return np.stack([(index + 0.5) / count, (index * 2 % count + 0.5) / count], -1).astype(
        np.float32
    ) - np.asarray(0.5, dtype=np.float32)


def _edges(
    seen: Seen, shape: tuple[int, int]
) -> tuple[Int[np.ndarray, "silhouette"], Int[np.ndarray, "inner"]]:
    """Pixels beside nothing (their alpha is partial), and pixels on an edge of part, depth or shading."""
    part = seen.part.reshape(shape)
    hit = part >= 0
    silhouette, inner = np.zeros(shape, bool), np.zeros(shape, bool)
    encoded = srgb_from_linear(seen.shading).reshape(shape)
    inverse = 1 / seen.distance.reshape(shape)
    for here, there in BESIDE + DIAGONAL:
        mixed = hit[here] != hit[there]
        silhouette[here] |= mixed
        silhouette[there] |= mixed
    for here, there in BESIDE:
        jump = np.abs(encoded[here] - encoded[there]) > SHADING_STEP
        gap = np.abs(inverse[here] - inverse[there]) > DEPTH_STEP * inverse[here]
        step = (jump | gap | (part[here] != part[there])) & hit[here] & hit[there]
        inner[here] |= step
        inner[there] |= step
    return np.flatnonzero(silhouette), np.flatnonzero(inner & ~silhouette)


def srgb_from_linear(linear: Float32[np.ndarray, "*n"]) -> Float32[np.ndarray, "*n"]:
    """The sRGB curve (IEC 61966-2-1), 0..1 to 0..1; what lies outside is clipped."""
    linear = np.clip(linear, 0, 1)
    curve = 1.055 * np.power(np.maximum(linear, 0.0031308), np.asarray(1 / 2.4, dtype=np.float32)) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, curve).astype(np.float32)


def linear_from_srgb(encoded: Float[np.ndarray, "*n"]) -> Float32[np.ndarray, "*n"]:
    """The inverse of `srgb_from_linear`."""
    curve = ((np.maximum(encoded, 0.04045) + 0.055) / 1.055) ** 2.4
    return np.where(encoded <= 0.04045, encoded / 12.92, curve).astype(np.float32)
