"""Whose coordinates poses are in: the scene's, those of its data, or those that the data had before."""

import dataclasses
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from .cameras import Cameras


@dataclass(frozen=True)
class WorldFrames:
    """Affine maps: into a field's own frame (the scene's) from that of its data, and into that one from where the data
    were before their `applied_transform` and `applied_scale`."""

    scene_from_input: Float[Tensor, "row=4 column=4"]
    input_from_original: Float[Tensor, "row=4 column=4"]

    @property
    def input_from_scene(self) -> Float[Tensor, "row=4 column=4"]:
        return torch.linalg.inv(self.scene_from_input)


SAME = WorldFrames(torch.eye(4, dtype=torch.float64), torch.eye(4, dtype=torch.float64))


def moved(cameras: Cameras, there_from_here: Float[Tensor, "row=4 column=4"]) -> Cameras:
    """The cameras in another frame, of another scale perhaps."""
    poses = moved_poses(cameras.world_from_camera.cpu(), there_from_here)
    return dataclasses.replace(cameras, world_from_camera=poses.float().to(cameras.focal.device))


def moved_poses(
    poses: Float[Tensor, "view row=3 column=4"], there_from_here: Float[Tensor, "row=4 column=4"]
) -> Float[Tensor, "view row=3 column=4"]:
    """In float64: data may lie far from their origin."""
    linear, poses = there_from_here[:3, :3].double(), poses.double()
    turn = linear / torch.linalg.det(linear) ** (1 / 3)
    place = linear @ poses[:, :, 3:] + there_from_here[:3, 3:].double()
    return torch.cat([turn @ poses[:, :, :3], place], -1)
