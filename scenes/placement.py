"""Where a captured scene lies in its world: which way is up, and which box holds what the cameras look at.

The rule, in the order it is tried:

1. A data set may say that the scene is bounded, and by which box.
2. Pictures whose borders are transparent or masked hold an object and nothing else: a box around the point
   that the cameras look at, as large as what the pictures cover there. Transparency inside the pictures says the
   same, but of an object that reaches over their edges: the box reaches at least half way to the farthest camera.
3. Everything else is unbounded. The inner half of the contraction is a cube around the point that the cameras
   look at, as large as what the pictures cover there, but reaching from half way up to the farthest camera:
   a long lens would else leave most of it empty. Where the cameras look outwards, the cube is around their
   middle and reaches as far as what they see (`agreement.ask` compares the pictures), but at least twice as far as
   the farthest camera. Cameras that see only what is far beyond the point where their axes meet look outwards too:
   those of a panorama stand on one spot but for a trembling hand, and their axes meet anywhere near it.
4. Of these, where the cameras look at something from one side (LLFF's captures), the box is around the cameras instead,
   and reaches half as far as what they look at: see `Outlook`.

Nowhere do the few count that are far off all others (`poses.far_off`): one wrong pose must not make the box so large
that nothing in it can be seen. Everything is computed in float64, and what lies far from the origin of its coordinates
(a map's, for instance) is moved there: views and fields are float32.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from .agreement import Told, ask
from .camera_groups import all_poses
from .cameras import Cameras
from .domain import Box, Contraction, Corner, Domain, Outlook
from .notice import notice
from .orientation import Orientation, upright
from .poses import LookAt, astray, largest, look_at, middle_of
from .views import Views, cameras_of, names_of

BOX_NEAR = 0.025  # of the box's side; rays from outside start where they enter the box
CONTRACTION_NEAR = 0.01  # of the inner box's side
VISIBLE_MARGIN = 1.05
EMPTY_BORDER = 0.9  # share of the border that must be transparent or ignored for a picture of an object alone
CUT_OUT = 0.02  # share of all pixels that must be transparent, but not in all pictures, for an object that is cut off
ON_THE_SPOT = 8  # times as far as the point looked at: what is seen lies elsewhere
SAME_WAY = 0.9  # length of the mean viewing direction from which on cameras count as looking the same way
FAR_AWAY = 30  # sides of the box from the origin, beyond which float32 is too coarse for what is in the box


@dataclass(frozen=True)
class Capture:
    """Views as the files have them; poses in float64, for the input may lie far from its origin."""

    train: tuple[Views, ...]
    test: tuple[Views, ...]


@dataclass(frozen=True)
class Stated:
    """What a data set itself says of where it lies: which way is up, and for a bounded scene the centre and half side
    of its box, in the input's frame. `file` is where it says so, for complaints."""

    file: str
    orientation: Orientation = "up"
    up: Float[Tensor, "xyz=3"] | None = None  # instant-ngp's: it takes the place of the cameras' average
    cube: tuple[Float[Tensor, "xyz=3"], float] | None = None


@dataclass(frozen=True)
class Placement:
    """`near` is in world units. `scene_from_input` is rigid and in float64: lengths stay the dataset's own."""

    scene_from_input: Float[Tensor, "row=4 column=4"]
    domain: Domain
    near: float


def in_box(scene_from_input: Float[Tensor, "row=4 column=4"], domain: Domain) -> Placement:
    return Placement(scene_from_input, domain, BOX_NEAR * domain.side)


def in_contraction(scene_from_input: Float[Tensor, "row=4 column=4"], domain: Domain) -> Placement:
    return Placement(scene_from_input, domain, CONTRACTION_NEAR * domain.side)


def place(capture: Capture, stated: Stated) -> Placement:
    """The rule above."""
    told = notice_poses(capture, stated.file)
    if stated.cube is not None:
        centre, half = stated.cube
        scene_from_input = near_origin(centre, half)
        return in_box(scene_from_input, Box(*cube(scene_from_input, centre, half)))
    cameras = cameras_of(capture.train)
    poses = all_poses(cameras)
    target = look_at(poses)
    if target.inward and shows_an_object(capture.train):
        half = half_width_of_object(capture.train, target)
        scene_from_input = upright(poses, stated.orientation, stated.up, target.point)
        return in_box(scene_from_input, Box(*cube(scene_from_input, target.point, half)))
    centre, half = inner_cube(cameras, target, told)
    kind = Contraction
    if looks_inward(target, told) and stand_before(poses, target):
        centre, half, kind = middle_of(poses), target.depth.median().item() / 2, Outlook
    scene_from_input = upright(poses, stated.orientation, stated.up, centre)
    return in_contraction(scene_from_input, kind(*cube(scene_from_input, centre, half)))


def stand_before(poses: Float[Tensor, "view row column=4"], target: LookAt) -> bool:
    """Whether the cameras look at something from one side: all the same way, and from within half of the way to it."""
    same_way = -poses[:, :, 2].mean(0)
    apart = largest((poses[:, :, 3] - middle_of(poses)).norm(dim=-1))
    return bool(same_way.norm() > SAME_WAY and apart < target.depth.median() / 2)


