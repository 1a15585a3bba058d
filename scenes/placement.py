"""Where a captured scene lies in its world: which way is up, and which box holds what the cameras look at.

The rule, in the order it is tried:

1. `aabb_scale: 1` says that the scene is bounded: instant-ngp's unit cube, through `scale` and `offset`.
2. Pictures whose borders are transparent or masked hold an object and nothing else: a box around the point
   that the cameras look at, as large as what the pictures cover there.
3. Everything else is unbounded. The inner half of the contraction is a cube around the point that the cameras
   look at, as large as what the pictures cover there, but reaching from half way up to the farthest camera:
   a long lens would else leave most of it empty. Where the cameras look outwards, the cube is around their
   middle and reaches twice as far as the farthest.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from .cameras import Cameras
from .capture import Capture
from .document import Document
from .domain import Box, Contraction, Corner, Domain
from .poses import LookAt, average_up, look_at, turn_up
from .scene import Views

BOX_NEAR = 0.025  # of the box's side; rays from outside start where they enter the box
CONTRACTION_NEAR = 0.01  # of the inner box's side
VISIBLE_MARGIN = 1.05
EMPTY_BORDER = 0.9  # share of the border that must be transparent or ignored for a picture of an object alone
NGP_SCALE, NGP_OFFSET = 0.33, 0.5
ORIENTATIONS = ("up", "vertical", "pca", "none")


@dataclass(frozen=True)
class Placement:
    """`near` is in world units. `scene_from_input` is rigid: lengths stay the dataset's own."""

    scene_from_input: Float[Tensor, "row=4 column=4"]
    domain: Domain
    near: float


def in_box(scene_from_input: Float[Tensor, "row=4 column=4"], domain: Domain) -> Placement:
    return Placement(scene_from_input, domain, BOX_NEAR * domain.side)


def in_contraction(scene_from_input: Float[Tensor, "row=4 column=4"], domain: Domain) -> Placement:
    return Placement(scene_from_input, domain, CONTRACTION_NEAR * domain.side)


def place(capture: Capture, document: Document) -> Placement:
    """The rule above, for the fields of a `transforms.json`."""
    if document.number_or("aabb_scale", 0.0) == 1:
        return in_box(torch.eye(4, dtype=torch.float64), _unit_cube(document))
    cameras = capture.train.cameras
    target = look_at(cameras.world_from_camera)
    if target.inward and shows_an_object_alone(capture.train):
        half = VISIBLE_MARGIN * visible_half_width(cameras, target)
        scene_from_input = upright(cameras, document, target.point)
        return in_box(scene_from_input, Box(*_cube(scene_from_input, target.point, half)))
    centre, half = inner_cube(cameras, target)
    scene_from_input = upright(cameras, document, centre)
    return in_contraction(scene_from_input, Contraction(*_cube(scene_from_input, centre, half)))


def visible_half_width(cameras: Cameras, target: LookAt) -> float:
    """The largest half width that any picture covers at the depth of the point looked at; world units."""
    size = torch.tensor([cameras.width, cameras.height])
    reach = torch.maximum(cameras.principal, size - cameras.principal) / cameras.focal
    return (target.depth * reach.amax(-1)).max().item()


def inner_cube(cameras: Cameras, target: LookAt) -> tuple[Float[Tensor, "xyz=3"], float]:
    """Centre and half side of the part of an unbounded scene that is not contracted."""
    origins = cameras.world_from_camera[:, :, 3]
    centre = target.point if target.inward else origins.mean(0)
    # A ball, not a box: its size must not depend on the rotation that is yet to come.
    farthest = (origins - centre).norm(dim=-1).max().item()
    if target.inward:
        return centre, min(max(VISIBLE_MARGIN * visible_half_width(cameras, target), farthest / 2), farthest)
    return centre, 2 * farthest if farthest > 0 else 1.0


def shows_an_object_alone(views: Views) -> bool:
    """Whether nearly nothing along the borders of the pictures is both opaque and not ignored."""
    empty = torch.stack([_border(views.images[..., 3] == 0), _border(views.ignored)]).any(0)
    return empty.float().mean().item() >= EMPTY_BORDER


def upright(
    cameras: Cameras, document: Document, origin: Float[Tensor, "xyz=3"]
) -> Float[Tensor, "row=4 column=4"]:
    """The rigid map that turns the cameras' average up (or the file's `up`) to +Z and moves `origin` to zero.

    `orientation_override: none` keeps the frame of the file.
    """
    override = document.text("orientation_override") if "orientation_override" in document else "up"
    if override not in ORIENTATIONS:
        raise document.error("orientation_override", f"is {override!r}; it may be {', '.join(ORIENTATIONS)}")
    scene_from_input = torch.eye(4, dtype=torch.float64)
    if override == "none":
        return scene_from_input
    up = average_up(cameras.world_from_camera)
    if "up" in document:
        up = torch.tensor(document.vector("up"), dtype=torch.float64)
    scene_from_input[:3, :3] = turn_up(up)
    scene_from_input[:3, 3] = -scene_from_input[:3, :3] @ origin
    return scene_from_input


def cube(centre: Float[Tensor, "xyz=3"], half: float) -> tuple[Corner, Corner]:
    x, y, z = centre.tolist()
    return (x - half, y - half, z - half), (x + half, y + half, z + half)


def _cube(
    scene_from_input: Float[Tensor, "row=4 column=4"], centre: Float[Tensor, "xyz=3"], half: float
) -> tuple[Corner, Corner]:
    return cube(scene_from_input[:3, :3] @ centre + scene_from_input[:3, 3], half)


def _unit_cube(document: Document) -> Box:
    """instant-ngp maps a position p to p·scale + offset and keeps what falls into [0, 1]³."""
    scale = document.positive("scale") if "scale" in document else NGP_SCALE
    offset = torch.full((3,), NGP_OFFSET, dtype=torch.float64)
    if "offset" in document:
        # A single number is accepted as well as one per axis, as instant-ngp does.
        listed = isinstance(document.values["offset"], list)
        offset = offset * 0 + torch.tensor(document.vector("offset") if listed else document.number("offset"))
    return Box(*cube((0.5 - offset) / scale, 0.5 / scale))


def _border(pixels: Tensor) -> Tensor:
    return torch.cat([pixels[:, 0], pixels[:, -1], pixels[:, :, 0], pixels[:, :, -1]], -1)
