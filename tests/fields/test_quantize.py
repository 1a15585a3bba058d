"""Parameters in a few bits: what is rounded to what, and that it stays there."""

import pytest
import torch
from omnifield.fields.quantize import FULL_PRECISION, pack, quantize, quantized, unpack

BITS = pytest.mark.parametrize("bits", [2, 3, 4, 6, 8])


def values(seed: int = 0, size: float = 1.0) -> torch.Tensor:
    return torch.randn(40, 6, generator=torch.Generator().manual_seed(seed)) * size


def test_three_bits_by_hand() -> None:
    """−3 … 3 times a third of the largest."""
    codes, scale = quantize(torch.tensor([-6.0, -3.1, 0.0, 0.9, 1.1, 5.2]), 3)
    assert codes.tolist() == [-3, -2, 0, 0, 1, 3] and scale.tolist() == [2.0]


@BITS
@pytest.mark.parametrize("size", [1e-20, 1e-3, 1.0, 123.0, 1e10])
@pytest.mark.parametrize("dim", [None, 0, 1, -1])
def test_no_value_moves_by_more_than_half_a_unit_and_twice_is_once(
    bits: int, size: float, dim: int | None
) -> None:
    for seed in range(5):
        before = values(seed, size)
        codes, scale = quantize(before, bits, dim)
        assert codes.abs().max() == 2 ** (bits - 1) - 1 and torch.equal(codes, codes.round())
        once = quantized(before, bits, dim)
        assert ((once - before).abs() <= scale * 0.50001).all()
        again, same = quantize(once, bits, dim)
        assert torch.equal(again, codes) and torch.equal(same, scale)
        assert torch.equal(quantized(once, bits, dim), once)


def test_a_unit_for_each_slice() -> None:
    _, rows = quantize(values(), 8, 0)
    _, columns = quantize(values(), 8, 1)
    _, one = quantize(values(), 8)
    assert (rows.shape, columns.shape, one.shape) == ((40, 1), (1, 6), (1, 1))
    torch.testing.assert_close(columns, values().abs().amax(0, keepdim=True) / 127, rtol=1e-4, atol=0)


def test_nothing_is_nothing() -> None:
    assert torch.equal(quantized(torch.zeros(3, 2), 8), torch.zeros(3, 2))


@BITS
def test_the_gradient_goes_straight_through(bits: int) -> None:
    before = values().requires_grad_()
    (quantized(before, bits) * torch.arange(240.0).reshape(40, 6)).sum().backward()
    assert torch.equal(before.grad, torch.arange(240.0).reshape(40, 6))


def test_full_precision_is_left_alone() -> None:
    before = values()
    assert quantized(before, FULL_PRECISION) is before


def test_a_state_in_bytes() -> None:
    state = {"weight": values(), "table": values(1), "bias": torch.randn(3)}
    dims = {"weight": None, "table": 1}
    packed = pack(state, 8, dims)
    assert packed.keys() == {"weight", "weight.scale", "table", "table.scale", "bias"}
    assert packed["weight"].dtype == packed["table"].dtype == torch.int8
    again = unpack(packed, dims)
    assert torch.equal(again["weight"], quantized(state["weight"], 8))
    assert torch.equal(again["table"], quantized(state["table"], 8, 1))
    assert torch.equal(again["bias"], state["bias"])
