"""The rays of whole pictures, made no sooner than they are looked along: all at once would take 44 bytes a pixel."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from .cameras import Cameras
from .columns import joined
from .rays import Rays


@runtime_checkable
class RayRange(Protocol):
    """Rays in an order, of which any range can be had: `Rays` themselves are such."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice, /) -> Rays: ...


@dataclass(frozen=True)
class PixelRays:
    """Every `stride`-th pixel of some views, row by row, one view after another."""

    cameras: Cameras
    views: Sequence[int]
    stride: int = 1

    @property
    def per_view(self) -> int:
        return -(-self.cameras.width // self.stride) * -(-self.cameras.height // self.stride)

    def __len__(self) -> int:
        return self.per_view * len(self.views)

    def __getitem__(self, rows: slice, /) -> Rays:
        first, last, _ = rows.indices(len(self))
        views = range(first // self.per_view, -(-last // self.per_view))
        begins = [(self.views[place], place * self.per_view) for place in views]
        parts = [
            self.cameras.pixel_rays(view, self.stride, slice(max(first - begin, 0), last - begin))
            for view, begin in begins
        ]
        return parts[0] if len(parts) == 1 else joined(parts)
