"""From posed photographs to a scene: every 8th is held out, as in the papers on LLFF and mip-NeRF 360."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..scenes.cameras import Lens
from ..scenes.domain import Contraction
from ..scenes.placement import Capture, Placement, Stated, place, placed
from ..scenes.scene import Scene
from ..scenes.sparse_points import SparsePoints
from ..scenes.views import Views, has_transparency
from .capture import read_capture
from .format import Reading
from .frame import Frame
from .held_out_frames import TEST_EVERY, hold_out

NEAREST = 0.5  # of the distance to the nearest thing that is known: rays start there, so fog before it is not learnt
PERCENTILE = 0.1  # of a picture's depths: LLFF's, too, for a few points are always wrong
MOST_NEAR = 0.1  # of the box's side: people who look at the field later come closer than the photographer did
OPENCV_FROM_OPENGL = torch.diag(torch.tensor([1.0, -1.0, -1.0, 1.0], dtype=torch.float64))


@dataclass(frozen=True)
class Surfaces:
    """What a data set knows of them: `nearest` is the distance along the viewing axis to what any picture sees nearest,
    zero where that is unknown; `points` are in the frame of the poses."""

    nearest: float = 0.0
    points: SparsePoints | None = None


UNKNOWN = Surfaces()


def scene_of(
    frames: Sequence[Frame],
    stated: Stated,
    *,
    reading: Reading,
    name: str,
    source: str,
    surfaces: Surfaces = UNKNOWN,
    put: Callable[[Capture, Stated], Placement] = place,
) -> Scene:
    """`frames` in the order in which every 8th, or every `test_every`-th, is for testing.

    `put` finds the box. Raises as `read_capture`.
    """
    train, test = hold_out(frames, reading.test_every or TEST_EVERY)
    capture = read_capture(train, test, reading=reading, source=stated.file)
    placement = from_nearest(put(capture, stated), surfaces.nearest)
    return Scene(
        name=name,
        domain=placement.domain,
        train=placed(capture.train, placement),
        test=placed(capture.test, placement),
        has_alpha=has_transparency(capture.train),
        scene_from_input=placement.scene_from_input,
        source=source,
        points=surfaces.points and surfaces.points.moved(placement.scene_from_input),
    )


def from_nearest(placement: Placement, nearest: float) -> Placement:
    """Rays start at a share of the distance to what is seen nearest. Before a box of an object there is nothing."""
    if not isinstance(placement.domain, Contraction):
        return placement
    known = min(NEAREST * nearest, MOST_NEAR * placement.domain.side)
    return replace(placement, near=max(placement.near, known))


def nearest_seen(points: SparsePoints | None, groups: Sequence[Views]) -> float:
    """The distance along the viewing axis to what any picture has nearest, but for a few points, which are always
    wrong; zero where there are no points."""
    if points is None or not len(points):
        return 0.0
    found = []
    for cameras in (views.cameras for views in groups if views.cameras.lens is Lens.PERSPECTIVE):
        size = torch.tensor([cameras.width, cameras.height])
        position = torch.from_numpy(points.position).to(cameras.world_from_camera)
        for view in range(len(cameras)):
            sensor, depth = cameras.project(view, position)
            seen = depth[(depth > 0) & (sensor >= 0).all(-1) & (sensor < size).all(-1)]
            if len(seen):
                found.append(float(np.percentile(seen.numpy(), PERCENTILE)))
    return min(found, default=0.0)


def opengl_pose(
    camera_from_world: Float[Tensor, "row=4 column=4"],
) -> Float[Tensor, "row=4 column=4"]:
    """World from camera with OpenGL's camera axes (y up, looking along -z), of a rigid map into OpenCV's."""
    world_from_camera = torch.eye(4, dtype=torch.float64)
    rotation = camera_from_world[:3, :3].T
    world_from_camera[:3, :3] = rotation
    world_from_camera[:3, 3] = -rotation @ camera_from_world[:3, 3]
    return world_from_camera @ OPENCV_FROM_OPENGL
