"""What an op asks of its arguments, refused in a sentence: reference and kernel use the same words."""

import torch
from torch import Tensor


def check_shape(op: str, name: str, tensor: Tensor, shape: tuple[int | None, ...]) -> None:
    """Raises ValueError unless the argument `name` of `op` has this shape; None stands for any length."""
    given = tuple(tensor.shape)
    fits = len(given) == len(shape) and all(
        want in (None, have) for have, want in zip(given, shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if want is None else str(want) for want in shape)
        raise ValueError(f"{op}: {name} has shape {given}, but must have shape ({wanted}).")


def check_dtype(op: str, name: str, tensor: Tensor, dtype: torch.dtype) -> None:
    """Raises ValueError unless the argument `name` of `op` has this dtype."""
    if tensor.dtype != dtype:
        raise ValueError(f"{op}: {name} must be {dtype}, not {tensor.dtype}.")


def check_same_kind(op: str, named: dict[str, Tensor]) -> None:
    """Raises ValueError unless all are on one device, and those of floating point have one dtype."""
    names = iter(named)
    first = next(names)
    leader = named[first]
    for name in names:
        tensor = named[name]
        other_float = tensor.is_floating_point() and tensor.dtype != leader.dtype
        if tensor.device != leader.device or other_float:
            raise ValueError(
                f"{op}: {name} is {tensor.dtype} on {tensor.device}, "
                f"but {first} is {leader.dtype} on {leader.device}: convert one of them."
            )
