"""The learnable first layer in closed form, and the sizes of the paper."""

import dataclasses

import numpy as np
import pytest
import torch
from omnifield.fields import Sl2aConfig, Sl2aField, field_config
from omnifield.fields.sl2a import LowRank, Sl2aNetwork, chebyshev
from torch import Tensor

from .contract import BOX, scattered, stirred

PAPER = field_config("sl2a", "paper")


def coordinates(count: int, axes: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(count, axes, generator=generator, dtype=torch.float64) * 2 - 1


@pytest.mark.parametrize("degree", [1, 2, 17, 256])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_the_basis_is_numpys(degree: int, axes: int) -> None:
    u = coordinates(100, axes)
    expected = np.polynomial.chebyshev.chebvander(u.numpy(), degree)
    found = chebyshev(u, degree)
    assert found.shape == (100, axes * (degree + 1))
    np.testing.assert_allclose(found.reshape(100, axes, degree + 1).numpy(), expected, atol=1e-10)


def test_the_basis_in_single_precision_is_near_enough() -> None:
    u = coordinates(1000, 3).tanh()
    torch.testing.assert_close(chebyshev(u.float(), 256).double(), chebyshev(u, 256), rtol=0, atol=1e-4)


def test_the_network_is_the_papers() -> None:
    """Spelled out with numpy's Chebyshev series, in the paper's order."""
    config = dataclasses.replace(PAPER, degree=9, width=12, layers=2, rank=5)
    assert isinstance(config, Sl2aConfig)
    torch.manual_seed(0)
    network, x = Sl2aNetwork(config, axes=2, outputs=3).double(), coordinates(50, 2)
    coefficients = network.coefficients.detach().reshape(12, 2, 10).numpy()
    series = [
        sum(np.polynomial.chebyshev.chebval(np.tanh(x[:, axis].numpy()), row[axis]) for axis in range(2))
        for row in coefficients
    ]
    z1 = np.stack(series, -1)
    z1 = (z1 - z1.mean(-1, keepdims=True)) / np.sqrt(z1.var(-1, keepdims=True) + 1e-5)
    z = z1
    for layer in network.fusion:
        assert isinstance(layer, LowRank)
        a, b = layer.outer.weight.detach().numpy(), layer.inner.weight.detach().numpy()
        z = np.maximum((z * z1) @ (a @ b).T + layer.outer.bias.detach().numpy(), 0)
    out = (z * z1) @ network.head.weight.detach().numpy().T + network.head.bias.detach().numpy()
    np.testing.assert_allclose(network(x).detach().numpy(), out, atol=1e-10)


def test_what_a_first_layer_has_learned_of_one_axis_depends_on_that_axis() -> None:
    field = stirred("sl2a")
    assert isinstance(field, Sl2aField)
    with torch.no_grad():
        field.trunk.coefficients.reshape(32, 3, 13)[:, 1:] = 0
    points = scattered(50, BOX)
    moved = dataclasses.replace(points, position=points.position * torch.tensor([1.0, 0.0, 0.0]))
    torch.testing.assert_close(field.density(points), field.density(moved))


def test_parameters_of_the_papers_network_for_images() -> None:
    network = Sl2aNetwork(PAPER, axes=2, outputs=3)
    first = 2 * 256 * 257 + 2 * 256
    fusion = 2 * 256 * 128 + 256
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count == first + 3 * fusion + (256 * 3 + 3) == 330_243


def test_parameters_of_the_field() -> None:
    count = sum(parameter.numel() for parameter in PAPER.build(BOX).parameters())
    head, color = 256 * 16 + 16, (16 + 15) * 64 + 64 * 64 + 64 * 3
    assert count == 3 * 256 * 257 + 512 + 3 * (2 * 256 * 128 + 256) + head + color
