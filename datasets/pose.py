"""One camera's pose as a file has it: rigid, or refused in words."""

import torch
from jaxtyping import Float
from torch import Tensor

from .document import Document

RIGID_TOLERANCE = 5e-3  # poses of trackers and text files with few digits are this far from orthonormal


def read_pose(frame: Document) -> Float[Tensor, "row=4 column=4"]:
    """`transform_matrix`, camera to world, its rotation made exactly orthonormal, in float64.

    Raises ValueError where it is not rigid: the rays of a scaled or mirrored camera miss their pixels.
    """
    return made_rigid(frame.matrix("transform_matrix"), frame.locate("transform_matrix"))


def made_rigid(pose: Float[Tensor, "row=4 column=4"], where: str) -> Float[Tensor, "row=4 column=4"]:
    """A pose with its rotation made exactly orthonormal. Raises ValueError that names `where` as `read_pose`."""
    rotation = pose[:3, :3]
    gram = rotation.T @ rotation
    if (gram - torch.eye(3)).abs().max() > RIGID_TOLERANCE:
        raise ValueError(f"{where} is not a rigid pose: {_fault(gram)}.")
    if torch.linalg.det(rotation) < 0:
        raise ValueError(f"{where} is not a rigid pose: it mirrors (its determinant is negative).")
    left, _, right = torch.linalg.svd(rotation)
    pose[:3, :3] = left @ right
    return pose


def _fault(gram: Float[Tensor, "row=3 column=3"]) -> str:
    lengths = gram.diagonal().sqrt()
    if (lengths - 1).abs().max() < RIGID_TOLERANCE / 2:
        return "its axes are not at right angles"
    return "its axes have lengths " + ", ".join(f"{length:.3g}" for length in lengths.tolist()) + " and not 1"
