"""What cameras alone say about where nothing can be: silhouettes (Laurentini 1994), and the edges of their frames."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..ops import cell_place
from .cameras import Lens
from .cells import finer
from .domain import Box, Domain
from .scene import Views

COARSEST = 32
ENOUGH_VIEWS = 40  # more views rule out little more, and take their time


def never() -> bool:
    return False


def possible_cells(
    views: Views, domain: Domain, resolution: int, *, enough: Callable[[], bool] = never
) -> Bool[Tensor, "cell"]:
    """Which of `resolution`³ cells (in the order of `cell_number`) may hold something that a view could show.

    In a bounded scene the visual hull; in an unbounded one all that lies in the frame of some view. Fisheye lenses
    rule nothing out, nor do views of different times in a bounded scene: what one of them sees through may hold
    something at the time of another, and at times of which there is no view. `resolution` is a power of two. No more
    views are asked once there has been `enough`: fewer rule out less, and nothing wrongly.
    """
    bounded = isinstance(domain, Box)
    if views.cameras.lens is not Lens.PERSPECTIVE or (bounded and views.cameras.moving):
        return torch.ones(resolution**3, dtype=torch.bool, device=views.images.device)
    if bounded:
        return visual_hull(views, domain, resolution, enough=enough)
    return in_some_frame(views, domain, resolution)


def in_some_frame(views: Views, domain: Domain, resolution: int) -> Bool[Tensor, "cell"]:
    """Cells of which a corner, or one of a neighbouring cell, is within some frame; in pieces of 1/32 of the cube."""
    size = min(resolution, COARSEST)
    ticks = torch.arange(size + 1, device=views.images.device) / size
    z, y, x = torch.meshgrid(ticks, ticks, ticks, indexing="ij")
    corner = domain.world_from_unit(torch.stack([x, y, z], -1).reshape(-1, 3))
    frame = torch.tensor([views.cameras.width, views.cameras.height], device=corner.device)
    seen = torch.zeros(len(corner), dtype=torch.bool, device=corner.device)
    for view in range(len(views)):
        sensor, depth = views.cameras.project(view, corner)
        seen |= (depth > 0) & ((sensor > 0) & (sensor < frame)).all(-1)
    corners = seen.reshape(1, size + 1, size + 1, size + 1).float()
    cells = torch.nn.functional.max_pool3d(corners, 4, stride=1, padding=1)[0] > 0
    return finer(cells[:size, :size, :size].reshape(-1), resolution // size)


def visual_hull(
    views: Views, domain: Domain, resolution: int, *, enough: Callable[[], bool] = never
) -> Bool[Tensor, "cell"]:
    """Which of `resolution`³ cells (in the order of `cell_number`) may hold something: those no view sees through.

    Up to ENOUGH_VIEWS of the views are asked. A cell is ruled out where every pixel it could cover in some view is
    wholly transparent. Views with masked pixels rule nothing out. `resolution` is a power of two, or below 32.
    """
    if views.ignored.any():
        return torch.ones(resolution**3, dtype=torch.bool, device=views.images.device)
    if resolution > COARSEST:  # most of space is ruled out in large pieces
        maybe = finer(visual_hull(views, domain, resolution // 2, enough=enough), 2)
    else:
        maybe = torch.ones(resolution**3, dtype=torch.bool, device=views.images.device)
    left = maybe.nonzero()[:, 0]
    center = domain.world_from_unit((cell_place(left, resolution) + 0.5) / resolution)
    radius = domain.side / resolution * 3**0.5 / 2
    for view in range(0, len(views), -(-len(views) // ENOUGH_VIEWS)):
        if enough():
            break
        seen = _may_be_seen(views, view, center, radius)
        left, center = left[seen], center[seen]
    return torch.zeros_like(maybe).index_fill_(0, left, True)


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
    opaque = _blocks(views.images[view, :, :, 3], block)
    column, row = (sensor / block).floor().unbind(-1)
    inside = (column >= 1) & (row >= 1) & (column < opaque.shape[1] - 1) & (row < opaque.shape[0] - 1)
    row, column = row.clamp(0, opaque.shape[0] - 1).long(), column.clamp(0, opaque.shape[1] - 1).long()
    return ~inside | opaque[row, column]


def _blocks(alpha: Tensor, block: int) -> Bool[Tensor, "row column"]:
    """For whole blocks of pixels, whether anything is there or in a neighbouring block."""
    rows, columns = alpha.shape[0] // block, alpha.shape[1] // block
    blocks = alpha[: rows * block, : columns * block].reshape(rows, block, columns, block)
    opaque = (blocks > 0).any(3).any(1).float()
    return torch.nn.functional.max_pool2d(opaque[None], 3, stride=1, padding=1)[0] > 0
