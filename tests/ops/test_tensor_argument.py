"""How arrays reach the compiled module: whatever shows them, and refused where they do not fit."""

import numpy as np
import pytest
import torch
from omnifield.ops import _cpu

VALUES = [0.5, float("inf"), -1.0]


@pytest.mark.parametrize(
    "array",
    [
        torch.tensor(VALUES),
        torch.nn.Parameter(torch.tensor(VALUES), requires_grad=False),
        np.array(VALUES, dtype=np.float32),
    ],
    ids=["tensor", "subclass", "numpy"],
)
def test_whatever_shows_its_memory_is_read(array):
    assert not _cpu.all_finite(array)
    assert _cpu.all_finite(array[:1])


def test_what_is_written_to_is_never_a_copy():
    numbers, sums = torch.zeros(2, 3), torch.full((2, 3), 7.0)
    weights = torch.ones(3, 3)
    _cpu.mlp_forward(numbers, None, [weights], [], sums)
    assert not sums.any()
    _cpu.mlp_forward(torch.ones(2, 3).double(), None, [weights], [], sums)  # what is only read may be one
    assert (sums == 3).all()
    with pytest.raises(TypeError):
        _cpu.mlp_forward(numbers, None, [weights], [], sums.double())
    with pytest.raises(TypeError):
        _cpu.mlp_forward(numbers, None, [weights], [], torch.empty(3, 2).T)


def test_nothing_else_passes_for_an_array():
    for other in (None, 3, "text", torch.zeros(2, 2)):
        with pytest.raises(TypeError):
            _cpu.all_finite(other)
