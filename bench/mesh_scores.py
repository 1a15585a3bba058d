"""How close a mesh is to the true one: distances between points spread over both."""

from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Bool, Float64
from scipy.spatial import KDTree

from ..export.triangles import Triangles
from ..scenes import Cameras
from ..studio.raycast import Caster

POINTS = 200_000
NEAR = 0.01  # of the size: as far as a point may be off for the F-score
LIFT = 1e-4  # of the size
MOST_CAMERAS = 20  # that are asked what they see, evenly among all


@dataclass(frozen=True)
class Scores:
    """`f_score` is the harmonic mean of the shares of either's points within 1% of the size of the other; `chamfer`
    the mean of both mean distances, as a share of the size."""

    f_score: float
    precision: float
    recall: float
    chamfer: float

    def facts(self) -> dict[str, float]:
        return asdict(self)


def compare(made: Triangles, true: Triangles, cameras: Cameras | None = None) -> Scores:
    """With cameras only of what some of them see of each."""
    size = true.size
    points, truth = (spread(mesh, POINTS, cameras) for mesh in (made, true))
    there, back = (KDTree(b).query(a, workers=-1)[0] for a, b in ((points, truth), (truth, points)))
    precision, recall = ((distance < NEAR * size).mean() for distance in (there, back))
    f_score = 2 * precision * recall / max(precision + recall, 1e-9)
    chamfer = (there.mean() + back.mean()) / 2 / size
    return Scores(float(f_score), float(precision), float(recall), float(chamfer))


def spread(mesh: Triangles, count: int, cameras: Cameras | None) -> Float64[np.ndarray, "n xyz=3"]:
    """Points evenly over the area, of which cameras, if there are any, see some."""
    random = np.random.default_rng(0)
    area = mesh.areas.cumsum()
    face = np.searchsorted(area, random.uniform(0, area[-1], count)).clip(max=len(area) - 1)
    u, v = random.uniform(size=(2, count))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    a, b, c = (mesh.vertices[mesh.faces[face, corner]] for corner in range(3))
    points = a + u[:, None] * (b - a) + v[:, None] * (c - a)
    return points if cameras is None else points[_seen(points, mesh, cameras)]


def _seen(points: Float64[np.ndarray, "n xyz=3"], mesh: Triangles, cameras: Cameras) -> Bool[np.ndarray, "n"]:
    caster = Caster(mesh.vertices.astype(np.float32), mesh.faces.astype(np.int32))
    seen = np.zeros(len(points), bool)
    origins = cameras.world_from_camera[:, :, 3].double().cpu().numpy()
    some = np.linspace(0, len(origins) - 1, min(len(origins), MOST_CAMERAS)).round().astype(int)
    for origin in origins[some]:
        rest = np.flatnonzero(~seen)
        away = origin - points[rest]
        away /= np.linalg.norm(away, axis=1, keepdims=True)
        lifted = (points[rest] + LIFT * mesh.size * away).astype(np.float32)
        seen[rest] = ~caster.blocked(lifted, away.astype(np.float32))
    return seen
