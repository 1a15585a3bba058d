"""Rays and points are known by the names of their columns: one more of those shifts none."""

from dataclasses import dataclass, fields, replace

import pytest
import torch
from jaxtyping import Float
from omnifield.distill.replay import ReplayBuffer
from omnifield.distill.teacher import RayLesson
from omnifield.fields import Points
from omnifield.renderers import UniformConfig, VolumeRenderer
from omnifield.scenes import Rays
from omnifield.scenes.columns import each_column, joined
from omnifield.viewer.subject import Crop
from torch import Tensor

from ..renderers.analytic import CUBE, Ball, rays_around


@dataclass(frozen=True, kw_only=True)
class Polarised(Rays):
    """Rays as they may be one day."""

    angle: Float[Tensor, "ray"]


@dataclass(frozen=True, kw_only=True)
class Lit(Points):
    light: Float[Tensor, "n rgb=3"]


def polarised(rays: Rays) -> Polarised:
    return Polarised(**vars(rays), angle=torch.arange(len(rays)) + 100.0)


def numbered(count: int) -> Rays:
    return replace(rays_around(count), view=torch.arange(count))


def assert_same(one: Rays, other: Rays) -> None:
    assert type(one) is type(other)
    for field in fields(one):
        assert torch.equal(vars(one)[field.name], vars(other)[field.name]), field.name


@pytest.mark.parametrize("kind", [Rays, Points])
def test_there_is_no_order_to_rely_on(kind: type) -> None:
    columns = [torch.zeros(2)] * len(fields(kind))
    with pytest.raises(TypeError, match="positional"):
        kind(*columns)


@pytest.mark.parametrize("rows", [slice(1, 4), torch.tensor([4, 0, 0])], ids=["slice", "rows"])
def test_some_of_them(rows: "slice | Tensor") -> None:
    whole, number = polarised(numbered(5)), torch.arange(5)[rows]
    some = whole[rows]
    assert isinstance(some, Polarised) and some.view.tolist() == number.tolist()
    assert torch.equal(some.angle, 100.0 + number) and torch.equal(some.origins, whole.origins[rows])


def test_taken_apart_and_joined_they_are_the_same() -> None:
    whole = polarised(numbered(5))
    assert_same(joined([whole[:2], whole[2:2], whole[2:]]), whole)
    assert_same(whole.to("cpu"), whole)


def test_points_as_well() -> None:
    vector, number = torch.arange(12.0).reshape(4, 3), torch.arange(4.0)
    points = Lit(position=vector, direction=-vector, footprint=number, time=number + 1, light=vector + 9)
    again = joined([points[:1], points[1:]])
    assert isinstance(again, Lit)
    assert torch.equal(again.light, points.light) and torch.equal(again.time, points.time)


def test_rays_with_one_more_column_see_the_same() -> None:
    rays, background, field = numbered(50), torch.tensor([0.2, 0.5, 0.9]), Ball(CUBE, 15.0)
    renderer = VolumeRenderer(UniformConfig(64).build(CUBE))
    for see in (renderer.render_image, lambda f, r, b: renderer.render(f, r, b.expand(len(r), 3))):
        plain, seen = see(field, rays, background), see(field, polarised(rays), background)
        each_column(lambda a, b: torch.testing.assert_close(a, b) or a, plain, seen)


def test_a_crop_changes_where_rays_begin_and_end_and_nothing_else() -> None:
    rays = polarised(numbered(20))
    cut = Crop(torch.zeros(3), torch.eye(3), torch.ones(3)).apply(rays)
    assert not torch.equal(cut.near, rays.near)
    assert_same(replace(cut, near=rays.near, far=rays.far), rays)


def test_a_memory_gives_back_what_it_was_given() -> None:
    rays = polarised(numbered(6))
    number = torch.arange(6.0)
    memory: ReplayBuffer[RayLesson] = ReplayBuffer(4)
    memory.add(RayLesson(rays, torch.rand(6, 3), number, number + 1, torch.arange(6)))
    kept = memory.take(torch.arange(4))
    assert_same(kept.rays, rays[kept.camera])
    assert torch.equal(kept.opacity, number[kept.camera]) and torch.equal(kept.depth, kept.opacity + 1)
