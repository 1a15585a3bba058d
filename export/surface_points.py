"""Places in a scene as a field is asked about them when no camera looks."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..fields import Points
from ..scenes.camera_groups import commonest
from ..scenes.looked_at import middle_looked_at
from ..train.field_file import TrainedField


def points_of(
    position: Float[Tensor, "n xyz=3"],
    trained: TrainedField,
    time: float,
    direction: Float[Tensor, "n xyz=3"] | None = None,
) -> Points:
    """Looked at from outside of the scene, or along a direction; with the footprint that a pixel of the training
    cameras has at their median distance from the middle."""
    middle = middle_looked_at(trained.field.domain, trained.cameras).to(position)
    toward = middle - position if direction is None else direction
    cameras = commonest(trained.cameras)
    distance = (cameras.world_from_camera[:, :, 3] - middle).norm(dim=-1).median()
    radius = distance * cameras.cone_radius(
        torch.zeros(1, dtype=torch.long), -cameras.world_from_camera[:1, :, 2]
    )
    return Points(
        position=position,
        direction=torch.nn.functional.normalize(toward, dim=-1),
        footprint=radius.expand(len(position)),
        time=torch.full_like(position[:, 0], time),
    )
