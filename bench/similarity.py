"""Two sets of positions that are the same but for a similarity, and how far they are not."""

import torch
from jaxtyping import Float
from torch import Tensor

Positions = Float[Tensor, "camera xyz=3"]


def distances_after_similarity(found: Positions, true: Positions) -> Float[Tensor, "camera"]:
    """From the true positions, in their units, after the rotation, scale and move that make the sum of their squares
    least (Umeyama, Least-squares estimation of transformation parameters between two point patterns, PAMI 1991)."""
    one, other = found - found.mean(0), true - true.mean(0)
    u, spread, v = torch.linalg.svd(other.T @ one)
    turn = torch.ones(3, dtype=found.dtype)
    turn[2] = torch.sign(torch.linalg.det(u @ v))  # no reflection
    scale = (spread * turn).sum() / one.square().sum()
    return (other - scale * one @ (u @ turn.diag() @ v).T).norm(dim=-1)


def extent(positions: Positions) -> float:
    """The distance of the two that are farthest apart."""
    return torch.cdist(positions, positions).max().item()
