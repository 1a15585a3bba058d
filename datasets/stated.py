"""What the fields of a `transforms.json` say of where its scene lies."""

from typing import get_args

import torch
from jaxtyping import Float
from torch import Tensor

from ..scenes.orientation import Orientation
from ..scenes.placement import Stated
from .document import Document

NGP_SCALE, NGP_OFFSET = 0.33, 0.5


def read_stated(document: Document) -> Stated:
    """`orientation_override` is nerfstudio's; `up`, and the box that `aabb_scale: 1` bounds, are instant-ngp's. Raises
    ValueError that names the field."""
    ways = get_args(Orientation)
    orientation = document.text("orientation_override") if "orientation_override" in document else "up"
    if orientation not in ways:
        raise document.error("orientation_override", f"is {orientation!r}; it may be {', '.join(ways)}")
    return Stated(
        file=str(document.file),
        orientation=orientation,  # pyright: ignore
        up=torch.tensor(document.vector("up"), dtype=torch.float64) if "up" in document else None,
        cube=_unit_cube(document) if document.number_or("aabb_scale", 0.0) == 1 else None,
    )


def _unit_cube(document: Document) -> tuple[Float[Tensor, "xyz=3"], float]:
    """Centre and half side: instant-ngp maps a position p to p·scale + offset and keeps what falls into [0, 1]³."""
    scale = document.positive("scale") if "scale" in document else NGP_SCALE
    offset = torch.full((3,), NGP_OFFSET, dtype=torch.float64)
    if "offset" in document:
        # A single number is accepted as well as one per axis, as instant-ngp does.
        listed = isinstance(document.values["offset"], list)
        offset = torch.tensor(
            document.vector("offset") if listed else [document.number("offset")] * 3, dtype=torch.float64
        )
    return (0.5 - offset) / scale, 0.5 / scale
