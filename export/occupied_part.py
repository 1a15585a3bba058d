"""What of a crop anything is in: cells that only hold air make a mesh coarser."""

from dataclasses import replace

import torch

from ..scenes.crop import Crop
from ..train.field_file import TrainedField

SIDE = 128  # places along each axis that are looked at
MARGIN = 1.5  # of their distances


@torch.no_grad()
def occupied_part(crop: Crop, trained: TrainedField) -> Crop:
    """The smallest part that holds all places where the field may be anything; all of it where there is none."""
    device = trained.device
    step = crop.size.to(device) / SIDE
    number = torch.arange(SIDE, device=device) + 0.5 - SIDE / 2
    local = torch.stack(torch.meshgrid(number, number, number, indexing="ij"), -1).reshape(-1, 3) * step
    local = local[trained.sampler.contains(crop.world_from_box(local))]
    if not len(local):
        return crop
    half = crop.size.to(device) / 2
    lo = (local.amin(0) - MARGIN * step).maximum(-half)
    hi = (local.amax(0) + MARGIN * step).minimum(half)
    return replace(crop, center=crop.world_from_box((lo + hi) / 2).cpu(), size=(hi - lo).cpu())
