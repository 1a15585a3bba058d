"""Sparse points in a file of their own, as nerfstudio has them: a PLY that `ply_file_path` names."""

from pathlib import Path

import numpy as np
import trimesh

from ..scenes.notice import notice
from ..scenes.sparse_points import GREY, SparsePoints
from .document import Document


def named_points(document: Document) -> SparsePoints | None:
    """Those that a transforms.json names, in the frame of its poses; none, and it is said, where they cannot be read:
    points only ever help."""
    if "ply_file_path" not in document:
        return None
    file = document.file.parent / document.text("ply_file_path")
    try:
        return read_points_file(file)
    except (OSError, ValueError) as error:
        notice(f"{document.file}: ply_file_path names {file.name}, which is left out: {error}")
        return None


def read_points_file(file: Path) -> SparsePoints:
    """Raises OSError or ValueError."""
    if not file.is_file():
        raise FileNotFoundError("there is no such file.")
    try:
        cloud = trimesh.load(file, file_type="ply", process=False)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ValueError("it is no PLY that can be read.") from error
    if not isinstance(cloud, trimesh.PointCloud | trimesh.Trimesh):
        raise ValueError("it holds no points.")
    position = np.asarray(cloud.vertices, np.float64)
    color = np.asarray(cloud.colors) if isinstance(cloud, trimesh.PointCloud) else np.empty((0, 3))
    if len(color) != len(position):
        color = np.full((len(position), 3), GREY)
    return SparsePoints.of(position, color[:, :3])
