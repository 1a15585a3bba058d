"""What a measurement says of the machine it was made on."""

import math

import pytest
import torch
from omnifield.bench import machine as bench_machine


@pytest.mark.parametrize(("total", "said"), [(1.46 * 2**30, 1.5), (math.inf, None)])
def test_the_memory_is_what_a_container_leaves(
    monkeypatch: pytest.MonkeyPatch, total: float, said: float | None
) -> None:
    monkeypatch.setattr(bench_machine, "total_memory", lambda: total)
    assert bench_machine.describe_machine(torch.device("cpu"))["memory_gib"] == said
