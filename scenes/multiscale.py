"""The same views at several scales, each side half of the one before: what a field learns distance from.

As in Mip-NeRF (arXiv 2103.13415, section 4.2): a pixel of a coarser view is the mean of the pixels it covers, and its
ray's footprint is as much larger. Level j has 1/2ʲ of the full width and height.
"""

from dataclasses import replace

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from .names import numbered
from .room import SMALLEST_SIDE, check_memory
from .scene import Scene, Views, nothing_ignored

PIXELS_TOGETHER = 1 << 20  # as floats, which take four times the room


def with_scales(scene: Scene, count: int) -> Scene:
    """The scene with its views at `count` scales. Raises ValueError where they are not to be had."""
    return replace(
        scene,
        coarser_train=coarser(scene.train, scene.coarser_train, count),
        coarser_test=coarser(scene.test, scene.coarser_test, count),
    )


def coarser(full: Views, own: tuple[Views, ...], count: int) -> tuple[Views, ...]:
    """The coarser ones of views at `count` scales; `own` are those that the data came with, taken as they are.

    Raises ValueError where the data came with another number of scales, or the smallest views would be too small.
    """
    if count in (1, 1 + len(own)):
        return own
    if own:
        raise ValueError(
            f"--scales {count}: the data has {1 + len(own)} scales of its own; leave --scales out."
        )
    width, height = full.cameras.width, full.cameras.height
    most = max(1, (min(width, height) // SMALLEST_SIDE).bit_length())
    if not 1 <= count <= most:
        raise ValueError(
            f"--scales must be from 1 to {most} for images of {width}x{height} pixels, not {count}."
        )
    return halved(full, count - 1)


def halved(views: Views, times: int) -> tuple[Views, ...]:
    """The views' means over blocks of 2², 4² and so on pixels; incomplete blocks are cut off.

    Colours are averaged in sRGB, as the papers do, each as much as its alpha. A pixel is ignored where any that it
    covers is. Raises ValueError where there is no room for them.
    """
    width, height = views.cameras.width, views.cameras.height
    check_memory(len(views), (width, height), 2)
    levels, together = range(1, times + 1), -(-PIXELS_TOGETHER // (width * height))
    images = [_empty(views.images, level) for level in levels]
    for begin in range(0, len(views), together):
        part = slice(begin, begin + together)
        means = _premultiplied(views.images[part])
        for level in levels:
            means = torch.nn.functional.avg_pool2d(means, 2)
            images[level - 1][part] = _straight(means)
    each = zip(levels, images, _ignored(views, levels), names_at_scales(views.names, times), strict=True)
    return tuple(
        Views(views.cameras.reduced(2**level), image, ignored, names) for level, image, ignored, names in each
    )


def names_at_scales(names: tuple[str, ...], times: int) -> list[tuple[str, ...]]:
    """Of the coarser views, by those of the full-size ones, and unlike any of them."""
    coarser = numbered((f"{name}_d{level}" for level in range(1, times + 1) for name in names), taken=names)
    return [tuple(coarser[level * len(names) : (level + 1) * len(names)]) for level in range(times)]


def _empty(images: UInt8[Tensor, "view height width rgba=4"], level: int) -> Tensor:
    count, height, width, _ = images.shape
    return images.new_empty(count, height >> level, width >> level, 4)


def _premultiplied(
    images: UInt8[Tensor, "view height width rgba=4"],
) -> Float[Tensor, "view rgba=4 height width"]:
    """Colours times alpha, and alpha: whole numbers, whose means over up to 8² pixels float32 holds exactly."""
    channels = images.permute(0, 3, 1, 2).float()
    channels[:, :3] *= channels[:, 3:]
    return channels


def _straight(means: Float[Tensor, "view rgba=4 rows columns"]) -> UInt8[Tensor, "view rows columns rgba=4"]:
    color, alpha = means[:, :3] / means[:, 3:].clamp_min(1e-9), means[:, 3:]
    return torch.cat([color, alpha], 1).round_().clamp_(0, 255).byte().permute(0, 2, 3, 1)


def _ignored(views: Views, levels: range) -> list[Bool[Tensor, "view rows columns"]]:
    masks, mask = [], views.ignored
    for level in levels:
        if not views.ignored.any():
            masks.append(nothing_ignored(_empty(views.images, level)).to(mask.device))
            continue
        rows, columns = mask.shape[1] // 2, mask.shape[2] // 2
        mask = mask[:, : 2 * rows, : 2 * columns].reshape(-1, rows, 2, columns, 2).any(4).any(2)
        masks.append(mask)
    return masks
