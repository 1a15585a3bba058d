"""Pictures that are painted while they are rendered: the same as those painted afterwards, without what those took."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from omnifield.export import film
from omnifield.export.color_maps import depth_picture, depth_range, opacity_picture
from omnifield.export.film import Shown, pictures_of
from omnifield.renderers import Rendering
from omnifield.scenes import Cameras, RayRange, Rays
from omnifield.train.field_file import TrainedField
from omnifield.train.pictures import to_bytes
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from ..scripts.conftest import DOMAIN

CHUNK = 1000
SHOWN: tuple[Shown, ...] = ("color", "depth", "opacity")


def seen(rays: Rays) -> Rendering:
    """Something else along every ray."""
    x, y, z = rays.directions.unbind(-1)
    depth = torch.where(x > 0.1, torch.inf, 2 + y)
    return Rendering(rays.directions.abs(), (3 * z.abs() - 2).abs(), depth, torch.ones(len(rays)).long())


class InChunks:
    def __init__(self, sampler: object) -> None:
        """None is needed."""

    @classmethod
    def to_look_at(cls, sampler: object) -> "InChunks":
        return cls(sampler)

    def render_chunks(self, field: object, rays: RayRange, background: Tensor) -> Iterator[Any]:
        for first in range(0, len(rays), CHUNK):
            some = rays[first : first + CHUNK]
            yield some, seen(some)


@pytest.fixture
def scene(
    trained: Callable[..., TrainedField], ring: Callable[[Tensor, float], Cameras], monkeypatch
) -> tuple[TrainedField, Cameras]:
    monkeypatch.setattr(film, "VolumeRenderer", InChunks)
    cameras = ring(torch.zeros(3), 3.0)
    return trained(DOMAIN, cameras), cameras.resized(167, 203)


@pytest.mark.parametrize("show", SHOWN)
def test_a_picture_of_parts_is_that_of_the_whole(scene: tuple[TrainedField, Cameras], show: Shown) -> None:
    trained, cameras = scene
    whole = [seen(cameras.pixel_rays(view)) for view in (2, 0)]
    shown = depth_range([(whole[0].depth, whole[0].opacity)])  # that of the first picture
    for image, expected in zip(pictures_of(trained, cameras, (2, 0), show), whole, strict=True):
        painted = {
            "color": to_bytes(expected.color),
            "opacity": opacity_picture(expected.opacity),
            "depth": depth_picture(expected.depth, expected.opacity, shown),
        }[show]
        assert len(image.unique()) > 20
        assert torch.equal(image, painted.reshape(203, 167, 3))


class Largest(TorchDispatchMode):
    """The bytes of the largest tensor that any operation returns."""

    bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        returned = func(*args, **(kwargs or {}))
        for each in returned if isinstance(returned, tuple | list) else [returned]:
            if isinstance(each, Tensor):
                self.bytes = max(self.bytes, each.untyped_storage().nbytes())
        return returned


@pytest.mark.parametrize(("show", "bytes_per_pixel"), list(zip(SHOWN, (3, 4, 3), strict=True)))
def test_nothing_of_a_picture_is_larger_than_its_bytes(
    scene: tuple[TrainedField, Cameras], show: Shown, bytes_per_pixel: int
) -> None:
    """The distances of a first picture are, until their range is known: four bytes."""
    trained, cameras = scene
    with Largest() as largest:
        next(pictures_of(trained, cameras.resized(500, 400), [0], show))
    assert 3 * 500 * 400 <= largest.bytes <= bytes_per_pixel * 500 * 400
