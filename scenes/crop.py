"""A part of the world that is looked at or exported, as a box that may be turned."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from .cameras import Cameras
from .domain import Box, Corner, Domain
from .looked_at import box_looked_at
from .rays import Rays


@dataclass(frozen=True)
class Crop:
    """A box of which nothing outside is seen. `rotation` turns the box's axes into the world's."""

    center: Float[Tensor, "xyz=3"]
    rotation: Float[Tensor, "row=3 column=3"]
    size: Float[Tensor, "xyz=3"]

    def apply(self, rays: Rays) -> Rays:
        """Rays that begin and end where they enter and leave the box; one that misses it ends before it begins."""
        center, rotation, size = (each.to(rays.origins) for each in (self.center, self.rotation, self.size))
        origins = (rays.origins - center) @ rotation
        directions = rays.directions @ rotation
        safe = torch.where(directions.abs() < 1e-9, torch.full_like(directions, 1e-9), directions)
        one, other = (-size / 2 - origins) / safe, (size / 2 - origins) / safe
        near = torch.maximum(rays.near, torch.minimum(one, other).amax(-1))
        far = torch.minimum(rays.far, torch.maximum(one, other).amin(-1))
        return replace(rays, near=near, far=torch.maximum(far, near))

    def contains(self, position: Float[Tensor, "n xyz=3"]) -> Bool[Tensor, "n"]:
        return (self.box_from_world(position).abs() <= self.size.to(position) / 2).all(-1)

    def nearest(self, position: Float[Tensor, "n xyz=3"]) -> Float[Tensor, "n xyz=3"]:
        """The place in the box that is nearest to each."""
        half = self.size.to(position) / 2
        return self.world_from_box(self.box_from_world(position).clamp(-half, half))

    def around(self) -> Box:
        """The smallest box along the world's axes that holds it."""
        half = (self.rotation.abs() @ self.size / 2).double()
        lo, hi = ((self.center.double() + side * half).tolist() for side in (-1, 1))
        return Box((lo[0], lo[1], lo[2]), (hi[0], hi[1], hi[2]))

    def box_from_world(self, position: Float[Tensor, "*n xyz=3"]) -> Float[Tensor, "*n xyz=3"]:
        """Along the box's axes, from its middle."""
        return (position - self.center.to(position)) @ self.rotation.to(position)

    def world_from_box(self, local: Float[Tensor, "*n xyz=3"]) -> Float[Tensor, "*n xyz=3"]:
        return self.center.to(local) + local @ self.rotation.to(local).T


def crop_of(domain: Domain, cameras: Sequence[Cameras]) -> Crop:
    """What the cameras look at."""
    return crop_between(*box_looked_at(domain, cameras), torch.eye(4))


def crop_between(lo: Corner, hi: Corner, world_from_box: Float[Tensor, "row=4 column=4"]) -> Crop:
    """The box between two corners in a frame of their own, from which a rigid map leads to the world."""
    low, high = torch.tensor(lo, dtype=torch.float64), torch.tensor(hi, dtype=torch.float64)
    turn, shift = world_from_box[:3, :3].double(), world_from_box[:3, 3].double()
    return Crop((turn @ (low + high) / 2 + shift).float(), turn.float(), (high - low).float())
