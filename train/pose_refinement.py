"""Poses of photographs are estimates: what a training may correct of them, by the gradients of its rays."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..fields import ParameterGroup
from ..scenes import Cameras, Rays
from ..scenes.views import Views

REFINED = "refined"


class PoseRefinement(nn.Module):
    """A small rigid motion of each view's camera: a rotation ω about its centre (an axis times an angle, in the world's
    axes) and a shift of this, in units of `side`. Their means over the views are zero: the scene stays where it is.

    At a learning rate of 0 there are none, and rays stay as they are."""

    def __init__(self, views: int, side: float, learning_rate: float) -> None:
        super().__init__()
        self.side = side
        self.learning_rate = learning_rate
        if learning_rate:
            self.motions = nn.Parameter(torch.zeros(views, 6))

    def parameter_groups(self) -> list[ParameterGroup]:
        return (
            [ParameterGroup("poses", (self.motions,), self.learning_rate, "grid")]
            if self.learning_rate
            else []
        )

    def of_views(self) -> tuple[Float[Tensor, "view row=3 column=3"], Float[Tensor, "view xyz=3"]]:
        """Rotations and shifts in world units."""
        omega, shift = (self.motions - self.motions.mean(0)).split(3, -1)
        return rotation_of(omega), shift * self.side

    def refined(self, rays: Rays) -> Rays:
        """The rays of training views, with gradients."""
        if not self.learning_rate:
            return rays
        rotation, shift = (each.index_select(0, rays.view) for each in self.of_views())
        directions = (rotation @ rays.directions[:, :, None])[:, :, 0]
        return replace(rays, origins=rays.origins + shift, directions=directions)

    def facts(self) -> dict[str, str]:
        """What a file's provenance tells of its cameras, in words."""
        return {"poses": REFINED} if self.learning_rate else {}

    def given(self, groups: Sequence[Views]) -> tuple[Float[Tensor, "view row=3 column=4"], ...]:
        """The poses of training views as the data have them, where they are no longer believed."""
        return tuple(views.cameras.world_from_camera for views in groups) if self.learning_rate else ()

    @torch.no_grad()
    def cameras(self, views: Views) -> Cameras:
        """Those of some training views, where they have been found to be."""
        if not self.learning_rate:
            return views.cameras
        rows = slice(views.first, views.first + len(views))
        rotation, shift = (each[rows] for each in self.of_views())
        axes, centre = views.cameras.world_from_camera.split([3, 1], -1)
        poses = torch.cat([rotation @ axes, centre + shift[:, :, None]], -1)
        return replace(views.cameras, world_from_camera=poses)


def rotation_of(omega: Float[Tensor, "n xyz=3"]) -> Float[Tensor, "n row=3 column=3"]:
    """exp of the matrix [ω]× of cross products (Rodrigues's rotation by |ω| about ω)."""
    x, y, z = omega.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))
    return torch.linalg.matrix_exp(cross)
