"""A scene: what the cameras saw, and the part of the world it lies in."""

import dataclasses
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from .cameras import Cameras
from .domain import Domain


@dataclass(frozen=True)
class Views:
    """Posed images of one size, 8-bit sRGB with straight alpha (255 everywhere for photographs).

    `ignored` marks pixels that no loss and no figure may use; where nothing is masked it is an expanded
    single `False` and costs no memory.
    """

    cameras: Cameras
    images: UInt8[Tensor, "view height width rgba=4"]
    ignored: Bool[Tensor, "view height width"]
    names: tuple[
        str, ...
    ]  # distinct, and fit to be files' names: those of the pictures, as the user knows them

    def __len__(self) -> int:
        return len(self.names)

    def to(self, device: torch.device | str) -> "Views":
        return Views(self.cameras.to(device), self.images.to(device), self.ignored.to(device), self.names)


@dataclass(frozen=True)
class Scene:
    """World +Z is up; lengths are the dataset's. `scene_from_input` is rigid; its inverse takes exports back. It is in
    float64, as the input may lie far from its origin: a map's coordinates keep their digits.

    `input_from_original` is what other software had already applied to the poses before it wrote them down
    (nerfstudio's `applied_transform` and `applied_scale`): affine, the identity where nothing is recorded. What leaves
    the program is in the input's frame; the original one is only gone through by paths of nerfstudio's.
    `train` and `test` are full size; where a scene has several scales, the coarser views are the same ones at 1/2,
    1/4 and so on of their width and height.
    """

    name: str
    domain: Domain
    train: Views
    test: Views
    has_alpha: bool  # some pixel is transparent: the background is ours to choose
    scene_from_input: Float[Tensor, "row=4 column=4"]
    source: str  # how to say in a report where it came from: the kind of data set, never a path
    input_from_original: Float[Tensor, "row=4 column=4"] = field(
        default_factory=lambda: torch.eye(4, dtype=torch.float64)
    )
    coarser_train: tuple[Views, ...] = ()
    coarser_test: tuple[Views, ...] = ()

    @property
    def train_scales(self) -> tuple[Views, ...]:
        return self.train, *self.coarser_train

    @property
    def test_scales(self) -> tuple[Views, ...]:
        return self.test, *self.coarser_test

    def to(self, device: torch.device | str) -> "Scene":
        return dataclasses.replace(
            self,
            train=self.train.to(device),
            test=self.test.to(device),
            coarser_train=tuple(views.to(device) for views in self.coarser_train),
            coarser_test=tuple(views.to(device) for views in self.coarser_test),
        )


def nothing_ignored(images: UInt8[Tensor, "view height width rgba=4"]) -> Bool[Tensor, "view height width"]:
    return torch.zeros((), dtype=torch.bool).expand(images.shape[:3])


def has_transparency(views: Views) -> bool:
    # View by view: the comparison over all of them at once would need a quarter of the images' memory.
    return any(bool((image[..., 3] < 255).any()) for image in views.images)
