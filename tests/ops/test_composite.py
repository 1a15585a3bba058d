"""Compositing against a loop over each ray; float64 runs the reference, float32 the kernel."""

import math
from itertools import pairwise

import pytest
import torch
from omnifield.ops import accumulate, pass_through, ray_rows, ray_sums, ray_weights, take_rows

BOTH = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["reference", "kernel"])
OFFSETS = torch.tensor([0, 0, 3, 4, 4, 11, 40, 40])


def weights_by_loop(density, dt, offsets, stop):
    """Weights by the equations, and a function from their gradient to that of the density."""
    weights, after = [0.0] * len(density), [None] * len(density)
    for begin, end in pairwise(offsets):
        transmittance = 1.0
        for i in range(begin, end):
            if transmittance < stop:
                break
            alpha = 1 - math.exp(-density[i] * dt[i])
            weights[i] = transmittance * alpha
            transmittance *= 1 - alpha
            after[i] = transmittance

    def gradient(g):
        result = [0.0] * len(density)
        for begin, end in pairwise(offsets):
            for i in range(begin, end):
                if after[i] is not None:
                    behind = sum(weights[j] * g[j] for j in range(i + 1, end))
                    result[i] = dt[i] * (after[i] * g[i] - behind)
        return result

    return weights, gradient


def samples(generator, dtype, density=100.0):
    sigma = density * torch.rand(40, generator=generator, dtype=torch.float64)
    dt = 0.05 * torch.rand(40, generator=generator, dtype=torch.float64)
    g = torch.randn(40, generator=generator, dtype=torch.float64)
    return sigma.to(dtype).requires_grad_(), dt.to(dtype), g.to(dtype)


@BOTH
@pytest.mark.parametrize("stop", [0.0, 1e-4, 0.1])
def test_weights_and_gradient_equal_a_loop(generator, dtype, stop):
    density, dt, g = samples(generator, dtype)
    weights = ray_weights(density, dt, OFFSETS, stop)
    (gradient,) = torch.autograd.grad(weights, density, g)
    expected, gradient_of = weights_by_loop(density.tolist(), dt.tolist(), OFFSETS.tolist(), stop)
    torch.testing.assert_close(
        weights.detach().double(), torch.tensor(expected).double(), rtol=1e-6, atol=1e-6
    )
    expected_gradient = torch.tensor(gradient_of(g.tolist())).double()
    torch.testing.assert_close(gradient.double(), expected_gradient, rtol=1e-6, atol=1e-7)
    assert ((weights == 0) == (torch.tensor(expected) == 0)).all()
    assert (gradient[expected_gradient == 0] == 0).all()


@BOTH
@pytest.mark.parametrize("stop", [0.0, 1e-4, 0.1])
def test_samples_passed_in_parts_weigh_what_they_weigh_at_once(generator, dtype, stop):
    density, dt, t = (x.detach() for x in samples(generator, dtype))
    weights = ray_weights(density, dt, OFFSETS, stop)
    counts, light = OFFSETS.diff(), torch.ones(7, dtype=dtype)
    sums, seen, begin = torch.zeros(7, 3, dtype=dtype), torch.zeros(40, dtype=dtype), OFFSETS[:-1]
    while (begin < OFFSETS[1:]).any():
        count = (OFFSETS[1:] - begin).clamp(max=3)
        rows = torch.cat(
            [torch.arange(b, b + c) for b, c in zip(begin.tolist(), count.tolist(), strict=True)]
        )
        ends = torch.nn.functional.pad(count.cumsum(0), (1, 0))
        visible, weight, of_ray, more, light = pass_through(
            density[rows], t[rows], dt[rows], ends, light, 0.01, stop
        )
        seen[rows[visible]] = weight
        counts, sums, begin = counts - of_ray.diff(), sums + more, begin + count
    expected = torch.where(weights > 0.01, weights, 0)
    torch.testing.assert_close(seen, expected)
    parts = torch.stack([torch.ones_like(t), t, (expected > 0).to(dtype)], -1)
    torch.testing.assert_close(sums, accumulate(parts, weights, OFFSETS), rtol=1e-5, atol=1e-6)
    assert counts.sum() == 40 - (expected > 0).sum()
    if stop == 0:
        depth = accumulate((density * dt)[:, None], torch.ones_like(t), OFFSETS)[:, 0]
        torch.testing.assert_close(light, torch.exp(-depth))


