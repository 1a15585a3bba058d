"""What to compute on."""

import torch
from rich.console import Console

from .. import ops
from ..ops.backend import Op
from ..terminal.say import say
from .flags.choices import Device


def choose_device(name: Device, console: Console) -> torch.device:
    """`auto` takes a GPU where there is one and any op has a kernel for it; where there is one and none has, the user
    is told. Raises ValueError where one is asked for and none is there."""
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise ValueError("--device cuda: torch finds no CUDA device here; use --device cpu, or auto.")
    if has_kernels("cuda"):
        return torch.device("cuda")
    if name == "auto":
        say(console, "--device auto stays on the CPU: there is a GPU, but no op has a CUDA kernel yet.")
        return torch.device("cpu")
    say(
        console,
        "--device cuda: no op has a CUDA kernel yet; their plain-torch references run instead, slowly.",
    )
    return torch.device("cuda")


def has_kernels(device_type: str) -> bool:
    """Whether any op has: the others run as their references there."""
    table = (op for op in vars(ops).values() if isinstance(op, Op))
    return any(device == device_type for op in table for device, _ in op.kernels)
