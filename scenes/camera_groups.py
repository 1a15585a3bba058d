"""Cameras of several sizes and lenses, group by group; their numbers run through all groups."""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .cameras import Cameras
from .columns import joined
from .rays import Rays

Groups = Sequence[Cameras]
MOST_NAMED = 4  # sizes


def camera_count(groups: Groups) -> int:
    return sum(map(len, groups))


def all_poses(groups: Groups) -> Float[Tensor, "view row=3 column=4"]:
    return torch.cat([cameras.world_from_camera for cameras in groups])


def all_times(groups: Groups) -> Float[Tensor, "view"]:
    return torch.cat([cameras.time for cameras in groups])


def any_moving(groups: Groups) -> bool:
    """Whether the views are of different times."""
    times = all_times(groups)
    return bool((times != times[:1]).any())


def commonest(groups: Groups) -> Cameras:
    """Where only one size or lens will do: that which most cameras have, of equals the first."""
    return max(groups, key=len)


def sizes(groups: Groups) -> str:
    """In words, each once: 640×480 and 480×640."""
    each = list(dict.fromkeys(f"{cameras.width}×{cameras.height}" for cameras in groups))
    if len(each) > MOST_NAMED:
        each[MOST_NAMED - 1 :] = [f"{len(each) - MOST_NAMED + 1} other sizes"]
    return " and ".join(filter(None, [", ".join(each[:-1]), each[-1]]))


def camera(groups: Groups, number: int) -> Cameras:
    """The one of a number, alone."""
    for cameras in groups:
        if number < len(cameras):
            return cameras[number : number + 1]
        number -= len(cameras)
    raise IndexError(number)


def one_by_one(cameras: Cameras) -> list[Cameras]:
    return [cameras[view : view + 1] for view in range(len(cameras))]


def chosen(groups: Groups, numbers: Int[Tensor, "n"]) -> tuple[Cameras, ...]:
    """The cameras of some numbers, without the groups that have none of them."""
    return tuple(cameras[local] for cameras, local, _ in located(groups, numbers))


def located(
    groups: Groups, numbers: Int[Tensor, "n"]
) -> Iterator[tuple[Cameras, Int[Tensor, "m"], Int[Tensor, "m"]]]:
    """Of each group that has some of the cameras: the group, their places in it, and the rows of `numbers`."""
    first = 0
    for cameras in groups:
        rows = ((numbers >= first) & (numbers < first + len(cameras))).nonzero()[:, 0]
        if len(rows):
            yield cameras, numbers[rows] - first, rows
        first += len(cameras)


def rays_in_frame(
    groups: Groups, numbers: Int[Tensor, "ray"], x: Float[Tensor, "ray"], y: Float[Tensor, "ray"]
) -> Rays:
    """A ray of each numbered camera; x and y are shares of its picture's width and height."""
    if len(groups) == 1:
        return groups[0].rays(numbers, x * groups[0].width, y * groups[0].height)
    parts, places = [], []
    for cameras, local, rows in located(groups, numbers):
        parts.append(cameras.rays(local, x[rows] * cameras.width, y[rows] * cameras.height))
        places.append(rows)
    return joined(parts)[torch.cat(places).argsort()]


def cone_radius(
    groups: Groups, numbers: Int[Tensor, "n"], direction: Float[Tensor, "n xyz=3"]
) -> Float[Tensor, "n"]:
    """`Cameras.cone_radius` of cameras by their numbers."""
    if len(groups) == 1:
        return groups[0].cone_radius(numbers, direction)
    radius = torch.empty_like(direction[:, 0])
    for cameras, local, rows in located(groups, numbers):
        radius[rows] = cameras.cone_radius(local, direction[rows])
    return radius
