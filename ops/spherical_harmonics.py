"""Real spherical harmonics of a direction, in tiny-cuda-nn's order and signs."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from .backend import Op
from .check import check_shape

MAX_DEGREE = 4


def check_directions(directions: Tensor, degree: int) -> None:
    check_shape("spherical_harmonics", "directions", directions, (None, 3))
    if not 1 <= degree <= MAX_DEGREE:
        raise ValueError(f"spherical_harmonics: the degree is 1 to {MAX_DEGREE}, not {degree}.")


@Op
def spherical_harmonics(
    directions: Float[Tensor, "n xyz=3"], degree: int = MAX_DEGREE
) -> Float[Tensor, "n coefficient"]:
    """The degree² real harmonics Y_l^m of unit directions (x, y, z): l below `degree`, each m from −l to l.

    They are the polynomials of Sloan 2013 ("Efficient Spherical Harmonic Evaluation", JCGT 2(2), appendix A1,
    with the Condon-Shortley sign), orthonormal on the sphere: ∫ Y_i Y_j dω = δ_ij. Directions are taken as
    given: none is normalised, so the gradient is that of the polynomials. Raises ValueError if the degree is
    not 1 to 4.
    """
    check_directions(directions, degree)
    x, y, z = directions.unbind(-1)
    xx, yy, zz = x * x, y * y, z * z
    harmonics = [
        0 * x + _root(1) / 2,  # constant, and still with a gradient: zero
        -_root(3) / 2 * y,
        _root(3) / 2 * z,
        -_root(3) / 2 * x,
        _root(15) / 2 * x * y,
        -_root(15) / 2 * y * z,
        _root(5) / 4 * (3 * zz - 1),
        -_root(15) / 2 * x * z,
        _root(15) / 4 * (xx - yy),
        _root(35, 2) / 4 * y * (yy - 3 * xx),
        _root(105) / 2 * x * y * z,
        _root(21, 2) / 4 * y * (1 - 5 * zz),
        _root(7) / 4 * z * (5 * zz - 3),
        _root(21, 2) / 4 * x * (1 - 5 * zz),
        _root(105) / 4 * z * (xx - yy),
        _root(35, 2) / 4 * x * (3 * yy - xx),
    ]
    return torch.stack(harmonics[: degree**2], -1)


def _root(numerator: int, denominator: int = 1) -> float:
    return math.sqrt(numerator / denominator / math.pi)
