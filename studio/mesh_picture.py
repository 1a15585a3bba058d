"""The pictures on a mesh: formats and sizes that are read, and their colours as light."""

import io
import struct
import warnings
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from .raycast import linear_from_srgb

Picture = UInt8[np.ndarray, "height width rgba=4"]
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "TGA", "PPM")
MOST_TEXELS = 80_000_000  # of one picture: 8192 × 8192 fits
LARGEST_TEXTURE = 2048  # texels along a side; more would only alias at the size of our images
PILLOW_RAISES = (OSError, SyntaxError, EOFError, ValueError, LookupError, TypeError, struct.error)
KTX2, DDS = b"\xabKTX 20\xbb", b"DDS "


class UnreadablePicture(ValueError):
    """Why a picture cannot be shown, as the end of a sentence about it."""


def read_picture(source: bytes | Path, mesh: Path, name: str) -> Picture:
    """The picture as sRGB with straight alpha, at most `LARGEST_TEXTURE` texels along a side.

    Raises ValueError where the picture called `name` has more than `MOST_TEXELS`, before they are decoded, and
    UnreadablePicture where it is damaged or of a format that is not read.
    """
    try:
        data = source if isinstance(source, bytes) else source.read_bytes()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own about large pictures and odd metadata
            image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise _too_large(mesh, name, "far more pixels") from error
    except Image.UnidentifiedImageError as error:
        raise UnreadablePicture(f"is not of a format that is read here ({_format(data)})") from error
    except PILLOW_RAISES as error:
        raise UnreadablePicture(f"cannot be read ({' '.join(str(error).split())})") from error
    if image.width * image.height > MOST_TEXELS:
        raise _too_large(mesh, name, f"{image.width} × {image.height} pixels")
    try:
        return np.asarray(_eight_bits(image))
    except PILLOW_RAISES as error:
        raise UnreadablePicture(f"is damaged ({' '.join(str(error).split())})") from error


def _too_large(mesh: Path, name: str, size: str) -> ValueError:
    return ValueError(f"{mesh}: its texture {name} has {size}; at most {MOST_TEXELS:,} are read.")


def _format(data: bytes) -> str:
    if data[:8] == KTX2:
        return "it is KTX2"
    if data[:4] == DDS:
        return "it is DDS"
    return "PNG, JPEG and WebP are, among others"


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey, which Pillow would cut off at 255
        image = Image.fromarray((np.asarray(image, np.int64).clip(0, 65535) >> 8).astype(np.uint8))
    return image.convert("RGBA").reduce(-(-max(image.size) // LARGEST_TEXTURE))


def linear(colors: UInt8[np.ndarray, "*n"]) -> Float32[np.ndarray, "*n"]:
    """Linear light of sRGB colours."""
    return linear_from_srgb(np.arange(256) / 255)[colors]
