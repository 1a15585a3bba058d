"""What cameras alone say about where nothing can be: silhouettes (Laurentini 1994), and the edges of their frames."""

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..ops import cell_place
from .camera_groups import any_moving
from .cameras import Lens
from .cells import finer
from .domain import Box, Domain
from .placement import ends_within
from .views import Views, cameras_of

COARSEST = 32
WRONG_MASKS = 0.1  # of an object's masks, how many may be wrong
ENOUGH_VIEWS = 40  # more views rule out little more, and take their time


def never() -> bool:
    return False


def possible_cells(
    groups: Sequence[Views], domain: Domain, resolution: int, *, enough: Callable[[], bool] = never
) -> Bool[Tensor, "cell"]:
    """Which of `resolution`³ cells (in the order of `cell_number`) may hold something that a view could show.

    In a bounded scene the visual hull; in an unbounded one all that lies in the frame of some view. Views of fisheye
    lenses rule nothing out, nor do views of different times in a bounded scene: what one of them sees through may hold
    something at the time of another, and at times of which there is no view. `resolution` is a power of two. No more
    views are asked once there has been `enough`: fewer rule out less, and nothing wrongly.
    """
    bounded, moving = isinstance(domain, Box), any_moving(cameras_of(groups))
    if bounded and not moving:
        return visual_hull(groups, domain, resolution, enough=enough)
    if bounded or any(views.cameras.lens is not Lens.PERSPECTIVE for views in groups):
        return torch.ones(resolution**3, dtype=torch.bool, device=groups[0].images.device)
    return in_some_frame(groups, domain, resolution)


def in_some_frame(groups: Sequence[Views], domain: Domain, resolution: int) -> Bool[Tensor, "cell"]:
    """Cells of which a corner, or one of a neighbouring cell, is within some frame; in pieces of 1/32 of the cube."""
    size = min(resolution, COARSEST)
    ticks = torch.arange(size + 1, device=groups[0].images.device) / size
    z, y, x = torch.meshgrid(ticks, ticks, ticks, indexing="ij")
    corner = domain.world_from_unit(torch.stack([x, y, z], -1).reshape(-1, 3))
    seen = torch.zeros(len(corner), dtype=torch.bool, device=corner.device)
    for cameras in cameras_of(groups):
        frame = torch.tensor([cameras.width, cameras.height], device=corner.device)
        for view in range(len(cameras)):
            sensor, depth = cameras.project(view, corner)
            seen |= (depth > 0) & ((sensor > 0) & (sensor < frame)).all(-1)
    corners = seen.reshape(1, size + 1, size + 1, size + 1).float()
    cells = torch.nn.functional.max_pool3d(corners, 4, stride=1, padding=1)[0] > 0
    return finer(cells[:size, :size, :size].reshape(-1), resolution // size)


def visual_hull(
    groups: Sequence[Views], domain: Domain, resolution: int, *, enough: Callable[[], bool] = never
) -> Bool[Tensor, "cell"]:
    """Which of `resolution`³ cells (in the order of `cell_number`) may hold something: those no view sees through.

    Up to ENOUGH_VIEWS of the views are asked. A cell is ruled out where every pixel it could cover in some view is
    wholly transparent. Groups that have no alpha or masked pixels rule nothing out, unless the borders of nearly all
    pictures are masked: then what is not is taken for an object, and a cell is ruled out where more than a few
    views see nothing of it. `resolution` is a power of two, or below 32.
    """
    device = groups[0].images.device
    telling, few = _telling(groups)
    if not telling:
        return torch.ones(resolution**3, dtype=torch.bool, device=device)
    if resolution > COARSEST:  # most of space is ruled out in large pieces
        maybe = finer(visual_hull(groups, domain, resolution // 2, enough=enough), 2)
    else:
        maybe = torch.ones(resolution**3, dtype=torch.bool, device=device)
    left = maybe.nonzero()[:, 0]
    center = domain.world_from_unit((cell_place(left, resolution) + 0.5) / resolution)
    radius = domain.side / resolution * 3**0.5 / 2
    missed = torch.zeros_like(left)
    for views, view in telling:
        if enough():
            break
        missed = missed + ~_may_be_seen(views, view, center, radius)
        kept = missed <= few
        left, center, missed = left[kept], center[kept], missed[kept]
    return torch.zeros_like(maybe).index_fill_(0, left, True)


def _telling(groups: Sequence[Views]) -> tuple[list[tuple[Views, int]], int]:
    """The views whose silhouettes are asked, and how many of them may be wrong: a mask may be for what stands before
    the object as well."""
    flat = [views for views in groups if views.cameras.lens is Lens.PERSPECTIVE]
    told = [views for views in flat if views.has_alpha and not bool(views.ignored.any())]
    by_masks = not any(views.has_alpha for views in groups) and ends_within(groups)
    views = [(each, i) for each in (flat if by_masks else told) for i in range(len(each))]
    asked = views[:: max(-(-len(views) // ENOUGH_VIEWS), 1)]
    return asked, math.ceil(WRONG_MASKS * len(asked)) if by_masks else 0


def _may_be_seen(
    views: Views, view: int, center: Float[Tensor, "n xyz=3"], radius: float
) -> Bool[Tensor, "n"]:
    """Whether a ball around each point could touch something opaque in one view, or lies beyond its frame."""
    sensor, depth = views.cameras.project(view, center, radius)
    if depth.numel() == 0 or depth.min() <= 2 * radius:
        return torch.ones_like(depth, dtype=torch.bool)  # the camera stands inside: too near to say
    reach = views.cameras.focal[view].max() * radius / (depth.min() - radius)
    block = int(reach.ceil())
    if 3 * block > min(views.images.shape[1:3]):
        return torch.ones_like(
            depth, dtype=torch.bool
        )  # too near, again: no block has neighbours on all sides
    opaque = _blocks((views.alpha(view) > 0) & ~views.ignored[view], block)
    column, row = (sensor / block).floor().unbind(-1)
    inside = (column >= 1) & (row >= 1) & (column < opaque.shape[1] - 1) & (row < opaque.shape[0] - 1)
    row, column = row.clamp(0, opaque.shape[0] - 1).long(), column.clamp(0, opaque.shape[1] - 1).long()
    return ~inside | opaque[row, column]


def _blocks(opaque: Bool[Tensor, "height width"], block: int) -> Bool[Tensor, "row column"]:
    """For whole blocks of pixels, whether anything is there or in a neighbouring block."""
    rows, columns = opaque.shape[0] // block, opaque.shape[1] // block
    blocks = opaque[: rows * block, : columns * block].reshape(rows, block, columns, block).any(3).any(1)
    return torch.nn.functional.max_pool2d(blocks.float()[None], 3, stride=1, padding=1)[0] > 0
