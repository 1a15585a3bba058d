"""Image files into 8-bit RGBA and masks, turned as the poses mean them."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image

from .exif import AS_STORED, turned, turned_size
from .image_file import BadImage, Header, color_channels, read_header, read_stored

STRIP_PIXELS = 2**18

Rgba = UInt8[np.ndarray, "height width rgba=4"]


@dataclass(frozen=True)
class Picture:
    """An image file, and what named it ("transforms.json: frames[3].file_path"), for complaints.

    It is read turned by `orientation`, a number of EXIF's; whether the file itself has one is not asked here.
    """

    path: Path
    named_by: str
    orientation: int = AS_STORED

    def error(self, complaint: str) -> ValueError:
        return ValueError(f"{self.named_by} names {self.path}, which {complaint}.")


def picture_header(picture: Picture) -> Header:
    """What the file says of itself, as stored."""
    if not os.path.isfile(picture.path):
        raise FileNotFoundError(f"{picture.named_by} names {picture.path}, which does not exist.")
    try:
        return read_header(picture.path)
    except BadImage as error:
        raise picture.error(str(error)) from None


def picture_size(picture: Picture) -> tuple[int, int]:
    """Width and height from the file's header alone."""
    return turned_size(picture_header(picture).size, picture.orientation)


def read_rgba(picture: Picture) -> Rgba:
    """Straight alpha, 255 where the file has none. Deeper pixels are rounded to 8 bits."""
    values = _read(picture)
    if values.dtype.kind == "f":
        raise picture.error("holds floating-point pixels; 8 or 16 bits are needed")
    if values.dtype == np.uint8:
        return values
    eight = ((values.astype(np.int32).clip(0, 65535) + 128) // 257).astype(np.uint8)
    color = np.broadcast_to(eight[..., : color_channels(values)], (*eight.shape[:2], 3))
    alpha = eight[..., -1:] if values.shape[2] in (2, 4) else np.full_like(eight[..., :1], 255)
    return np.concatenate([color, alpha], -1)


def read_mask(picture: Picture) -> Bool[np.ndarray, "height width"]:
    """Where a mask is not zero, at any depth: any colour counts, and alpha is not looked at."""
    values = _read(picture)
    return (values[..., : color_channels(values)] != 0).any(-1)


def read_alpha(picture: Picture) -> UInt8[np.ndarray, "height width"]:
    """instant-ngp's `<file>.alpha.<ext>`: the red channel, decoded from sRGB as instant-ngp does."""
    red = np.arange(256) / 255
    linear = np.where(red <= 0.04045, red / 12.92, ((red + 0.055) / 1.055) ** 2.4)
    return (linear * 255).round().astype(np.uint8)[read_rgba(picture)[..., 0]]


def shrink(rgba: Rgba, factor: int) -> UInt8[np.ndarray, "rows columns rgba=4"]:
    """Mean over blocks of factor² pixels, of sRGB values times alpha; incomplete blocks are cut off."""
    if factor == 1:
        return rgba
    rows, columns = rgba.shape[0] // factor, rgba.shape[1] // factor
    small = np.empty((rows, columns, 4), np.uint8)
    strip = max(1, STRIP_PIXELS // (rgba.shape[1] * factor))  # floats take five times the image's memory
    for row in range(0, rows, strip):
        part = rgba[row * factor : min(row + strip, rows) * factor, : columns * factor]
        small[row : row + strip] = _shrink_strip(part, factor)
    return small


def resize_ignored(
    ignored: Bool[np.ndarray, "height width"], size: tuple[int, int]
) -> Bool[np.ndarray, "rows columns"]:
    """A mask at another (width, height): a pixel is ignored where any that it covers was."""
    if ignored.shape == (size[1], size[0]):
        return ignored
    image = Image.fromarray(ignored.astype(np.uint8) * 255)
    return np.asarray(image.resize(size, Image.Resampling.BOX)) > 0


def _read(picture: Picture) -> np.ndarray:
    try:
        return turned(read_stored(picture.path), picture.orientation)
    except BadImage as error:
        raise picture.error(str(error)) from None


def _shrink_strip(rgba: Rgba, factor: int) -> UInt8[np.ndarray, "rows columns rgba=4"]:
    height, width, _ = rgba.shape
    blocks = rgba.reshape(height // factor, factor, width // factor, factor, 4).astype(np.float32)
    alpha = blocks[..., 3:].sum((1, 3))
    color = (blocks[..., :3] * blocks[..., 3:]).sum((1, 3)) / np.maximum(alpha, 1)
    return np.concatenate([color, alpha / factor**2], -1).round().clip(0, 255).astype(np.uint8)
