"""EXIF's orientation: eight ways in which a camera may have been held, and how each is turned upright."""

import struct
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

AS_STORED = 1  # EXIF's numbers run from 1 to 8; 5 to 8 swap width and height
SIDEWAYS = (5, 6, 7, 8)
UNDOES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}
MALFORMED = (OSError, SyntaxError, ValueError, LookupError, TypeError, EOFError, struct.error)


def orientation_of(image: Image.Image, path: Path) -> int:
    """What the file says of how it is to be turned; a damaged or unknown saying is none."""
    try:
        # Not image.getexif(): of a PNG it would decode all pixels, in case the tag comes after them.
        exif = Image.Image.getexif(image)
        late = _exif_after_pixels(path) if image.format == "PNG" and "exif" not in image.info else b""
        if late:
            exif.load(late)
        value = exif.get(ExifTags.Base.Orientation, AS_STORED)
    except MALFORMED:
        return AS_STORED
    return value if value in UNDOES else AS_STORED


def turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """The picture as it is to be seen, from (row, column, …) as it is stored."""
    if orientation in (3, 4, 6, 7):
        pixels = pixels[::-1]
    if orientation in (2, 3, 7, 8):
        pixels = pixels[:, ::-1]
    if orientation in SIDEWAYS:
        pixels = pixels.swapaxes(0, 1)
    return np.ascontiguousarray(pixels)


def turned_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    return (size[1], size[0]) if orientation in SIDEWAYS else size


def _exif_after_pixels(path: Path) -> bytes:
    """A PNG's eXIf chunk may stand behind its pixels, where some programs add it."""
    with open(path, "rb") as file:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind == b"eXIf":
                return file.read(length)
            file.seek(length + 4, 1)
    return b""
