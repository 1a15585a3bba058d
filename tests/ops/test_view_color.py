import pytest
import torch
from omnifield import ops
from torch import Tensor

WIDTHS = ((8, 20), (3, 8))


def arguments(n: int, dtype: torch.dtype) -> tuple[Tensor, Tensor, list[Tensor]]:
    generator = torch.Generator().manual_seed(0)
    carry = torch.randn(n, 5, generator=generator, dtype=dtype)
    directions = torch.nn.functional.normalize(torch.randn(n, 3, generator=generator, dtype=dtype), dim=-1)
    return carry, directions, [torch.randn(*shape, generator=generator, dtype=dtype) for shape in WIDTHS]


def test_gradients_of_the_definition() -> None:
    given, directions, weights = arguments(4, torch.float64)
    carry, *parameters = (tensor.requires_grad_() for tensor in (given, *weights))
    run = lambda carry, *weights: ops.view_color(carry[:, 1:], directions, weights)  # noqa: E731
    assert torch.autograd.gradcheck(run, (carry, *parameters))


def test_directions_have_a_gradient_where_a_pose_is_refined() -> None:
    carry, directions, weights = arguments(70, torch.float32)
    found = []
    for dtype in (torch.float32, torch.float64):
        wanted = directions.to(dtype).requires_grad_()
        colors = ops.view_color(carry[:, 1:].to(dtype), wanted, [weight.to(dtype) for weight in weights])
        (gradient,) = torch.autograd.grad(colors.square().sum(), wanted)
        found.append(gradient.double())
    assert found[1].abs().max() > 1e-3
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-5)


def test_large_sums_saturate() -> None:
    """One unit that the features make 500 in the first row and −500 in the second."""
    weights = [torch.cat([torch.zeros(1, 16), torch.ones(1, 1)], 1)]
    colors = ops.view_color(torch.tensor([[500.0], [-500.0]]), torch.eye(3)[:2], weights)
    torch.testing.assert_close(colors, torch.tensor([[1.0], [0.0]]))


def test_rows_that_do_not_match_are_refused() -> None:
    carry, directions, weights = arguments(4, torch.float32)
    with pytest.raises(ValueError, match="view_color: directions has shape"):
        ops.view_color(carry[:, 1:], directions[:3], weights)
    with pytest.raises(ValueError, match="20 columns wide, but its input 21"):
        ops.view_color(carry, directions, weights)
