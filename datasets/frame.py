"""What a loader makes of whatever it reads: one posed picture after the other, in no file's words."""

from dataclasses import dataclass
from enum import Enum

from jaxtyping import Float
from torch import Tensor

from .images import Picture
from .intrinsics import Intrinsics


class Ignore(Enum):
    """Which of a mask's pixels are to be ignored."""

    BLACK = "nerfstudio's mask_path"
    NOT_BLACK = "instant-ngp's dynamic_mask"


@dataclass(frozen=True)
class Frame:
    """One posed picture. `name` is for people, and fit to be a file's name: no two of training, and none of testing,
    are alike. The pose has OpenGL's camera axes (x right, y up, looking along -z), in the units of the input.

    `intrinsics` may be of another size than the picture has: of one that was reduced, for instance.
    """

    name: str
    picture: Picture
    intrinsics: Intrinsics
    world_from_camera: Float[Tensor, "row=4 column=4"]
    time: float = 0.0  # in [0, 1]
    masks: tuple[tuple[Picture, Ignore], ...] = ()
    alpha: tuple[Picture, ...] = ()  # none or one: the alpha channel as a file of its own
