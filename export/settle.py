"""Vertices moved to where light begins to be absorbed: that is where a field's pictures have its edges."""

from collections.abc import Generator
from math import log1p

import numpy as np
import torch
from jaxtyping import Float
from scipy.sparse import coo_matrix
from torch import Tensor

from ..ops import one_thread_of_torch
from ..train.field_file import TrainedField
from .surface_points import points_of
from .triangles import Triangles

AT_ONCE = 1 << 14  # vertices
REACH, STEP = 2.0, 0.25  # cells
# The thickness at which a twentieth is absorbed: half of it is too deep, which docs/export.md measures.
BEGUN = -log1p(-0.05)
SMOOTHING = 2  # times that a vertex takes the mean move of itself and its neighbours


def settled(
    mesh: Triangles, trained: TrainedField, cell: float, time: float
) -> Generator[float, None, Triangles]:
    """Along its normal each vertex moves to where a twentieth of the light that comes in along it is absorbed, at most
    REACH cells; where no such place is near it stays."""
    normals = mesh.normals
    move = np.zeros(len(mesh.vertices))
    for first in range(0, len(move), AT_ONCE):
        rows = slice(first, first + AT_ONCE)
        place, normal = (torch.from_numpy(each[rows]).float() for each in (mesh.vertices, normals))
        move[rows] = _moves(place, normal, trained, cell, time)
        yield min(1.0, (first + AT_ONCE) / len(move))
    return Triangles(mesh.vertices + _smoothed(move, mesh)[:, None] * normals, mesh.faces)


@one_thread_of_torch()
@torch.no_grad()
def _moves(
    place: Float[Tensor, "n xyz=3"],
    normal: Float[Tensor, "n xyz=3"],
    trained: TrainedField,
    cell: float,
    time: float,
) -> np.ndarray:
    place, normal = place.to(trained.device), normal.to(trained.device)
    out = cell * torch.arange(REACH, -REACH - STEP / 2, -STEP, device=trained.device)
    samples = (place[:, None] + out[:, None] * normal[:, None]).reshape(-1, 3)
    points = points_of(samples, trained, time, -normal.repeat_interleave(len(out), 0))
    density = trained.field.density(points) * trained.sampler.contains(samples)
    depth = (density * (STEP * cell)).reshape(len(place), -1).cumsum(-1)
    at = (depth < BEGUN).sum(-1, keepdim=True)
    ended = at < len(out)
    at = at.clamp(max=len(out) - 1)
    after, before = depth.gather(1, at), torch.where(at > 0, depth.gather(1, (at - 1).clamp_min(0)), 0.0)
    within = (BEGUN - before) / (after - before).clamp_min(1e-9)
    found = out[at[:, 0]] + STEP * cell * (0.5 - within[:, 0])
    return torch.where(ended[:, 0], found, 0.0).cpu().numpy()


def _smoothed(move: np.ndarray, mesh: Triangles) -> np.ndarray:
    a, b = mesh.faces.reshape(-1), np.roll(mesh.faces, 1, 1).reshape(-1)
    links = coo_matrix((np.ones(2 * len(a)), (np.r_[a, b], np.r_[b, a])), (len(move), len(move))).tocsr()
    links.data[:] = 1.0
    degree = np.asarray(links.sum(1)).reshape(-1)
    for _ in range(SMOOTHING):
        move = (move + links @ move) / (1 + degree)
    return move
