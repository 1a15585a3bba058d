"""The same views at several scales, each side half of the one before: what a field learns distance from.

As in Mip-NeRF (arXiv 2103.13415, section 4.2): a pixel of a coarser view is the mean of the pixels it covers, and its
ray's footprint is as much larger. Level j has 1/2ʲ of the full width and height.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from .names import numbered
from .room import SMALLEST_SIDE, Pictures, check_memory
from .scene import Scene
from .views import Views, by_scale, names_of, nothing_ignored

PIXELS_TOGETHER = 1 << 20  # as floats, which take four times the room


def with_scales(scene: Scene, count: int) -> Scene:
    """The scene with its views at `count` scales. Raises ValueError where they are not to be had."""
    return replace(scene, train=at_scales(scene.train, count), test=at_scales(scene.test, count))


def at_scales(groups: Sequence[Views], count: int) -> tuple[Views, ...]:
    """The groups and behind them their coarser ones, at `count` scales in all; those that the data came with are taken
    as they are.

    Raises ValueError where the data came with another number of scales, or the smallest views would be too small.
    """
    scales = by_scale(groups)
    if count in (1, len(scales)):
        return tuple(groups)
    if len(scales) > 1:
        raise ValueError(
            f"--scales {count}: the data has {len(scales)} scales of its own; leave --scales out."
        )
    smallest = min((views.cameras for views in groups), key=lambda each: min(each.width, each.height))
    width, height = smallest.width, smallest.height
    most = max(1, (min(width, height) // SMALLEST_SIDE).bit_length())
    if not 1 <= count <= most:
        raise ValueError(
            f"--scales must be from 1 to {most} for images of {width}x{height} pixels, not {count}."
        )
    return (*groups, *halved(groups, count - 1))


def halved(groups: Sequence[Views], times: int) -> tuple[Views, ...]:
    """The views' means over blocks of 2², 4² and so on pixels, scale by scale; incomplete blocks are cut off.

    Colours are averaged in sRGB, as the papers do, each as much as its alpha. A pixel is ignored where any that it
    covers is. Raises ValueError where there is no room for them.
    """
    check_memory([_needed(views) for views in groups], 2)
    names = names_at_scales(names_of(groups), times)
    each = [_halved(views, times) for views in groups]
    starts = list(itertools.accumulate(map(len, groups), initial=0))
    return tuple(
        replace(scales[level], names=names[level][start : start + len(scales[level])])
        for level in range(times)
        for scales, start in zip(each, starts, strict=False)
    )


def _needed(views: Views) -> Pictures:
    size = views.cameras.width, views.cameras.height
    return Pictures(len(views), size, views.images.shape[3] + bool(views.ignored.any()))


def _halved(views: Views, times: int) -> list[Views]:
    """Their names are still those of the full size."""
    levels = range(1, times + 1)
    together = -(-PIXELS_TOGETHER // (views.cameras.width * views.cameras.height))
    images = [_empty(views.images, level) for level in levels]
    for begin in range(0, len(views), together):
        part = slice(begin, begin + together)
        means = _premultiplied(views.images[part])
        for level in levels:
            means = torch.nn.functional.avg_pool2d(means, 2)
            images[level - 1][part] = _straight(means)
    return [
        replace(views, cameras=views.cameras.reduced(2**level), images=image, ignored=mask, reduced=2**level)
        for level, image, mask in zip(levels, images, _ignored(views, levels), strict=True)
    ]


def names_at_scales(names: tuple[str, ...], times: int) -> list[tuple[str, ...]]:
    """Of the coarser views, by those of the full-size ones, and unlike any of them."""
    coarser = numbered((f"{name}_d{level}" for level in range(1, times + 1) for name in names), taken=names)
    return [tuple(coarser[level * len(names) : (level + 1) * len(names)]) for level in range(times)]


def _empty(images: UInt8[Tensor, "view height width channel"], level: int) -> Tensor:
    count, height, width, channels = images.shape
    return images.new_empty(count, height >> level, width >> level, channels)


def _premultiplied(
    images: UInt8[Tensor, "view height width channel"],
) -> Float[Tensor, "view channel height width"]:
    """Colours times alpha, and alpha, where there is any: whole numbers, whose means over up to 8² pixels float32 holds
    exactly."""
    channels = images.permute(0, 3, 1, 2).float()
    if channels.shape[1] == 4:
        channels[:, :3] *= channels[:, 3:]
    return channels


def _straight(
    means: Float[Tensor, "view channel rows columns"],
) -> UInt8[Tensor, "view rows columns channel"]:
    if means.shape[1] == 4:
        color, alpha = means[:, :3] / means[:, 3:].clamp_min(1e-9), means[:, 3:]
        means = torch.cat([color, alpha], 1)
    return means.round().clamp_(0, 255).byte().permute(0, 2, 3, 1)


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
