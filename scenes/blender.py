"""NeRF-synthetic (Blender) datasets: `transforms_{train,val,test}.json` and RGBA pictures of an object.

D-NeRF's are the same, and each frame has a `time`."""

import re
from pathlib import Path

import torch

from .cameras import Cameras
from .capture import placed, read_capture
from .domain import Box, Contraction
from .frames import Frame, read_frames_of_split
from .placement import VISIBLE_MARGIN, Placement, cube, in_box, in_contraction, inner_cube, visible_half_width
from .poses import look_at
from .scene import Scene, has_transparency

USUAL_HALF_SIDE = 1.5
USUAL_FACTOR = (
    1.5  # how far what the pictures cover may be from the usual box before the scale is another one
)
AUXILIARY = re.compile(r"_(depth|normal)_\d+$")  # Blender writes these beside the test pictures


def load_blender(folder: Path, *, downscale: int) -> Scene:
    """Raises FileNotFoundError or ValueError that names the file and the field on bad input."""
    _, train, test = read_frames_of_split(folder)
    capture = read_capture(_pictures(train), _pictures(test), downscale=downscale)
    placement = place(capture.train.cameras)
    return Scene(
        name=folder.resolve().name,
        domain=placement.domain,
        train=placed(capture.train, placement.scene_from_input, placement.near),
        test=placed(capture.test, placement.scene_from_input, placement.near),
        has_alpha=has_transparency(capture.train),
        scene_from_input=placement.scene_from_input.float(),
        source="D-NeRF" if capture.train.cameras.moving else "NeRF-synthetic",
    )


def place(cameras: Cameras) -> Placement:
    """The box ±1.5 of NeRF-synthetic, whose cameras stand 4 units off and cover ±1.45 there.

    Where the cameras evidently have another scale or another middle, or stand inside that box: a cube around
    the point they look at, as large as what the pictures cover; where they stand inside and look all around:
    a contraction.
    """
    target, identity = look_at(cameras.world_from_camera), torch.eye(4, dtype=torch.float64)
    outside = bool((cameras.world_from_camera[:, :, 3].abs().amax(-1) > USUAL_HALF_SIDE).all())
    if target.inward:
        covered = visible_half_width(cameras, target)
        centred = target.point.abs().max() < USUAL_HALF_SIDE / 2
        usual = USUAL_HALF_SIDE / USUAL_FACTOR < covered < USUAL_HALF_SIDE * USUAL_FACTOR
        if not (outside and centred and usual):
            return in_box(identity, Box(*cube(target.point, VISIBLE_MARGIN * covered)))
    elif not outside:
        return in_contraction(identity, Contraction(*cube(*inner_cube(cameras, target))))
    return in_box(identity, Box(*cube(torch.zeros(3), USUAL_HALF_SIDE)))


def _pictures(frames: list[Frame]) -> list[Frame]:
    pictures = [frame for frame in frames if not AUXILIARY.search(frame.picture.path.stem)]
    if not pictures:
        raise frames[0].shared.error("frames", "names depth and normal pictures only")
    return pictures
