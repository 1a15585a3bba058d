"""The visual hull: what silhouettes alone say about where nothing can be (Laurentini 1994)."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from .cameras import Lens
from .domain import Box, Domain
from .scene import Views


def visual_hull(views: Views, domain: Domain, resolution: int) -> Bool[Tensor, "cell"]:
    """Which of `resolution`³ cells (x + y·R + z·R²) may hold something: those no view sees through.

    A cell is ruled out where every pixel it could cover in some view is wholly transparent. Views with masked
    pixels, fisheye lenses or an unbounded domain rule nothing out.
    """
    cells = torch.arange(resolution**3, device=views.images.device)
    maybe = torch.ones(len(cells), dtype=torch.bool, device=cells.device)
    if not isinstance(domain, Box) or views.cameras.lens is not Lens.PERSPECTIVE or views.ignored.any():
        return maybe
    radius = domain.side / resolution * 3**0.5 / 2
    for view in range(len(views)):
        left = cells[maybe]
        corner = torch.stack([left % resolution, left // resolution % resolution, left // resolution**2], -1)
        center = domain.world_from_unit((corner + 0.5) / resolution)
        maybe[left] = _may_be_seen(views, view, center, radius)
    return maybe


def _may_be_seen(views: Views, view: int, center: Float[Tensor, "n xyz=3"], radius: float) -> Bool[Tensor, "n"]:
    """Whether a ball around each point could touch something opaque in one view, or lies beyond its frame."""
    sensor, depth = views.cameras.project(view, center)
    if depth.numel() == 0 or depth.min() <= 2 * radius:
        return torch.ones_like(depth, dtype=torch.bool)  # the camera stands inside: too near to say
    reach = views.cameras.focal[view].max() * radius / (depth.min() - radius)
    block = int(reach.ceil())
    opaque = _blocks(views.images[view, :, :, 3], block)
    column, row = (sensor / block).floor().long().unbind(-1)
    inside = (column >= 1) & (row >= 1) & (column < opaque.shape[1] - 1) & (row < opaque.shape[0] - 1)
    row, column = row.clamp(0, opaque.shape[0] - 1), column.clamp(0, opaque.shape[1] - 1)
    return ~inside | opaque[row, column]


def _blocks(alpha: Tensor, block: int) -> Bool[Tensor, "row column"]:
    """For blocks of pixels, whether anything is there or in a neighbouring block."""
    pool = torch.nn.functional.max_pool2d
    blocks = pool(alpha[None].float(), block, ceil_mode=True)
    return pool(blocks, 3, stride=1, padding=1)[0] > 0
