"""What lies beside a picture: its masks, and its alpha where that is a file of its own."""

from collections.abc import Sequence
from dataclasses import replace

from .exif import turned_size
from .frame import Frame
from .images import Picture, picture_header
from .intrinsics import Size


def with_companions(frame: Frame, size: tuple[int, int]) -> Frame:
    """The frame, whose picture has this size, with its masks and its alpha turned as that is, where they are stored as
    that is.

    Raises ValueError where one has another size than the picture or, for masks, than the lens is stated for: the
    picture had that before it was reduced.
    """
    native = frame.intrinsics.size
    return replace(
        frame,
        masks=tuple((_fitting(mask, frame.picture, (size, native)), ignore) for mask, ignore in frame.masks),
        alpha=tuple(_fitting(alpha, frame.picture, (size,)) for alpha in frame.alpha),
    )


def _fitting(companion: Picture, picture: Picture, sizes: Sequence[Size]) -> Picture:
    size = picture_header(companion).size
    if turned_size(size, picture.orientation) in sizes:
        return replace(companion, orientation=picture.orientation)
    if size in sizes:
        return companion
    width, height = sizes[0]
    raise companion.error(
        f"has {size[0]}x{size[1]} pixels where {picture.path} has {width}x{height}: both must have one size"
    )
