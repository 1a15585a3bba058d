"""Image files through Pillow: only formats that people keep pictures in, no surprises, and no bit rounded away."""

import contextlib
import re
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError
from PIL.TiffImagePlugin import IMAGELENGTH, IMAGEWIDTH, TiffImageFile

from .exif import UNDOES, orientation_of, turned

# Pillow knows dozens more, some of which run other programs (PostScript) or are read by nobody's eyes.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
# What Pillow raises on damaged files, by format.
UNREADABLE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
SIXTEEN_BITS = re.compile(
    r"(RGB|RGBA|LA);16([BLN])"
)  # Pillow's names for deep pixels that it would make 8 bits of
OTHER_BYTE = {"B": "L", "L": "B", "N": "B" if np.little_endian else "L"}
_QUIET = threading.Lock()  # the filters of warnings belong to all threads


class BadImage(ValueError):
    """Its text goes on from "FILE names FILE, which"."""


@dataclass(frozen=True)
class Header:
    size: tuple[int, int]  # width and height as stored
    orientation: int  # EXIF's
    has_alpha: bool  # or one of its colours stands for transparency


def read_header(path: Path) -> Header:
    """Without decoding a pixel. Raises BadImage."""
    with _opened(path) as image:
        return _header(image, path)


def read_stored(path: Path) -> np.ndarray:
    """(row, column, channel) as stored, in the file's own numbers: uint16 for 16 bits, int32 or float32 for 32, and
    RGBA in uint8 for everything else, palettes included. One or three channels, or with alpha two or four.

    Raises BadImage.
    """
    with _opened(path) as image:
        header, rawmode = _header(image, path), _rawmode(image)
        values = _decoded(image) if not SIXTEEN_BITS.fullmatch(rawmode) else _deep(image, path, rawmode)
        if isinstance(image, TiffImageFile):  # of these alone Pillow has turned the pixels
            values = turned(values, UNDOES[header.orientation])
        return values


def color_channels(values: np.ndarray) -> int:
    """How many of the channels are no alpha."""
    return 1 if values.shape[2] < 3 else 3


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[ImageFile.ImageFile]:
    """The file with its header read; everything that Pillow raises from then on becomes a BadImage."""
    try:
        with _quietly():
            image = Image.open(path, formats=FORMATS)
        with image:
            yield image
    except BadImage:
        raise
    except Image.DecompressionBombError:
        raise BadImage("states a size that is too large for a picture: it is not read") from None
    except UnidentifiedImageError:
        raise BadImage(f"cannot be read as an image (it is none of {', '.join(FORMATS)})") from None
    except UNREADABLE as error:
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise BadImage(f"cannot be read as an image ({reason})") from None


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Pillow's warnings are of files that can be read after all, or of sizes that are judged elsewhere."""
    with _QUIET, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _header(image: ImageFile.ImageFile, path: Path) -> Header:
    with _quietly():
        orientation = orientation_of(image, path)
    size = image.size
    if isinstance(image, TiffImageFile):  # its `size` is that of the turned picture, in some versions
        size = int(image.tag_v2[IMAGEWIDTH]), int(image.tag_v2[IMAGELENGTH])
    return Header(size, orientation, _has_alpha(image))


def _has_alpha(image: ImageFile.ImageFile) -> bool:
    palette = image.palette.mode if image.palette is not None else ""
    return "transparency" in image.info or (image.mode + palette).upper().endswith("A")


def _decoded(image: ImageFile.ImageFile) -> np.ndarray:
    _load(image)
    if image.mode.startswith(("I", "F")):
        return np.asarray(image)[..., None]
    return np.asarray(image.convert("RGBA"))


def _load(image: ImageFile.ImageFile) -> None:
    # Some formats check the size once more; memory has no room for many of those pictures at once anyway.
    large = image.width * image.height > (Image.MAX_IMAGE_PIXELS or 0)
    with _quietly() if large else contextlib.nullcontext():
        image.load()


def _rawmode(image: ImageFile.ImageFile) -> str:
    """How the pixels lie in the file; empty where Pillow does not say."""
    arguments: Any = image.tile[0][3] if image.tile else ""
    return next((each for each in _as_tuple(arguments) if isinstance(each, str)), "")


def _deep(image: ImageFile.ImageFile, path: Path, rawmode: str) -> np.ndarray:
    """Pixels of 16 bits a channel, of which Pillow keeps the high byte: read once more for the low one."""
    transparent = image.info.get("transparency")
    if rawmode.startswith("LA"):  # as many bytes as four channels of 8 bits
        bytes_ = _read_as(image, "RGBA").astype(np.uint16)
        return bytes_[..., 0::2] << 8 | bytes_[..., 1::2]
    high = _read_as(image, rawmode)
    with _opened(path) as again:
        low = _read_as(again, rawmode[:-1] + OTHER_BYTE[rawmode[-1]])
    values = high.astype(np.uint16) << 8 | low
    if transparent is None:
        return values
    alpha = np.where((values == transparent).all(-1, keepdims=True), 0, 65535).astype(np.uint16)
    return np.concatenate([values, alpha], -1)


def _read_as(image: ImageFile.ImageFile, rawmode: str) -> np.ndarray:
    tiles: list[Any] = []
    for codec, extents, offset, arguments in image.tile:
        named = tuple(
            rawmode if isinstance(each, str) and ";" in each else each for each in _as_tuple(arguments)
        )
        tiles.append((codec, extents, offset, named if isinstance(arguments, tuple) else rawmode))
    image.tile = tiles
    _load(image)
    return np.asarray(image)


def _as_tuple(arguments: Any) -> tuple[Any, ...]:
    return arguments if isinstance(arguments, tuple) else (arguments,)
