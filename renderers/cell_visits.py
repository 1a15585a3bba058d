"""Which cells of a domain's cube are visited next, and where in them a field is asked."""

import torch
from jaxtyping import Bool, Int, Int32
from torch import Tensor

from ..fields import Points
from ..ops import cell_place
from ..scenes import Domain

MIDDLE = 0x00808080  # a place: the middle of a cell, at time 0


def shuffled_cells(cells: Bool[Tensor, "cell"]) -> Int[Tensor, "n"]:
    """The numbers of those cells, in an order that is always the same."""
    numbers = cells.nonzero()[:, 0]
    order = torch.randperm(len(numbers), generator=torch.Generator().manual_seed(0), device="cpu")
    return numbers[order.to(numbers.device)]


def points_in(
    cell: Int[Tensor, "n"],
    place: Int32[Tensor, "n"],
    domain: Domain,
    *,
    size: int,
    generator: torch.Generator | None,
) -> Points:
    """Points at places in cells of a grid of `size`³, seen from anywhere if there is a generator. A place is x, y, z
    and the time, a byte each."""
    x, y, z, time = (place >> shift & 255 for shift in (0, 8, 16, 24))
    corner = cell_place(cell, size)
    # On no wall of the cell: rounding would put it into the next one.
    inside = torch.stack([x, y, z], -1).clamp_min(1) / 256
    direction = torch.tensor([0.0, 0.0, 1.0], device=cell.device).expand(len(cell), 3)
    if generator is not None:
        direction = torch.randn(len(cell), 3, generator=generator, device=cell.device)
    return Points(
        position=domain.world_from_unit((corner + inside) / size),
        direction=torch.nn.functional.normalize(direction, dim=-1),
        footprint=torch.zeros(len(cell), device=cell.device),
        time=time / 255,
    )
