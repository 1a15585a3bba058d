"""From posed photographs to a scene: every 8th is held out, as in the papers on LLFF and mip-NeRF 360."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from ..scenes.domain import Contraction
from ..scenes.placement import Capture, Placement, Stated, place, placed
from ..scenes.scene import Scene
from ..scenes.views import has_transparency
from .capture import read_capture
from .frame import Frame

TEST_EVERY = 8
NEAREST = 0.5  # of the distance to the nearest thing that is known: rays start there, so fog before it is not learnt
MOST_NEAR = 0.1  # of the box's side: people who look at the field later come closer than the photographer did
OPENCV_FROM_OPENGL = torch.diag(torch.tensor([1.0, -1.0, -1.0, 1.0], dtype=torch.float64))


def scene_of(
    frames: Sequence[Frame],
    stated: Stated,
    *,
    downscale: int,
    name: str,
    source: str,
    nearest: float = 0.0,
    put: Callable[[Capture, Stated], Placement] = place,
) -> Scene:
    """`frames` in the order in which every 8th is for testing. `nearest` is the distance along the viewing axis to what
    any of them sees nearest, zero where that is unknown; `put` finds the box. Raises as `read_capture`."""
    test, train = list(frames[::TEST_EVERY]), [frame for i, frame in enumerate(frames) if i % TEST_EVERY]
    capture = read_capture(train, test, downscale=downscale, source=stated.file)
    placement = put(capture, stated)
    if isinstance(placement.domain, Contraction):  # before a box of an object there is nothing
        known = min(NEAREST * nearest, MOST_NEAR * placement.domain.side)
        placement = replace(placement, near=max(placement.near, known))
    return Scene(
        name=name,
        domain=placement.domain,
        train=placed(capture.train, placement),
        test=placed(capture.test, placement),
        has_alpha=has_transparency(capture.train),
        scene_from_input=placement.scene_from_input,
        source=source,
    )


def opengl_pose(
    camera_from_world: Float[Tensor, "row=4 column=4"],
) -> Float[Tensor, "row=4 column=4"]:
    """World from camera with OpenGL's camera axes (y up, looking along -z), of a rigid map into OpenCV's."""
    world_from_camera = torch.eye(4, dtype=torch.float64)
    rotation = camera_from_world[:3, :3].T
    world_from_camera[:3, :3] = rotation
    world_from_camera[:3, 3] = -rotation @ camera_from_world[:3, 3]
    return world_from_camera @ OPENCV_FROM_OPENGL
