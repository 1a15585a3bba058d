"""A field from stored tensors, which may be anybody's: room is made only after all of them have been found to fit."""

from collections.abc import Mapping

import torch
from torch import Tensor

from ..scenes import Domain
from .base import Field
from .choice import FieldConfig


def field_from_stored(config: FieldConfig, domain: Domain, stored: Mapping[str, Tensor]) -> Field:
    """The field whose `stored_state` this is.

    Raises ValueError if it is none of such a field, or if any of its numbers is not finite.
    """
    field = field_without_values(config, domain)
    state = field.unpacked(stored)
    check_state(field, state)
    field.load_state_dict({name: tensor.clone() for name, tensor in state.items()}, assign=True)
    return field


def field_without_values(config: FieldConfig, domain: Domain) -> Field:
    """A field on torch's `meta` device: it takes no memory, whatever its configuration asks for."""
    with torch.device("meta"):
        return config.build(domain)


def check_state(field: Field, state: Mapping[str, Tensor]) -> None:
    """Raises ValueError unless a field without values, refined as often, could have this state."""
    field.take_shape_of(state)
    check_fit(field.state_dict(), state)
    check_finite(state)


def check_fit(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    """Raises ValueError, naming a tensor, unless both have the same names, and under each the same shape and dtype."""
    if strange := sorted(wanted.keys() ^ found.keys()):
        raise ValueError(
            f"{strange[0]} is {'missing' if strange[0] in wanted else 'nothing of such a field'}"
        )
    for name, tensor in found.items():
        want = wanted[name]
        if tensor.shape != want.shape or tensor.dtype != want.dtype:
            raise ValueError(
                f"{name} is {tensor.dtype} of shape {tuple(tensor.shape)}, "
                f"not {want.dtype} of shape {tuple(want.shape)}"
            )


def check_finite(tensors: Mapping[str, Tensor]) -> None:
    """Raises ValueError, naming a tensor, if any number is infinite or none at all."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and tensor.numel() and not is_finite(tensor):
            raise ValueError(f"{name} holds numbers that are not finite")


def is_finite(tensor: Tensor) -> bool:
    return all(bool(end.isfinite()) for end in tensor.aminmax())  # which NaN passes through; takes no memory
