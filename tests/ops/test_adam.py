"""Adam against torch's on dense gradients and against a loop on sparse ones; float64 is the reference."""

import math

import pytest
import torch
from omnifield.ops import AdamStep, adam_step, all_finite

BOTH = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["reference", "kernel"])


class State:
    def __init__(self, parameter: torch.Tensor) -> None:
        self.parameter = parameter.clone()
        self.first, self.second = torch.zeros_like(parameter), torch.zeros_like(parameter)
        self.steps = torch.zeros(len(parameter), dtype=torch.int32)

    def step(self, gradient: torch.Tensor, rates: AdamStep) -> None:
        adam_step(self.parameter, gradient.clone(), self.first, self.second, self.steps, rates)


def normal(generator, dtype, *shape) -> torch.Tensor:
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)


@BOTH
@pytest.mark.parametrize("betas", [(0.9, 0.99), (0.9, 0.999), (0.5, 0.9999)])
def test_dense_gradients_equal_torch(generator, dtype, betas):
    start = normal(generator, dtype, 300, 3)
    state, theirs = State(start), start.double().requires_grad_()
    optimiser = torch.optim.Adam([theirs], lr=0.02, betas=betas, eps=1e-8)
    for _ in range(6):
        gradient = normal(generator, dtype, 300, 3)
        state.step(gradient, AdamStep(0.02, *betas, 1e-8))
        theirs.grad = gradient.double()
        optimiser.step()
    torch.testing.assert_close(state.parameter.double(), theirs.detach(), rtol=1e-6, atol=1e-6)
    assert state.steps.eq(6).all()


def by_loop(parameter, gradients, rates):
    """One row's features after its own steps."""
    result = []
    for f, theta in enumerate(parameter):
        m = v = 0.0
        for t, gradient in enumerate(gradients, start=1):
            m = rates.beta1 * m + (1 - rates.beta1) * gradient[f]
            v = rates.beta2 * v + (1 - rates.beta2) * gradient[f] ** 2
            unbiased = m / (1 - rates.beta1**t), v / (1 - rates.beta2**t)
            theta -= rates.lr * unbiased[0] / (math.sqrt(unbiased[1]) + rates.eps)
        result.append(theta)
    return result


@BOTH
@pytest.mark.parametrize("features", [1, 2, 4, 5, 8])
def test_sparse_gradients_equal_a_loop_over_each_row(generator, dtype, features):
    rows, rates = 70, AdamStep(lr=0.1)
    start = normal(generator, dtype, rows, features)
    state, seen = State(start), [[] for _ in range(rows)]
    for _ in range(5):
        gradient = normal(generator, dtype, rows, features)
        gradient[torch.rand(rows, generator=generator) < 0.6] = 0
        state.step(gradient, rates)
        for row in gradient.any(-1).nonzero().flatten().tolist():
            seen[row].append(gradient[row].tolist())
    expected = [by_loop(start[row].tolist(), seen[row], rates) for row in range(rows)]
    torch.testing.assert_close(
        state.parameter.double(), torch.tensor(expected).double(), rtol=1e-6, atol=2e-6
    )
    assert state.steps.tolist() == [len(gradients) for gradients in seen]


@BOTH
def test_a_row_without_gradient_keeps_every_bit(generator, dtype):
    state = State(normal(generator, dtype, 3, 4))
    state.step(normal(generator, dtype, 3, 4), AdamStep(0.1))
    before = [x.clone() for x in (state.parameter, state.first, state.second, state.steps)]
    gradient = torch.zeros(3, 4, dtype=dtype)
    gradient[0] = -0.0
    gradient[2, 3] = 1e-30  # one feature is enough to be seen
    state.step(gradient, AdamStep(0.1))
    after = (state.parameter, state.first, state.second, state.steps)
    assert all(torch.equal(a[:2], b[:2]) for a, b in zip(after, before, strict=True))
    assert state.steps.tolist() == [1, 1, 2]
    assert not torch.equal(state.first[2], before[1][2])


@BOTH
def test_a_nan_is_not_taken_for_zero(dtype):
    state = State(torch.ones(2, 2, dtype=dtype))
    gradient = torch.tensor([[math.nan, 0], [0, 0]], dtype=dtype)
    state.step(gradient, AdamStep(0.1))
    assert state.parameter[0, 0].isnan() and state.parameter[1].tolist() == [1, 1]
    assert state.steps.tolist() == [1, 0]


@BOTH
def test_the_first_step_is_lr_long_whatever_the_gradient(dtype):
    gradient = torch.tensor([[1e-12], [-3.0], [1e6]], dtype=dtype)
    state = State(torch.zeros(3, 1, dtype=dtype))
    state.step(gradient, AdamStep(0.5, 0.9, 0.999, 0.0))
    torch.testing.assert_close(state.parameter, -0.5 * gradient.sign())


@BOTH
def test_an_old_row_needs_no_correction(dtype):
    state = State(torch.zeros(1, 1, dtype=dtype))
    state.steps += 2_000_000_000
    state.second += 4.0
    state.step(torch.full((1, 1), 2.0, dtype=dtype), AdamStep(1.0))
    assert state.parameter.item() == pytest.approx(-0.1, rel=1e-6)


@BOTH
def test_a_parameter_that_requires_grad_is_updated_and_autograd_knows(dtype):
    leaf = torch.nn.Parameter(torch.ones(2, 2, dtype=dtype))
    used = (leaf * leaf).sum()
    state = State(leaf.detach())
    adam_step(leaf, torch.ones(2, 2, dtype=dtype), state.first, state.second, state.steps, AdamStep(0.1))
    assert leaf.requires_grad and (leaf < 1).all()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        used.backward()


@BOTH
@pytest.mark.parametrize("shape", [(0, 4), (3, 0)])
def test_empty_tables(dtype, shape):
    State(torch.zeros(shape, dtype=dtype)).step(torch.zeros(shape, dtype=dtype), AdamStep(0.1))


@BOTH
@pytest.mark.parametrize("wrong", [math.nan, -math.nan, math.inf, -math.inf])
def test_one_value_that_is_not_finite_is_found_anywhere(dtype, wrong):
    """Also behind the first task of a kernel; the largest and the smallest numbers are finite."""
    values = torch.full((70_001, 2), torch.finfo(dtype).max, dtype=dtype)
    values[1::2] = -5e-324 if dtype == torch.float64 else -1e-45
    assert all_finite(values)
    for place in (0, 70_000, 140_001):
        kept = values.view(-1)[place].item()
        values.view(-1)[place] = wrong
        assert not all_finite(values)
        values.view(-1)[place] = kept
    assert all_finite(values[:0])
