"""Spherical harmonics against Legendre functions, by their orthonormality, and by known constants."""

import math

import numpy
import pytest
import scipy.special
import torch
from omnifield.ops import spherical_harmonics


def directions(n: int, generator: torch.Generator) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(n, 3, generator=generator, dtype=torch.float64), dim=-1)


def by_definition(band: int, m: int, x: float, y: float, z: float) -> float:
    """The real harmonic from the complex one; scipy's Legendre function carries the Condon-Shortley sign."""
    order = abs(m)
    norm = (2 * band + 1) / (4 * math.pi) * math.factorial(band - order) / math.factorial(band + order)
    angle = order * math.atan2(y, x)
    real = math.sqrt(norm) * scipy.special.lpmv(order, band, z)
    if m == 0:
        return real
    return math.sqrt(2) * real * (math.cos(angle) if m > 0 else math.sin(angle))


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
def test_equals_the_definition(degree, generator):
    points = directions(40, generator)
    orders = [(band, m) for band in range(degree) for m in range(-band, band + 1)]
    expected = [[by_definition(*order, *point) for order in orders] for point in points.tolist()]
    torch.testing.assert_close(
        spherical_harmonics(points, degree), torch.tensor(expected).double(), rtol=0, atol=1e-7
    )


def test_orthonormal_on_the_sphere():
    # Gauss-Legendre in z and equal steps around it: exact for the products of degree 6.
    z, weight = map(torch.from_numpy, numpy.polynomial.legendre.leggauss(8))
    around = torch.arange(16, dtype=torch.float64) * (2 * math.pi / 16)
    radius = (1 - z * z).sqrt()[:, None]
    x, y = radius * around.cos(), radius * around.sin()
    points = torch.stack([x, y, z[:, None].expand_as(x)], -1).reshape(-1, 3)
    harmonics = spherical_harmonics(points)
    area = (weight[:, None] * (2 * math.pi / 16)).expand_as(x).reshape(-1, 1)
    torch.testing.assert_close(harmonics.T @ (area * harmonics), torch.eye(16).double())


def test_known_values_along_the_axes():
    """tiny-cuda-nn's constants where a single one survives."""
    x, y, z = spherical_harmonics(torch.eye(3))
    assert x[[0, 3, 8, 13, 15]].tolist() == pytest.approx(
        [0.28209479, -0.48860251, 0.54627422, 0.4570458, -0.59004359]
    )
    assert y[[1, 8, 9, 11]].tolist() == pytest.approx([-0.48860251, -0.54627422, 0.59004359, 0.4570458])
    assert z[[2, 6, 12]].tolist() == pytest.approx([0.48860251, 0.63078313, 0.74635267])


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
def test_gradient_also_off_the_sphere(degree, generator):
    points = torch.randn(5, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda d: spherical_harmonics(d, degree), (points,))


def test_nothing_is_normalised(generator):
    points = directions(3, generator)
    torch.testing.assert_close(
        spherical_harmonics(2 * points)[:, 1:4], 2 * spherical_harmonics(points)[:, 1:4]
    )