def notice_poses(capture: Capture, file: str) -> Told:
    """What the pictures tell about the poses; the user is told of those that seem to be wrong."""
    _name_astray(capture, file)
    told = ask(capture.train)
    if told.convention:
        notice(
            f"{file}: the poses look like {told.convention}, for only then do the pictures agree; they must "
            "be camera-to-world, with the camera's x to the right, y up, and looking along -z."
        )
    return told


def _name_astray(capture: Capture, file: str) -> None:
    """Tell the user of cameras that stand far off all others."""
    views = capture.train + capture.test
    names, poses = names_of(views), all_poses([each.cameras for each in views])
    distance = (poses[:, :, 3] - middle_of(poses)).norm(dim=-1)
    far = astray(poses)
    for view in far.nonzero()[:, 0].tolist():
        notice(
            f"{file}: the camera of {names[view]} stands {distance[view]:.3g} units from the middle of the "
            f"others, which are within {distance[~far].max():.3g}: its transform_matrix may be wrong."
        )


def visible_half_width(cameras: Sequence[Cameras], target: LookAt) -> float:
    """The largest half width that any picture covers at the depth of the point looked at; world units."""
    return largest(target.depth * torch.cat([_reach(each) for each in cameras]))


def _reach(cameras: Cameras) -> Float[Tensor, "view"]:
    size = torch.tensor([cameras.width, cameras.height])
    return (torch.maximum(cameras.principal, size - cameras.principal) / cameras.focal).amax(-1)


def half_width_of_object(groups: Sequence[Views], target: LookAt) -> float:
    covered = VISIBLE_MARGIN * visible_half_width(cameras_of(groups), target)
    return covered if ends_within(groups) else max(covered, largest(target.depth) / 2)


def inner_cube(
    cameras: Sequence[Cameras], target: LookAt, told: Told
) -> tuple[Float[Tensor, "xyz=3"], float]:
    """Centre and half side of the part of an unbounded scene that is not contracted."""
    inward, poses = looks_inward(target, told), all_poses(cameras)
    centre = target.point if inward else middle_of(poses)
    # A ball, not a box: its size must not depend on the rotation that is yet to come.
    farthest = largest((poses[:, :, 3] - centre).norm(dim=-1))
    if inward:
        return centre, min(max(VISIBLE_MARGIN * visible_half_width(cameras, target), farthest / 2), farthest)
    return centre, max(2 * farthest, told.distance) or 1.0


def looks_inward(target: LookAt, told: Told) -> bool:
    return target.inward and told.distance < ON_THE_SPOT * target.depth.median().item()


def shows_an_object(groups: Sequence[Views]) -> bool:
    return ends_within(groups) or is_cut_out(groups)


def ends_within(groups: Sequence[Views]) -> bool:
    """Whether nearly nothing along the borders of the pictures is both opaque and not ignored."""
    empty = torch.cat(
        [_border((views.alpha(i) == 0) | views.ignored[i]) for views in groups for i in range(len(views))]
    )
    return empty.float().mean().item() >= EMPTY_BORDER


def is_cut_out(groups: Sequence[Views]) -> bool:
    """Whether something was cut out of its surroundings, even if it reaches over the edges of the pictures.

    Pixels that are transparent in all pictures of a group say nothing: undistorted photographs have such corners.
    """
    pixels = sum(views.ignored.numel() for views in groups)
    return sum(_cut_out(views) for views in groups if views.has_alpha) >= CUT_OUT * pixels


def _cut_out(views: Views) -> int:
    """How many pixels are transparent, though not in all views."""
    count = torch.zeros(views.images.shape[1:3], dtype=torch.int32)
    for view in range(len(views)):  # one by one: all at once would need a quarter of the images' memory
        count += views.alpha(view) < 128
    return int(count[count < len(views)].sum())


def cube(
    scene_from_input: Float[Tensor, "row=4 column=4"], centre: Float[Tensor, "xyz=3"], half: float
) -> tuple[Corner, Corner]:
    """The corners in the scene's frame of a cube around a point of the input's."""
    x, y, z = (scene_from_input[:3, :3] @ centre + scene_from_input[:3, 3]).tolist()
    return (x - half, y - half, z - half), (x + half, y + half, z + half)


def near_origin(centre: Float[Tensor, "xyz=3"], half: float) -> Float[Tensor, "row=4 column=4"]:
    """The identity, or, where the box would lie FAR_AWAY, the move that takes its centre to the origin."""
    scene_from_input = torch.eye(4, dtype=torch.float64)
    if centre.abs().max() > FAR_AWAY * 2 * half:
        scene_from_input[:3, 3] = -centre
    return scene_from_input


def _border(pixels: Bool[Tensor, "height width"]) -> Bool[Tensor, "n"]:
    return torch.cat([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def placed(groups: Sequence[Views], placement: Placement) -> tuple[Views, ...]:
    """The views moved by the placement's rigid map into the scene's frame, in float32, with its `near`."""
    return tuple(_placed(views, placement) for views in groups)


def _placed(views: Views, placement: Placement) -> Views:
    scene_from_input = placement.scene_from_input
    poses = scene_from_input[:3, :3] @ views.cameras.world_from_camera
    poses[:, :, 3] += scene_from_input[:3, 3]
    cameras = replace(views.cameras, world_from_camera=poses.float(), near=placement.near)
    return replace(views, cameras=cameras)
