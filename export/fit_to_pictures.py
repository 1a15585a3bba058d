"""A mesh fitted to pictures: its colours to what the pixels show, its vertices to where edges are in them.

A pixel p of the mesh's picture I, in which vertices move by d, becomes I(p) − ∇I(p)·J d, with J the change of a point's
place in the picture as it moves in the world, interpolated between a face's corners. Its squared differences from the
picture T of the field are least, to first order, for steps of Gauss and Newton, here vertex by vertex, each for all
pixels of its faces (weights w):

    (Σ w (∇I J)ᵀ ∇I J + λ) d = −Σ w (∇I J)ᵀ (T − I)

At an outline ∇I leads from the mesh to what is behind it: the pixels next to it count as those of the nearest face.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32, Float64, Int64
from scipy import ndimage
from scipy.sparse import csr_array

from ..scenes import Cameras
from .own_pictures import Picture
from .seen_faces import Eye, SeenFaces
from .texels import taps
from .texture_bake import Texture
from .triangles import Triangles

STEPS = 6  # of the vertices, each by half of the pictures, turn and turn about
PRIOR = 0.5  # pixels that a texel's colour of before is worth
DAMPING = 0.1  # λ, of the median vertex's own mean curvature
MOST = 1.0  # cells that a vertex moves in a step
OUTLINE = 1.5  # pixels beside an outline that count as the face beside them
SOLID = 0.9  # opacity of pixels that say what colour a face has


@dataclass(frozen=True)
class Seen:
    """One picture, which faces its pixels show, and which texels those are."""

    picture: Picture
    faces: SeenFaces
    texels: csr_array  # shares: pixel by texel


def fitted(
    mesh: Triangles, texture: Texture, pictures: Sequence[Picture], background: Sequence[float], cell: float
) -> Generator[float, None, tuple[Triangles, Texture]]:
    """How much is done, time and again, and in the end the mesh and its texture. `cell` is a length in the world."""
    color = texture.picture.reshape(-1, 3).astype(np.float32) / 255
    total, done = len(pictures) * (STEPS / 2 + 1), 0
    for turn in range(STEPS + 1):
        eye, seen = Eye(mesh), []
        for picture in pictures if turn == STEPS else pictures[turn % 2 :: 2]:
            seen.append(_seen(picture, eye, texture))
            yield (done := done + 1) / total
        color = _colored(color, seen)
        if turn < STEPS:
            mesh = _moved(mesh, color, seen, np.array(background, np.float32), cell)
    shape = texture.picture.shape
    return mesh, replace(texture, picture=(color * 255).round().astype(np.uint8).reshape(shape))


def _seen(picture: Picture, eye: Eye, texture: Texture) -> Seen:
    faces = eye.see(picture)
    return Seen(picture, faces, taps(texture.atlas, faces.face, faces.weights))


def _colored(
    color: Float32[np.ndarray, "texel rgb=3"], seen: list[Seen]
) -> Float32[np.ndarray, "texel rgb=3"]:
    """Each texel takes the mean difference of the pixels that it is part of."""
    change, weight = np.zeros_like(color), np.full(len(color), PRIOR, np.float32)
    for one in seen:
        solid = one.picture.opacity[one.faces.pixel] > SOLID
        texels = one.texels[solid]
        change += texels.T @ (one.picture.color[one.faces.pixel[solid]] - texels @ color)
        weight += texels.sum(0)
    return (color + change / weight[:, None]).clip(0, 1)


def _moved(
    mesh: Triangles,
    color: Float32[np.ndarray, "texel rgb=3"],
    seen: list[Seen],
    background: Float32[np.ndarray, "rgb=3"],
    cell: float,
) -> Triangles:
    count = len(mesh.vertices)
    slope, curvature = np.zeros((count, 3)), np.zeros((count, 9))
    for one in seen:
        if not len(one.faces.pixel):
            continue
        pixel, near = _with_outline(one)
        corners, weights = mesh.faces[one.faces.face[near]], one.faces.weights[near]
        shown = np.tile(background, (len(one.picture.color), 1))
        shown[one.faces.pixel] = one.texels @ color
        place = np.einsum("nc,ncx->nx", weights, mesh.vertices[corners])
        gradient = np.einsum(
            "nrs,nsx->nrx",
            _image_gradient(shown, one.picture.camera)[pixel],
            _jacobian(one.picture.camera, place),
        )
        ends = np.arange(0, 3 * len(pixel) + 1, 3)
        vertices = csr_array((weights.reshape(-1), corners.reshape(-1), ends), (len(pixel), count)).T
        slope -= vertices @ np.einsum("nrx,nr->nx", gradient, (one.picture.color - shown)[pixel])
        curvature += vertices @ np.einsum("nrx,nry->nxy", gradient, gradient).reshape(-1, 9)
    curved = curvature.reshape(-1, 3, 3)
    trace = curved.trace(axis1=1, axis2=2) / 3
    if not trace.any():
        return mesh
    damped = curved + DAMPING * np.median(trace[trace > 0]) * np.eye(3)
    move = np.linalg.solve(damped, slope[..., None])[..., 0]
    length = np.linalg.norm(move, axis=1, keepdims=True)
    return replace(
        mesh, vertices=mesh.vertices + move * np.minimum(1, MOST * cell / np.maximum(length, 1e-30))
    )


def _with_outline(one: Seen) -> tuple[Int64[np.ndarray, "n"], Int64[np.ndarray, "n"]]:
    """Pixels that show a face or are next to one that does, and which of those."""
    view = one.picture.camera
    row_of = np.full(view.height * view.width, -1)
    row_of[one.faces.pixel] = np.arange(len(one.faces.pixel))
    bare = row_of.reshape(view.height, view.width) < 0
    nearest = np.asarray(
        ndimage.distance_transform_edt(bare, return_distances=False, return_indices=True)
    ).reshape(2, -1)
    row, column = nearest - np.indices(bare.shape).reshape(2, -1)
    pixel = np.flatnonzero(np.hypot(row, column) <= OUTLINE)
    row, column = nearest[:, pixel]
    return pixel, row_of[row * view.width + column]


def _image_gradient(
    color: Float32[np.ndarray, "pixel rgb=3"], view: Cameras
) -> Float32[np.ndarray, "pixel rgb=3 right_down=2"]:
    picture = color.reshape(view.height, view.width, 3)
    return np.stack([np.gradient(picture, axis=1), np.gradient(picture, axis=0)], -1).reshape(-1, 3, 2)


def _jacobian(
    view: Cameras, place: Float64[np.ndarray, "n xyz=3"]
) -> Float64[np.ndarray, "n right_down=2 xyz=3"]:
    """Of a place in a picture without distortion, in pixels, by the place in the world."""
    pose = view.world_from_camera[0].double().numpy()
    fx, fy = view.focal[0].tolist()
    at = (place - pose[:, 3]) @ pose[:, :3]
    depth = -at[:, 2:]
    right = fx / depth * (pose[:, 0] + at[:, :1] / depth * pose[:, 2])
    down = -fy / depth * (pose[:, 1] + at[:, 1:2] / depth * pose[:, 2])
    return np.stack([right, down], 1)
