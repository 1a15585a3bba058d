"""A device that every machine has: its tensors compute on the CPU, but meet those of the CPU as a GPU's would.

What a GPU refuses is refused here: an operation on tensors of two devices. One number of the CPU may join any, and
tensors may be copied to and fro.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map_only

FAR = torch.device("lazy")  # one that torch knows and no build of it has
aten = torch.ops.aten
CROSSING = {aten._to_copy.default, aten.copy_.default, aten.index.Tensor, aten.index_put_.default}
"""Copies; and a GPU takes indices from the CPU."""


class FarTensor(Tensor):
    near: Tensor

    @staticmethod
    def __new__(cls, near: Tensor) -> "FarTensor":
        far = torch.Tensor._make_wrapper_subclass(
            cls,
            near.shape,
            strides=near.stride(),
            storage_offset=near.storage_offset(),
            dtype=near.dtype,
            device=FAR,
        )
        far.near = near
        return far

    def tolist(self) -> Any:
        return self.near.tolist()

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return run(func, args, kwargs or {})


class FarDevice(TorchDispatchMode):
    """Makes tensors there where they are asked for."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # to skip it takes seconds: of its import

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return run(func, args, kwargs or {})


def run(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    far = any(isinstance(tensor, FarTensor) for tensor in tensors)
    apart = [tensor for tensor in tensors if not isinstance(tensor, FarTensor) and tensor.ndim]
    if far and apart and func not in CROSSING:
        raise RuntimeError(f"{func}: tensors on two devices, one of {tuple(apart[0].shape)} on the CPU")
    asked = kwargs.get("device")
    far = asked.type == FAR.type if asked is not None else far
    if func is aten.copy_.default:
        far = isinstance(args[0], FarTensor)
    near = tree_map_only(FarTensor, lambda tensor: tensor.near, (args, kwargs))
    near = tree_map_only(torch.device, lambda device: torch.device("cpu"), near)
    result = func(*near[0], **near[1])
    if not far:
        return result
    return return_and_correct_aliasing(func, args, kwargs, tree_map_only(Tensor, FarTensor, result))


class FromNumbers(TorchFunctionMode):
    """`torch.tensor` and `new_tensor` fill a tensor where no dispatch mode sees it."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func is torch.tensor and kwargs.get("device") == FAR:
            return torch.tensor(*args, **(kwargs | {"device": "cpu"})).to(FAR)
        if func is Tensor.new_tensor and isinstance(args[0], FarTensor):
            return args[0].near.new_tensor(*args[1:], **kwargs).to(FAR)
        return func(*args, **kwargs)


@contextmanager
def far_device() -> Iterator[torch.device]:
    with FarDevice(), FromNumbers():
        yield FAR
