"""From samples along rays to what the rays see: weights, sums per ray, and a way to keep only some samples.

Samples are packed: `offsets` (rays + 1) rises from 0 to the number of samples, and ray i owns the samples
offsets[i] to offsets[i + 1], near to far. A ray may own none.
"""

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor

from .backend import Op
from .check import check_dtype, check_shape

STOP = 1e-4  # transmittance below which a ray has ended


def check_ray_weights(density: Tensor, dt: Tensor, offsets: Tensor) -> None:
    check_shape("ray_weights", "density", density, (None,))
    check_shape("ray_weights", "dt", dt, (len(density),))
    check_shape("ray_weights", "offsets", offsets, (None,))
    check_dtype("ray_weights", "offsets", offsets, torch.int64)


def check_visible(op: str, visible: float) -> None:
    if not visible >= 0:
        raise ValueError(f"{op}: visible is a weight from 0 on, not {visible}.")


def check_pass_through(
    density: Tensor, t: Tensor, dt: Tensor, offsets: Tensor, *, light: Tensor, visible: float
) -> None:
    check_visible("pass_through", visible)
    check_shape("pass_through", "density", density, (None,))
    check_shape("pass_through", "t", t, (len(density),))
    check_shape("pass_through", "dt", dt, (len(density),))
    check_shape("pass_through", "offsets", offsets, (None,))
    check_shape("pass_through", "light", light, (max(len(offsets) - 1, 0),))
    check_dtype("pass_through", "offsets", offsets, torch.int64)


def check_accumulate(values: Tensor, weights: Tensor, offsets: Tensor) -> None:
    check_shape("accumulate", "values", values, (None, None))
    check_shape("accumulate", "weights", weights, (len(values),))
    check_shape("accumulate", "offsets", offsets, (None,))
    check_dtype("accumulate", "offsets", offsets, torch.int64)


def check_take_rows(values: Tensor, rows: Tensor) -> None:
    check_shape("take_rows", "values", values, (None, None))
    check_shape("take_rows", "rows", rows, (None,))
    check_dtype("take_rows", "rows", rows, torch.int64)


@Op
def ray_weights(
    density: Float[Tensor, "n"], dt: Float[Tensor, "n"], offsets: Int64[Tensor, "rays_1"], stop: float = STOP
) -> Float[Tensor, "n"]:
    """How much each sample contributes to its ray's colour (Max 1995; Mildenhall et al. 2020, Eq. 3):

    w_i = T_i (1 − exp(−σ_i δ_i)),   T_i = exp(−Σ_{j<i} σ_j δ_j),

    with densities σ ≥ 0 per unit length and lengths δ = `dt`. A ray ends at its first sample with T_i <
    `stop`: from there on weights and gradients are exactly zero, whatever the density. Before that a NaN
    stays NaN for the rest of its own ray, and an infinite density is fully opaque. Differentiable in density
    only: ∂L/∂σ_i = δ_i (T_{i+1} g_i − Σ_{j>i} w_j g_j). Raises ValueError if sizes or offsets do not fit.
    """
    check_ray_weights(density, dt, offsets)
    ray = _ray_of_sample("ray_weights", offsets, len(density))
    depth = _depth_until(density, dt.detach(), ray, torch.ones_like(dt), stop)
    return torch.exp(-_sum_before(depth, ray)) * -torch.expm1(-depth)


def _depth_until(density: Tensor, dt: Tensor, ray: Tensor, light: Tensor, stop: float) -> Float[Tensor, "n"]:
    """The optical depth of every sample, 0 behind the end of its ray; `light` is what came to the ray's first one."""
    with torch.no_grad():
        ended = (light * torch.exp(-_sum_before(density * dt, ray)) < stop).to(density.dtype)
        alive = ended + _sum_before(ended, ray) == 0
    # Masked before the exponentials: what lies behind the end must not reach the gradient, even as 0 · NaN.
    return torch.where(alive, density * dt, 0)


