"""The teacher that is asked: one trained field or several, after edits."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..fields import Field
from ..fields.base import Occupied
from ..renderers import Sampler
from ..scenes import Box, Cameras, Domain
from ..scenes.crop import Crop
from ..train import TrainedField
from .edits import Confined, Cut, Frozen, Moved, Union
from .space import cells_where

RIGID = 1e-4  # how far a rotation's columns may be from orthonormal


@dataclass(frozen=True)
class Edits:
    """What is done to the teachers before they are asked.

    `world_from_field` moves each of them (rigid, rows of 4×4), where there are any. Of what they make together only
    the boxes `keep` are left, if there are any, and nothing in the boxes `remove` nor outside of `crop`; all are in
    world units. A moving scene is taken at `time`, if that is not None.
    """

    world_from_field: tuple[Float[Tensor, "row=4 column=4"], ...] = ()
    keep: tuple[Box, ...] = ()
    remove: tuple[Box, ...] = ()
    time: float | None = None
    crop: Crop | None = None

    @property
    def cuts(self) -> bool:
        return bool(self.keep or self.remove or self.crop)


def combined(teachers: Sequence[TrainedField], edits: Edits) -> TrainedField:
    """The teachers as one, after the edits, with an occupancy and the cameras of all.

    Raises ValueError, in the user's words, for a transform that is not rigid, a box that misses the scene, a moment
    that no scene has, and where nothing is left.
    """
    _check(teachers, edits)
    poses = edits.world_from_field or (torch.eye(4),) * len(teachers)
    parts = [_placed(one, pose, edits.time) for one, pose in zip(teachers, poses, strict=True)]
    fields, contains, cameras = (list(column) for column in zip(*parts, strict=True))
    first = teachers[0]
    if len(fields) == 1 and fields[0] is first.field and not edits.cuts:
        _check_something_there(first.sampler)
        return first
    confined = [Confined(field, there) for field, there in zip(fields, contains, strict=True)]
    whole = confined[0] if len(confined) == 1 else Union(confined)
    if edits.cuts:
        _check_boxes(whole.domain, edits)
        whole = Cut(whole, edits.keep, edits.remove, edits.crop)

    def anything(position: Float[Tensor, "n xyz=3"]) -> Bool[Tensor, "n"]:
        there = torch.stack([each(position) for each in contains]).any(0)
        return there & whole.left(position) if isinstance(whole, Cut) else there

    cells = cells_where(whole.domain, anything, first.device)
    _check_something_there(cells)
    return dataclasses.replace(first, field=whole, sampler=cells, cameras=tuple(chain(*cameras)), given=())


def _placed(
    trained: TrainedField, pose: Float[Tensor, "row=4 column=4"], time: float | None
) -> tuple[Field, Occupied, tuple[Cameras, ...]]:
    """One teacher where and when it is to be: its field, where that may be anything, and its cameras."""
    field, cameras, sampler = trained.field, trained.cameras, trained.sampler
    if time is not None:
        field = Frozen(field, time)
        cameras = tuple(dataclasses.replace(each, time=torch.full_like(each.time, time)) for each in cameras)
    if torch.equal(pose, torch.eye(4).to(pose)):
        return field, sampler.contains, cameras
    moved = Moved(field, pose).to(trained.device)
    back = moved.field_from_world
    return (
        moved,
        lambda position: sampler.contains(position @ back[:3, :3].T + back[:3, 3]),
        tuple(_moved(each, pose) for each in cameras),
    )


def _moved(cameras: Cameras, pose: Float[Tensor, "row=4 column=4"]) -> Cameras:
    seen = (pose.to(cameras.world_from_camera) @ _square(cameras.world_from_camera))[:, :3]
    return dataclasses.replace(cameras, world_from_camera=seen)


def _square(poses: Float[Tensor, "view row=3 column=4"]) -> Float[Tensor, "view row=4 column=4"]:
    last = torch.tensor([0.0, 0.0, 0.0, 1.0]).to(poses).expand(len(poses), 1, 4)
    return torch.cat([poses, last], 1)


def _check(teachers: Sequence[TrainedField], edits: Edits) -> None:
    if edits.world_from_field and len(edits.world_from_field) != len(teachers):
        raise ValueError(
            f"There are {len(teachers)} fields to convert, but {len(edits.world_from_field)} transforms: "
            "give one for each, in their order."
        )
    for pose in edits.world_from_field:
        rotation = pose[:3, :3]
        if (rotation.T @ rotation - torch.eye(3).to(rotation)).abs().max() > RIGID or torch.linalg.det(
            rotation
        ) < 0:
            raise ValueError("A transform must be rigid: turned and shifted, neither scaled nor mirrored.")
    if edits.time is not None and not 0 <= edits.time <= 1:
        raise ValueError(f"The moment of a scene is from 0 to 1, not {edits.time}.")


def _check_boxes(domain: Domain, edits: Edits) -> None:
    """Boxes to keep are checked where they become the domain."""
    for box in edits.remove:
        apart = any(a >= d or c >= b for a, b, c, d in zip(box.lo, box.hi, domain.lo, domain.hi, strict=True))
        if apart and isinstance(domain, Box):
            raise ValueError(
                f"The box to remove, from {box.lo} to {box.hi}, lies outside the scene, "
                f"which reaches from {domain.lo} to {domain.hi}."
            )


def _check_something_there(sampler: Sampler) -> None:
    if sampler.occupied_share == 0:
        raise ValueError(
            "There is nothing to convert: no cell of the field is occupied. It was trained too briefly, or the "
            "boxes leave nothing of it."
        )
