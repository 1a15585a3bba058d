"""A scene: what the cameras saw, and the part of the world it lies in."""

import dataclasses
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from .domain import Domain
from .sparse_points import SparsePoints
from .views import Views
from .world_frames import WorldFrames


@dataclass(frozen=True)
class Scene:
    """World +Z is up; lengths are the dataset's. `scene_from_input` is rigid; its inverse takes exports back. It is in
    float64, as the input may lie far from its origin: a map's coordinates keep their digits.

    `input_from_original` is what other software had already applied to the poses before it wrote them down
    (nerfstudio's `applied_transform` and `applied_scale`): affine, the identity where nothing is recorded. What leaves
    the program is in the input's frame; the original one is only gone through by paths of nerfstudio's.
    `train` and `test` are groups of one size and one lens each: those of full size, and behind them, where the scene
    has several scales, the same views at 1/2, 1/4 and so on of their width and height. `points` are those that the
    data set brings, in the scene's frame.
    """

    name: str
    domain: Domain
    train: tuple[Views, ...]
    test: tuple[Views, ...]
    has_alpha: bool  # some pixel is transparent: the background is ours to choose
    scene_from_input: Float[Tensor, "row=4 column=4"]
    source: str  # how to say in a report where it came from: the kind of data set, never a path
    input_from_original: Float[Tensor, "row=4 column=4"] = field(
        default_factory=lambda: torch.eye(4, dtype=torch.float64)
    )
    points: SparsePoints | None = None

    @property
    def frames(self) -> WorldFrames:
        return WorldFrames(self.scene_from_input, self.input_from_original)

    def to(self, device: torch.device | str) -> "Scene":
        train, test = (tuple(views.to(device) for views in groups) for groups in (self.train, self.test))
        return dataclasses.replace(self, train=train, test=test)
