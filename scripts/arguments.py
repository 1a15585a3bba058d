"""What several verbs take on their command line: a device, a trained field, the size of a picture."""

import math
from pathlib import Path
from typing import Literal

import torch
from rich.console import Console

from .. import ops
from ..fields import FIELD_CONFIGS
from ..ops.backend import Op
from ..scenes import Cameras
from ..train.loop import Budget
from .counting import say

Device = Literal["auto", "cpu", "cuda"]

FIELD_FILE = "field.safetensors"
DEFAULT_SECONDS = 60.0
FEWEST = 8  # pixels along each side of a view that a stride has to leave
FINE = "fine"  # the preset that a conversion takes where there is one: its students do not begin from nothing
SMALLEST_SIDE, LARGEST_SIDE = 2, 16384  # pixels; H.264 takes no larger pictures


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


def find_field_file(path: Path) -> Path:
    """A field's file as given, or the one in a run folder. Raises FileNotFoundError where there is none."""
    if not path.exists():
        raise FileNotFoundError(f"There is no file or folder {path}.")
    if not path.is_dir():
        return path
    if not (path / FIELD_FILE).is_file():
        raise FileNotFoundError(f"The folder {path} holds no {FIELD_FILE}: it is not that of a training.")
    return path / FIELD_FILE


def choose_size(width: int | None, height: int | None, usual: tuple[int, int]) -> tuple[int, int]:
    """Width and height in pixels; one that is not given follows from the other in the `usual` shape.

    Raises ValueError, naming the flag, for a size that no picture has.
    """
    usual_width, usual_height = usual
    for flag, length in (("--width", width), ("--height", height)):
        if length is not None and not SMALLEST_SIDE <= length <= LARGEST_SIDE:
            raise ValueError(f"{flag} must be from {SMALLEST_SIDE} to {LARGEST_SIDE} pixels, not {length}.")
    if width is None and height is None:
        return usual
    if width is None:
        width = max(SMALLEST_SIDE, round((height or 0) * usual_width / usual_height))
    if height is None:
        height = max(SMALLEST_SIDE, round(width * usual_height / usual_width))
    return width, height


def check_stride(stride: int, cameras: Cameras) -> None:
    """Raises ValueError where every `stride`-th pixel is too few of them to judge a view by."""
    width, height = (-(-side // stride) for side in (cameras.width, cameras.height))
    if stride > 1 and min(width, height) < FEWEST:
        raise ValueError(
            f"--stride {stride} leaves {width}x{height} of the {cameras.width}x{cameras.height} pixels of a view, too "
            f"few to judge it by: it has to leave at least {FEWEST} along each side."
        )


def preset_of(tag: str, asked: str | None) -> str:
    """The preset that was asked for; if none was, `fine` where the field has it, since a conversion can fill it."""
    return asked or (FINE if FINE in FIELD_CONFIGS[tag].PRESETS else "default")


def budget_of(max_seconds: float | None, max_steps: int | None) -> Budget:
    """What is not given does not bound the work; DEFAULT_SECONDS does where neither is. Raises ValueError for none."""
    if max_seconds is None and max_steps is None:
        return Budget(seconds=DEFAULT_SECONDS)
    budget = Budget(
        seconds=math.inf if max_seconds is None else max_seconds,
        steps=1 << 62 if max_steps is None else max_steps,
    )
    if not (budget.seconds > 0 and budget.steps > 0):
        raise ValueError("--max-seconds and --max-steps must be above zero.")
    return budget
