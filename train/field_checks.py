"""What the tensors of a field's file must be for anybody to look at the field."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..scenes import Cameras

SCALES = (0.1, 10.0)  # of the axes of poses, which are of length 1
FLATTEST = 1e-3  # the volume that three axes of length 1 span
FOCAL_LENGTHS = (1e-3, 1e9)  # pixels
LARGEST = 1e9  # pixels, for places on a sensor; and for the coefficients of a lens
FARTHEST = 1e12  # scene units: its square is still a float32


def check_cameras(cameras: Cameras) -> None:
    """Raises ValueError, naming the first bad one, unless there are cameras and rays can be sent through all."""
    if len(cameras) == 0:
        raise ValueError("it has no cameras")
    least, most = FOCAL_LENGTHS
    sound = {
        "a pose": _posed(cameras.world_from_camera),
        "a focal length": ((cameras.focal >= least) & (cameras.focal <= most)).all(-1),
        "a principal point": (cameras.principal.abs() <= LARGEST).all(-1),
        "a distortion": (cameras.distortion.abs() <= LARGEST).all(-1),
        "a time": (cameras.time >= 0) & (cameras.time <= 1),
    }
    for what, each in sound.items():
        if not bool(each.all()):
            raise ValueError(f"camera {int((~each).nonzero()[0])} has {what} that no camera has")


def check_transform(scene_from_input: Float[Tensor, "row=4 column=4"]) -> None:
    """Raises ValueError unless it can be inverted, to take what leaves the program back to where it came from."""
    last = scene_from_input.new_tensor([0, 0, 0, 1])
    if not (torch.equal(scene_from_input[3], last) and bool(_posed(scene_from_input[None, :3]).all())):
        raise ValueError("scene_from_input is no transform that could be taken back")


def _posed(pose: Float[Tensor, "view row=3 column=4"]) -> Bool[Tensor, "view"]:
    """Of each pose whether it turns and moves, and does no more; NaN is in no bounds."""
    axes, place = pose[:, :, :3].double(), pose[:, :, 3]
    lengths = axes.norm(dim=1)
    least, most = SCALES
    good = ((lengths >= least) & (lengths <= most)).all(-1) & (place.abs() <= FARTHEST).all(-1)
    volume = torch.linalg.det(axes.nan_to_num(0, 0, 0)).abs()
    return good & (volume >= FLATTEST * lengths.prod(-1))
