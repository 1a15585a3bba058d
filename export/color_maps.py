"""Figures as colours: depth, opacity and error as pictures that a person can read."""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from ..train.pictures import to_bytes

ROOM_FOR_OTHERS = 0.2
SEEN = 0.5  # opacity from which on a depth says where something is
ERROR_AT_WHITE = 0.25  # mean absolute difference of the channels that the error map shows as white


@dataclass(frozen=True)
class DepthRange:
    """The distances, in world units, that get the two ends of the colours; one range serves a whole video."""

    near: float
    far: float


def depth_range(parts: Iterable[tuple[Float[Tensor, "*pixels"], Float[Tensor, "*pixels"]]]) -> DepthRange:
    """From near to far of what a picture shows, and a fifth more at either end for the pictures that follow.

    The picture is given as depth and opacity of each of its parts. The outermost hundredth of its pixels does not
    count.
    """
    seen = torch.cat([depth[(opacity > SEEN) & depth.isfinite()] for depth, opacity in parts])
    if seen.numel() == 0:
        return DepthRange(1.0, 2.0)  # nothing to see: any range will do
    margin, values = len(seen) // 100, seen.cpu().numpy()
    values.partition(
        [margin, len(seen) - 1 - margin]
    )  # torch would take three times the memory, and sort it all
    near, far = float(values[margin]), float(values[-1 - margin])
    wider = ROOM_FOR_OTHERS * (far - near)
    nearest = max(near - wider, near / 2, 1e-6)
    return DepthRange(nearest, max(far + wider, nearest * 1.001))


def depth_picture(
    depth: Float[Tensor, "*pixels"], opacity: Float[Tensor, "*pixels"], shown: DepthRange
) -> UInt8[Tensor, "*pixels rgb=3"]:
    """Near is red and far is blue, evenly in 1/depth so that an unbounded scene keeps its foreground.

    Where nothing is the picture is white.
    """
    inverse = 1 / depth.clamp_min(1e-6)
    nearness = (inverse - 1 / shown.far) / (1 / shown.near - 1 / shown.far)
    seen = opacity[..., None].clamp(0, 1)
    return to_bytes(turbo(nearness) * seen + (1 - seen))


def opacity_picture(opacity: Float[Tensor, "*pixels"]) -> UInt8[Tensor, "*pixels rgb=3"]:
    """Black is empty, white is opaque."""
    return to_bytes(opacity[..., None].expand(*opacity.shape, 3))


def error_map(
    image: Float[Tensor, "height width rgb=3"], truth: Float[Tensor, "height width rgb=3"]
) -> UInt8[Tensor, "height width rgb=3"]:
    """Mean absolute difference of the channels: black is none, then red, yellow, and white from 1/4 on."""
    error = (image - truth).abs().mean(-1, keepdim=True) / ERROR_AT_WHITE
    return to_bytes(3 * error - torch.arange(3).to(error))


def side_by_side(images: Sequence[UInt8[Tensor, "height _ rgb=3"]]) -> UInt8[Tensor, "height width rgb=3"]:
    """Pictures of one height in a row, from left to right."""
    return torch.cat(list(images), 1)


def turbo(value: Float[Tensor, "*n"]) -> Float[Tensor, "*n rgb=3"]:
    """sRGB of the colour map Turbo (Mikhailov 2019), dark blue at 0 and dark red at 1; values outside get the nearest
    end, what is no number the blue one."""
    table = turbo_table().to(value)
    return table[(value.nan_to_num(0.0).clamp(0, 1) * (len(table) - 1)).round().long()]


@functools.cache
def turbo_table() -> Float[Tensor, "shade=256 rgb=3"]:
    from matplotlib import colormaps  # slow to import, and needed once

    return torch.from_numpy(colormaps["turbo"](range(256))[:, :3])
