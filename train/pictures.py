"""Pictures as 8-bit files."""

from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from .files import write_atomically


def to_bytes(image: Float[Tensor, "*pixels rgb=3"]) -> UInt8[Tensor, "*pixels rgb=3"]:
    """sRGB in [0, 1], clamped, to 8 bits."""
    return (image.clamp(0, 1) * 255).round().to(torch.uint8)


def write_picture(path: Path, image: UInt8[Tensor, "height width rgb=3"]) -> None:
    """A PNG. Raises ValueError where it cannot be written."""
    picture = Image.fromarray(image.cpu().numpy())
    write_atomically(path, lambda beside: picture.save(beside, format="PNG"))