@BOTH
def test_an_invisible_weight_is_refused_below_zero(dtype):
    none, offsets = torch.zeros(0, dtype=dtype), torch.zeros(1, dtype=torch.int64)
    with pytest.raises(ValueError, match="pass_through: visible"):
        pass_through(none, none, none, offsets, none, -1.0)
    with pytest.raises(ValueError, match="ray_sums: visible"):
        ray_sums(none, none, none, offsets, -1.0)


@BOTH
@pytest.mark.parametrize("stop", [0.0, 1e-4, 0.1])
def test_sums_and_what_is_visible_equal_the_ops_they_stand_for(generator, dtype, stop):
    """Values, and the gradient of all results together, with only some samples visible."""
    density, dt, g = samples(generator, dtype)
    t = torch.rand(40, generator=generator).to(dtype)
    every, rows, weights, ends, sums = ray_sums(density, t, dt, OFFSETS, 0.01, stop)
    expected = ray_weights(density, dt, OFFSETS, stop)
    seen = expected.detach() > 0.01
    parts = torch.stack([torch.ones_like(t), t, seen.to(dtype)], -1)
    expected_sums = accumulate(parts, expected, OFFSETS)
    assert 0 < len(rows) < 40 and torch.equal(rows, seen.nonzero()[:, 0])
    assert torch.equal(ends, torch.searchsorted(rows, OFFSETS))
    torch.testing.assert_close(every, expected)
    torch.testing.assert_close(weights, expected[rows])
    torch.testing.assert_close(sums, expected_sums)
    of_sums = torch.randn(7, 3, generator=generator).to(dtype)
    found = (every * g).sum() + (weights * g[rows] ** 2).sum() + (sums * of_sums).sum()
    wanted = (expected * g).sum() + (expected[rows] * g[rows] ** 2).sum() + (expected_sums * of_sums).sum()
    (gradient,), (expected_gradient,) = (torch.autograd.grad(each, density) for each in (found, wanted))
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rows_of", [ray_rows, ray_rows.reference], ids=["kernel", "reference"])
def test_rows_run_on_from_where_each_ray_begins(rows_of):
    begin, ends = torch.tensor([7, 3, 20]), torch.tensor([0, 2, 2, 5])
    assert rows_of(begin, ends).tolist() == [7, 8, 20, 21, 22]
    for wrong in ([1, 2, 2, 5], [0, 3, 2, 5]):
        with pytest.raises(ValueError, match="ray_rows: offsets must rise"):
            rows_of(begin, torch.tensor(wrong))


@pytest.mark.parametrize("stop", [0.0, 1e-4, 0.1])
def test_sums_gradcheck(generator, stop):
    density, dt, _ = samples(generator, torch.float64)
    t = torch.rand(40, generator=generator, dtype=torch.float64)

    def differentiable(d):
        every, _, weights, _, sums = ray_sums(d, t, dt, OFFSETS, 0.01, stop)
        return every, weights, sums

    assert torch.autograd.gradcheck(differentiable, (density,))


@pytest.mark.parametrize("stop", [0.0, 1e-4, 0.1])
def test_weights_gradcheck(generator, stop):
    density, dt, _ = samples(generator, torch.float64)
    assert torch.autograd.gradcheck(lambda d: ray_weights(d, dt, OFFSETS, stop), (density,))


@BOTH
def test_thin_fog_keeps_its_digits(dtype):
    density = torch.full((40,), 1e-5, dtype=dtype)
    weights = ray_weights(density, torch.full_like(density, 1e-4), OFFSETS)
    torch.testing.assert_close(weights, torch.full_like(density, 1e-9), rtol=1e-6, atol=0)