@Op
@torch.no_grad()
def pass_through(
    density: Float[Tensor, "n"],
    t: Float[Tensor, "n"],
    dt: Float[Tensor, "n"],
    offsets: Int64[Tensor, "rays_1"],
    light: Float[Tensor, "rays"],
    visible: float,
    stop: float = STOP,
) -> tuple[
    Int64[Tensor, "m"],
    Float[Tensor, "m"],
    Int64[Tensor, "rays_1"],
    Float[Tensor, "rays weight_distance_seen=3"],
    Float[Tensor, "rays"],
]:
    """What rays see in their next samples, if `light` is the transmittance in front of them; without gradients.

    The samples with a weight (see `ray_weights`) above `visible`, their weights, and where those of each ray begin;
    the sums Σ w, Σ w·t and Σ w of the visible ones; and the transmittance behind the samples, or at a ray's end.
    Raises ValueError if sizes or offsets do not fit.
    """
    check_pass_through(density, t, dt, offsets, light=light, visible=visible)
    ray = _ray_of_sample("pass_through", offsets, len(density))
    before = light.index_select(0, ray)
    depth = _depth_until(density, dt, ray, before, stop)
    weights = before * torch.exp(-_sum_before(depth, ray)) * -torch.expm1(-depth)
    seen = weights > visible
    rows = seen.nonzero()[:, 0]
    parts = torch.stack([torch.ones_like(t), t, seen.to(t)], -1)
    through = torch.exp(-accumulate.reference(depth[:, None], torch.ones_like(t), offsets)[:, 0])
    sums = accumulate.reference(parts, weights, offsets)
    return rows, weights[rows], torch.searchsorted(rows, offsets), sums, light * through


@Op
def accumulate(
    values: Float[Tensor, "n channel"], weights: Float[Tensor, "n"], offsets: Int64[Tensor, "rays_1"]
) -> Float[Tensor, "rays channel"]:
    """The sum over each ray's samples of w_i v_i: a colour, a depth, a feature.

    A ray without samples sums to zero. Differentiable in values and weights. Raises ValueError if sizes or
    offsets do not fit.
    """
    check_accumulate(values, weights, offsets)
    ray = _ray_of_sample("accumulate", offsets, len(values))
    sums = torch.zeros(len(offsets) - 1, values.shape[1], dtype=values.dtype, device=values.device)
    return sums.index_add(0, ray, weights[:, None] * values)


@Op
def take_rows(values: Float[Tensor, "n channel"], rows: Int64[Tensor, "m"]) -> Float[Tensor, "m channel"]:
    """The rows of `values` named by `rows`, which ascend, so that none is taken twice.

    Its gradient is then written where it belongs and zero elsewhere: nothing is added up, so no atomics and
    the same bits every time. Raises ValueError if a row does not exist or the rows do not ascend.
    """
    check_take_rows(values, rows)
    if len(rows) and (rows[0] < 0 or rows[-1] >= len(values) or (rows.diff() <= 0).any()):
        raise ValueError(f"take_rows: rows must ascend strictly, from 0 to at most {len(values) - 1}.")
    return values.index_select(0, rows)


def _ray_of_sample(op: str, offsets: Int64[Tensor, "rays_1"], samples: int) -> Int64[Tensor, "n"]:
    counts = offsets.diff()
    if len(offsets) == 0 or offsets[0] != 0 or offsets[-1] != samples or (counts < 0).any():
        raise ValueError(f"{op}: offsets must rise from 0 to the number of samples, {samples}.")
    return torch.repeat_interleave(counts, output_size=samples)


def _sum_before(x: Float[Tensor, "n"], ray: Int[Tensor, "n"]) -> Float[Tensor, "n"]:
    """Sum over the samples before each one on its ray, by doubling strides.

    One running sum over all rays, with each ray's start subtracted, would lose digits and let a NaN or an
    infinity of one ray into the next.
    """
    if len(ray) == 0:
        return x
    longest, stride = int(ray.bincount().max()), 1
    total = _from_before(x, ray, 1)
    while stride < longest:
        total = total + _from_before(total, ray, stride)
        stride *= 2
    return total


def _from_before(x: Float[Tensor, "n"], ray: Int[Tensor, "n"], stride: int) -> Float[Tensor, "n"]:
    """The value `stride` samples earlier on the same ray, zero where the ray has none."""
    same = ray[stride:] == ray[:-stride]
    return torch.nn.functional.pad(torch.where(same, x[:-stride], 0), (stride, 0))
