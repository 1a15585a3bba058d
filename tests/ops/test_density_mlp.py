import math

import pytest
import torch
from omnifield.ops import density_mlp, mlp

SIDE = 4.0
BOTH = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["reference", "kernel"])


@BOTH
def test_the_first_output_is_the_logarithm_of_the_density(generator, dtype):
    inputs = torch.randn(130, 5, generator=generator).to(dtype)
    weights = [
        torch.randn(7, 5, generator=generator).to(dtype),
        torch.randn(3, 7, generator=generator).to(dtype),
    ]
    density, outputs = density_mlp(inputs, weights, SIDE)
    torch.testing.assert_close(outputs, mlp(inputs, weights))
    torch.testing.assert_close(density, outputs[:, 0].clamp_max(15).exp() / SIDE, rtol=1e-5, atol=0)


@BOTH
def test_a_large_logarithm_is_clamped_in_value_and_gradient(dtype):
    inputs = torch.tensor([[2.0], [15.0], [20.0], [1e30], [math.nan]], dtype=dtype, requires_grad=True)
    density, _ = density_mlp(inputs, [torch.ones(1, 1, dtype=dtype)], SIDE)
    expected = torch.tensor([2.0, 15.0, 15.0, 15.0], dtype=dtype).exp() / SIDE
    torch.testing.assert_close(density[:4], expected)
    assert density[4].isnan()
    (gradient,) = torch.autograd.grad(density[:4].sum(), inputs)
    torch.testing.assert_close(gradient[:4, 0], expected)


@pytest.mark.parametrize("asked", [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0)], ids=["density", "outputs", "both"])
def test_gradients_are_those_of_the_definition(generator, asked):
    """Also of rows of which only the density is asked, as a sample behind a surface is."""
    given = [torch.randn(shape, generator=generator) for shape in ((90, 5), (7, 5), (3, 7))]
    directions = torch.randn(90, generator=generator), torch.randn(90, 3, generator=generator)
    directions[1][::2] = 0
    found = []
    for dtype in (torch.float32, torch.float64):
        inputs, *weights = (each.to(dtype).requires_grad_() for each in given)
        results = density_mlp(inputs, weights, SIDE)
        loss = sum(
            share * (result * direction.to(dtype)).sum()
            for share, result, direction in zip(asked, results, directions, strict=True)
        )
        found.append([each.double() for each in torch.autograd.grad(loss, [inputs, *weights])])
    for kernel, definition in zip(*found, strict=True):
        torch.testing.assert_close(kernel, definition, rtol=1e-4, atol=1e-5 * float(definition.abs().max()))


def test_the_definition_has_its_own_gradient(generator):
    inputs = torch.randn(4, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    weights = [torch.randn(2, 3, generator=generator, dtype=torch.float64, requires_grad=True)]
    assert torch.autograd.gradcheck(lambda x, w: density_mlp(x, [w], SIDE), (inputs, *weights))