@BOTH
def test_weights_and_what_is_left_sum_to_one(generator, dtype):
    density, dt, _ = samples(generator, dtype, density=1000.0)
    sums = accumulate(torch.ones(40, 1, dtype=dtype), ray_weights(density, dt, OFFSETS, 0.0), OFFSETS)[:, 0]
    depth = accumulate((density * dt)[:, None], torch.ones(40, dtype=dtype), OFFSETS)[:, 0]
    torch.testing.assert_close(sums, 1 - torch.exp(-depth))


@BOTH
def test_an_infinite_density_is_opaque_and_nan_stays_on_its_ray(dtype):
    inf, nan = math.inf, math.nan
    density = torch.tensor([1.0, inf, 1.0, nan, 2.0, 1.0, nan, 3.0], dtype=dtype, requires_grad=True)
    offsets = torch.tensor([0, 4, 5, 8])
    weights = ray_weights(density, torch.full((8,), 0.5, dtype=dtype), offsets)
    first = 1 - math.exp(-0.5)
    expected = [first, 1 - first, 0, 0, 1 - math.exp(-1), first, nan, nan]
    torch.testing.assert_close(weights, torch.tensor(expected, dtype=dtype), equal_nan=True)
    (gradient,) = torch.autograd.grad(weights, density, torch.ones_like(weights))
    assert gradient[1:4].tolist() == [0, 0, 0]
    assert gradient[4].isfinite() and gradient[5:].isnan().all()


@BOTH
def test_what_lies_behind_the_end_has_no_part(generator, dtype):
    density, dt, g = samples(generator, dtype, density=2000.0)
    weights = ray_weights(density, dt, OFFSETS)
    hidden = weights == 0
    assert hidden.sum() > 10
    other = torch.where(hidden, math.nan, density.detach()).requires_grad_()
    assert torch.equal(ray_weights(other, dt, OFFSETS), weights)
    (gradient,) = torch.autograd.grad(weights, density, g)
    (other_gradient,) = torch.autograd.grad(ray_weights(other, dt, OFFSETS), other, g)
    assert torch.equal(gradient, other_gradient) and (gradient[hidden] == 0).all()


@BOTH
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_accumulate_equals_a_loop(generator, dtype, channels):
    values = torch.randn(40, channels, generator=generator).to(dtype)
    weights = torch.rand(40, generator=generator).to(dtype)
    sums = accumulate(values, weights, OFFSETS)
    for ray, (begin, end) in enumerate(pairwise(OFFSETS.tolist())):
        expected = torch.zeros(channels, dtype=dtype)
        for i in range(begin, end):
            expected += weights[i] * values[i]
        torch.testing.assert_close(sums[ray], expected)


def test_accumulate_gradcheck(generator):
    values = torch.randn(40, 2, generator=generator, dtype=torch.float64, requires_grad=True)
    weights = torch.rand(40, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v, w: accumulate(v, w, OFFSETS), (values, weights))


def test_take_rows_gradcheck(generator):
    values = torch.randn(7, 2, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: take_rows(v, torch.tensor([0, 2, 3, 6])), (values,))


@BOTH
def test_take_rows_writes_its_gradient_where_it_took(dtype):
    values = torch.arange(10, dtype=dtype).reshape(5, 2).requires_grad_()
    taken = take_rows(values, torch.tensor([1, 4]))
    assert taken.tolist() == [[2, 3], [8, 9]]
    taken.backward(torch.tensor([[1, 2], [3, 4]], dtype=dtype))
    assert values.grad is not None
    assert values.grad.tolist() == [[0, 0], [1, 2], [0, 0], [0, 0], [3, 4]]


@BOTH
@pytest.mark.parametrize("rays", [0, 1, 5])
def test_no_samples(dtype, rays):
    offsets, none = torch.zeros(rays + 1, dtype=torch.int64), torch.zeros(0, dtype=dtype)
    assert ray_weights(none, none, offsets).shape == (0,)
    assert torch.equal(accumulate(none.reshape(0, 3), none, offsets), torch.zeros(rays, 3, dtype=dtype))
    assert take_rows(none.reshape(0, 3), offsets[:0]).shape == (0, 3)
