"""How a lens bends light: from an ideal position on the sensor to the observed one, and back."""

from enum import Enum

import torch
from jaxtyping import Float
from torch import Tensor

UNDISTORT_ITERATIONS = 12
LARGEST_STEP = 0.5  # of Newton's method, in focal lengths
CONE_RADIUS_PER_PIXEL = 2 / 12**0.5


class Lens(Enum):
    """How the direction of a ray bends on its way to the sensor."""

    PERSPECTIVE = "perspective"  # OpenCV: radial k1..k4, tangential p1, p2; all zero is a pinhole
    FISHEYE = "fisheye"  # OpenCV's equidistant model: θ_d = θ(1 + k1θ² + k2θ⁴ + k3θ⁶ + k4θ⁸)


def direction_of(
    x: Float[Tensor, "ray"], y: Float[Tensor, "ray"], lens: Lens
) -> tuple[Float[Tensor, "ray"], Float[Tensor, "ray"], Float[Tensor, "ray"]]:
    """Camera-space direction of an undistorted sensor position (OpenCV's y points down, ours up)."""
    if lens is Lens.PERSPECTIVE:
        return x, -y, -torch.ones_like(x)
    theta = torch.hypot(x, y)
    scale = torch.where(theta < 1e-8, 1.0, theta.sin() / theta.clamp_min(1e-8))
    return x * scale, -y * scale, -theta.cos()


def distort(
    sensor: Float[Tensor, "ray xy=2"], distortion: Float[Tensor, "ray coefficient=6"], lens: Lens
) -> Float[Tensor, "ray xy=2"]:
    """OpenCV's forward model, from ideal to observed sensor position (both divided by the focal length)."""
    k1, k2, k3, k4, p1, p2 = distortion.unbind(-1)
    x, y = sensor.unbind(-1)
    r2 = x * x + y * y  # the fisheye's ideal position has length θ, so r2 is θ² there
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * (k3 + r2 * k4)))
    if lens is Lens.FISHEYE:
        return sensor * radial[:, None]
    dx = 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    dy = p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    return torch.stack([x * radial + dx, y * radial + dy], -1)


def undistort(
    sensor: Float[Tensor, "ray xy=2"], distortion: Float[Tensor, "ray coefficient=6"], lens: Lens
) -> Float[Tensor, "ray xy=2"]:
    """Inverse of `distort` by Newton's method, in float64 so that the last digits of a pixel hold.

    Beyond the radius at which the polynomial turns back there is no inverse: the answer there is only finite.
    """
    observed, coefficients = sensor.double(), distortion.double()
    ideal = observed.clone()
    for _ in range(UNDISTORT_ITERATIONS):
        residual = distort(ideal, coefficients, lens) - observed
        ideal = ideal - _solve(_jacobian(ideal, coefficients, lens), residual).clamp(
            -LARGEST_STEP, LARGEST_STEP
        )
    return ideal.to(sensor.dtype)


def _solve(
    matrix: Float[Tensor, "ray row=2 column=2"], right: Float[Tensor, "ray row=2"]
) -> Float[Tensor, "ray column=2"]:
    """Cramer's rule: faster than LAPACK on many small systems, and a singular one stops no others."""
    (a, b), (c, d) = (row.unbind(-1) for row in matrix.unbind(-2))
    determinant = a * d - b * c
    determinant = torch.where(determinant.abs() < 1e-9, 1e-9, determinant)
    x, y = right.unbind(-1)
    return torch.stack([d * x - b * y, a * y - c * x], -1) / determinant[:, None]


def _jacobian(
    sensor: Float[Tensor, "ray xy=2"], distortion: Float[Tensor, "ray coefficient=6"], lens: Lens
) -> Float[Tensor, "ray observed=2 ideal=2"]:
    k1, k2, k3, k4, p1, p2 = distortion.unbind(-1)
    if lens is Lens.FISHEYE:
        p1, p2 = torch.zeros_like(p1), torch.zeros_like(p2)
    x, y = sensor.unbind(-1)
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * (k3 + r2 * k4)))
    slope = 2 * (k1 + r2 * (2 * k2 + r2 * (3 * k3 + r2 * 4 * k4)))  # d radial / d r2, times 2
    xx = radial + slope * x * x + 2 * p1 * y + 6 * p2 * x
    xy = slope * x * y + 2 * p1 * x + 2 * p2 * y
    yy = radial + slope * y * y + 6 * p1 * y + 2 * p2 * x
    return torch.stack([torch.stack([xx, xy], -1), torch.stack([xy, yy], -1)], -2)
