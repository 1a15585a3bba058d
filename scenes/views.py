"""Views: what cameras of one size and one lens saw. A scene holds several groups of them."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from .cameras import Cameras

OPAQUE = 255


@dataclass(frozen=True)
class Views:
    """Posed images of one size and one lens, 8-bit sRGB, with a plane of straight alpha only where one of the pictures
    has any: `colors_and_alpha` and `alpha` know.

    `ignored` marks pixels that no loss and no figure may use; where nothing is masked it is an expanded single `False`
    and costs no memory. `names` are distinct, and fit to be files' names: those of the pictures, as the user knows
    them. The views are those that their scene numbers from `first` on. `reduced` is 1 for views of full size; coarser
    ones are the same views, and have the same numbers, at 1/reduced of the width and height.
    """

    cameras: Cameras
    images: UInt8[Tensor, "view height width channel"]
    ignored: Bool[Tensor, "view height width"]
    names: tuple[str, ...]
    reduced: int = 1
    first: int = 0

    def __len__(self) -> int:
        return len(self.names)

    @property
    def has_alpha(self) -> bool:
        """Whether there is a plane for it: not whether any pixel is transparent."""
        return self.images.shape[3] == 4

    def colors_and_alpha(
        self, *where: int | slice | Tensor
    ) -> tuple[Float[Tensor, "*pixel rgb=3"], Float[Tensor, "*pixel"]]:
        """Of the pixels at an index into (view, height, width): straight sRGB and opacity, both in [0, 1]."""
        return self._apart(self.images[where])

    def colors_and_alpha_of(
        self, pixel: Int[Tensor, "pixel"]
    ) -> tuple[Float[Tensor, "pixel rgb=3"], Float[Tensor, "pixel"]]:
        """The same of pixels that are numbered through all views, row by row.

        Four bytes are gathered as one number: by view, row and column it takes torch ten times as long.
        """
        if self.has_alpha and self.images.is_contiguous():
            words = self.images.view(torch.int32).view(-1)
            return self._apart(words.index_select(0, pixel)[:, None].view(torch.uint8))
        return self._apart(self.images.reshape(-1, self.images.shape[3]).index_select(0, pixel))

    def _apart(
        self, pixels: UInt8[Tensor, "*pixel channel"]
    ) -> tuple[Float[Tensor, "*pixel rgb=3"], Float[Tensor, "*pixel"]]:
        scaled = pixels.float() / OPAQUE
        if self.has_alpha:
            return scaled[..., :3], scaled[..., 3]
        return scaled, scaled.new_ones(()).expand(scaled.shape[:-1])

    def alpha(self, view: int) -> UInt8[Tensor, "height width"]:
        """Of one view, from 0 to 255: a part of the images, or nothing that takes memory."""
        if self.has_alpha:
            return self.images[view, :, :, 3]
        return self.images.new_full((), OPAQUE).expand(self.images.shape[1:3])

    def to(self, device: torch.device | str) -> "Views":
        tensors = self.cameras.to(device), self.images.to(device), self.ignored.to(device)
        return Views(*tensors, self.names, self.reduced, self.first)


def nothing_ignored(images: UInt8[Tensor, "view height width channel"]) -> Bool[Tensor, "view height width"]:
    return torch.zeros((), dtype=torch.bool).expand(images.shape[:3])


def has_transparency(groups: Iterable[Views]) -> bool:
    # View by view: the comparison over all of them at once would need a quarter of the images' memory.
    return any(
        bool((views.alpha(view) < OPAQUE).any())
        for views in groups
        if views.has_alpha
        for view in range(len(views))
    )


def in_turn(groups: Iterable[Views]) -> tuple[Views, ...]:
    """Groups of full size, their views numbered through all of them."""
    groups = tuple(groups)
    firsts = itertools.accumulate(map(len, groups), initial=0)
    return tuple(replace(views, first=first) for views, first in zip(groups, firsts, strict=False))


def by_scale(groups: Sequence[Views]) -> list[tuple[Views, ...]]:
    """The groups of each scale, full size first."""
    scales = sorted({views.reduced for views in groups})
    return [tuple(views for views in groups if views.reduced == scale) for scale in scales]


def full_size(groups: Sequence[Views]) -> tuple[Views, ...]:
    return by_scale(groups)[0]


def cameras_of(groups: Sequence[Views]) -> tuple[Cameras, ...]:
    """Those of the views of full size."""
    return tuple(views.cameras for views in full_size(groups))


def names_of(groups: Iterable[Views]) -> tuple[str, ...]:
    return tuple(name for views in groups for name in views.names)


def view_count(groups: Iterable[Views]) -> int:
    """Of all groups; the coarser ones count as well."""
    return sum(map(len, groups))
