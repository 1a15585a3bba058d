"""Where things run, and what is said about it: decided by the table of kernels, on any machine."""

import io

import pytest
import torch
from omnifield import ops
from omnifield.scripts.device import choose_device
from omnifield.scripts.flags.choices import Device
from rich.console import Console


def chosen(name: Device) -> tuple[str, list[str]]:
    """The device, and the lines that were said."""
    said = io.StringIO()
    device = choose_device(name, Console(file=said))
    return device.type, said.getvalue().splitlines()


def test_without_a_gpu_there_is_nothing_to_say(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert chosen("auto") == chosen("cpu") == ("cpu", [])
    with pytest.raises(ValueError, match="--device cuda: torch finds no CUDA device"):
        chosen("cuda")


def test_a_gpu_is_not_taken_before_an_op_has_a_kernel_for_it(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    device, (sentence,) = chosen("auto")
    assert device == "cpu" and "--device auto stays on the CPU" in sentence and "no op" in sentence
    device, (sentence,) = chosen("cuda")
    assert device == "cuda" and "plain-torch references" in sentence
    assert chosen("cpu") == ("cpu", [])


def test_a_gpu_is_taken_as_soon_as_an_op_has_a_kernel_for_it(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setitem(ops.hash_grid.kernels, ("cuda", torch.float32), ops.hash_grid.reference)
    assert chosen("auto") == chosen("cuda") == ("cuda", [])
