"""What a mesh with its colours looks like, unlit, from the cameras of held-out views."""

import math

import numpy as np
import torch
from jaxtyping import Float32

from ..export.mesh_making import ColoredMesh
from ..export.texture_bake import Texture
from ..scenes import Views
from ..studio.raycast import Caster, Hits
from ..studio.shade import interpolated, lookup

SAMPLES = ((0.125, 0.375), (0.375, 0.875), (0.625, 0.125), (0.875, 0.625))  # of each pixel, on a turned grid


def psnr_of_views(
    made: ColoredMesh, views: Views, background: tuple[float, float, float], stride: int
) -> float:
    """Mean over the views, of every `stride`-th pixel of every such row."""
    caster = Caster(made.mesh.vertices.astype(np.float32), made.mesh.faces.astype(np.int32))
    found = []
    for view in range(len(views.cameras)):
        seen = _picture(made, caster, views, view, background, stride)
        color, opacity = views.colors_and_alpha(view, slice(None, None, stride), slice(None, None, stride))
        color, alpha = color.reshape(-1, 3).numpy(), opacity.reshape(-1, 1).numpy()
        truth = color * alpha + (1 - alpha) * np.array(background, np.float32)
        found.append(-10 * math.log10(max(float(((seen - truth) ** 2).mean()), 1e-10)))
    return sum(found) / len(found)


def _picture(
    made: ColoredMesh,
    caster: Caster,
    views: Views,
    view: int,
    background: tuple[float, float, float],
    stride: int,
) -> Float32[np.ndarray, "pixel rgb=3"]:
    cameras = views.cameras
    row, column = np.mgrid[: cameras.height : stride, : cameras.width : stride].reshape(2, -1)
    total = np.zeros((len(row), 3), np.float32)
    for across, down in SAMPLES:
        x, y = (torch.from_numpy(each).float() for each in (column + across, row + down))
        rays = cameras.rays(torch.full((len(row),), view), x, y)
        hits = caster.first(rays.origins.numpy(), rays.directions.numpy())
        total += np.where(hits.face[:, None] >= 0, _colors(made, hits), np.array(background, np.float32))
    return total / len(SAMPLES)


def _colors(made: ColoredMesh, hits: Hits) -> Float32[np.ndarray, "ray rgb=3"]:
    """sRGB, of whatever where nothing is hit."""
    paint = made.paint
    face = hits.face.clip(0)
    if not isinstance(paint, Texture):
        corners = made.mesh.faces[face].astype(np.int32)
        return interpolated(paint.astype(np.float32) / 255, corners, hits.weights)
    corners = paint.atlas.faces[face].astype(np.int32)
    uv = interpolated(paint.atlas.uv.astype(np.float32), corners, hits.weights)
    return lookup(paint.picture.astype(np.float32) / 255, np.ascontiguousarray(uv.T)[..., None])
