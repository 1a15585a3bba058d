"""Every function of the page's shaders against the torch op that it mirrors."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from omnifield.export.page_bake import rounded
from omnifield.fields.mipvog import world_per_unit
from omnifield.ops import MarchGrid, mlp, spherical_harmonics, voxel_lookup
from omnifield.ops.ray_march import _distance_from_steps, _span_in_box, _steps_from_distance
from omnifield.scenes import Domain
from omnifield.train.field_file import TrainedField
from torch import Tensor

from ..scripts.browser import needs_browser
from .pages import BOX, UNBOUNDED, ask, noisy, opened, spread

pytestmark = needs_browser
KINDS = {"box": BOX, "contraction": UNBOUNDED}


@pytest.fixture(scope="module", params=list(KINDS))
def shown(
    request: pytest.FixtureRequest, browser: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Any, TrainedField]]:
    trained = noisy(KINDS[request.param])
    page = opened(browser, trained, tmp_path_factory.mktemp("page") / "noise.html")
    yield page, rounded(trained)
    page.close()


def points(count: int, reach: float) -> Tensor:
    return (2 * torch.rand(count, 3, generator=torch.Generator().manual_seed(1)) - 1) * reach


def directions(count: int) -> Tensor:
    return torch.nn.functional.normalize(points(count, 1.0) + 1e-3, dim=-1)


def test_world_and_unit_cube(shown: tuple[Any, TrainedField]):
    page, trained = shown
    domain: Domain = trained.field.domain
    place = points(500, 30.0 if domain is UNBOUNDED else 1.5)
    unit, length = ask(
        page,
        "unit = unit_from_world(place); len = world_per_unit(place);",
        {"unit": 3, "len": 1},
        place=place,
    )
    assert spread((unit, domain.unit_from_world(place))) < 1e-5
    expected = torch.as_tensor(world_per_unit(domain, place)).expand(len(place))
    assert spread((length / expected, torch.ones(len(place)))) < 1e-4


def test_harmonics(shown: tuple[Any, TrainedField]):
    found = ask(
        shown[0],
        "vec4 h[4]; harmonics(d, h); a = h[0]; b = h[1]; c = h[2]; e = h[3];",
        {"a": 4, "b": 4, "c": 4, "e": 4},
        d=directions(300),
    )
    assert spread((torch.cat(found, -1), spherical_harmonics(directions(300)))) < 1e-5


def test_network(shown: tuple[Any, TrainedField]):
    page, trained = shown
    inputs = torch.randn(200, 23, generator=torch.Generator().manual_seed(3))
    parts = torch.nn.functional.pad(inputs, (0, 1)).reshape(-1, 6, 4)
    named = {f"i{i}": parts[:, i] for i in range(6)}
    body = "vec4 all[6]; " + "".join(f"all[{i}] = i{i}; " for i in range(6)) + "found = network(all);"
    (found,) = ask(page, body, {"found": 4}, **named)
    weights = [each for name, each in trained.field.state_dict().items() if name.startswith("decoder")]
    assert len(weights) == 3
    assert spread((found[:, :3], mlp(inputs, weights))) < 1e-4


def test_color_of_features(shown: tuple[Any, TrainedField]):
    page, trained = shown
    features = torch.rand(200, 7, generator=torch.Generator().manual_seed(5))
    (found,) = ask(
        page,
        "color = color_of(diffuse, code, d);",
        {"color": 3},
        diffuse=features[:, :3],
        code=features[:, 3:],
        d=directions(200),
    )
    with torch.no_grad():
        expected = trained.field.color(features, _points(points(200, 1.0), directions(200), 0.0))
    assert spread((found, expected)) < 1e-5


@pytest.mark.parametrize("level", [0.0, 0.4, 1.0])
def test_voxels(shown: tuple[Any, TrainedField], level: float):
    """Where cells are occupied the page has all that is stored; a texture unit may take weights of 8 bits."""
    page, trained = shown
    unit = torch.rand(4000, 3, generator=torch.Generator().manual_seed(6))
    unit[:50] = unit[:50].round()  # and in corners, at faces and edges of the cube
    unit = unit[trained.sampler.contains(trained.field.domain.world_from_unit(unit))]
    body = f"Place place = place_of(u, {level}); values = values_at(place); code = codes_at(place);"
    values, code = ask(page, body, {"values": 4, "code": 4}, u=unit)
    field = trained.field
    pyramid = field.pyramid
    table = torch.cat([field.appearance[:, :3], field.log_density, field.appearance[:, 3:]], -1).detach()
    expected = voxel_lookup(
        unit, torch.full((len(unit),), level), table, pyramid.index, pyramid.layout, pyramid.coarser(table)
    )
    error = (torch.cat([values, code], -1) - expected).abs()
    assert len(unit) > 800 and expected.abs().max() > 5
    rounding = torch.tensor([0.035] * 3 + [0.065] + [0.035] * 4) if level else torch.zeros(8)
    assert bool((error <= rounding + 0.01 * torch.tensor([1.0] * 3 + [4.0] + [1.0] * 4)).all())


def test_level_and_density(shown: tuple[Any, TrainedField]):
    page, trained = shown
    place, width = points(500, 1.0), torch.logspace(-4, 1, 500)
    level, density = ask(
        page,
        "l = level_of(width, place); sigma = density_of(raw);",
        {"l": 1, "sigma": 1},
        place=place,
        width=width,
        raw=torch.linspace(-11, 25, 500),
    )
    radius = width / 3**0.5  # of a pixel's cone
    asked = _points(place, directions(500), 0.0, radius)
    assert level.max() == trained.field.pyramid.layout.levels - 1 and level.min() == 0
    assert spread((level, trained.field.level(asked))) < 1e-3
    expected = trained.field._density(torch.linspace(-11, 25, 500)[:, None])[:, 0]
    assert spread((density / expected, torch.ones(500))) < 1e-4


def test_steps_along_a_ray(shown: tuple[Any, TrainedField]):
    page, trained = shown
    grid: MarchGrid = trained.sampler.grid
    t = torch.logspace(-2, 2, 300)
    s, back = ask(
        page, "s = steps_from_distance(t); back = distance_from_steps(s);", {"s": 1, "back": 1}, t=t
    )
    expected = _steps_from_distance(t, grid)
    assert spread((s / expected, torch.ones(300))) < 1e-5
    assert spread((back / _distance_from_steps(expected[:, None], grid)[:, 0], torch.ones(300))) < 1e-4


def test_span_in_the_box(shown: tuple[Any, TrainedField]):
    page, trained = shown
    origin, direction = points(400, 3.0), directions(400).flip(0)
    (span,) = ask(page, "span = span_in_box(o, d, 0.1);", {"span": 2}, o=origin, d=direction)
    near_far = torch.tensor([0.1, torch.inf]).expand(400, 2)
    begin, end = _span_in_box(origin, direction, near_far, trained.sampler.grid)
    hit = begin < end
    assert 20 < int(hit.sum()) and bool(((span[:, 0] < span[:, 1]) == hit).all())
    assert spread((span[hit], torch.stack([begin, end], -1)[hit])) < 1e-4


def test_the_free_way_ends_before_anything_occupied(shown: tuple[Any, TrainedField]):
    page, trained = shown
    domain = trained.field.domain
    unit = torch.rand(3000, 3, generator=torch.Generator().manual_seed(8)) * 0.98 + 0.01
    place, direction = domain.world_from_unit(unit), directions(3000)
    empty, way = ask(
        page,
        "vec3 u = unit_from_world(o); empty = distance_to_occupied(u); way = free_way(o, d, u, max(empty, 1.0));",
        {"empty": 1, "way": 1},
        o=place,
        d=direction,
    )
    assert bool(((empty == 0) == trained.sampler.contains(place)).all())
    free = empty > 0
    along = torch.linspace(0, 0.99, 30)[:, None, None] * way[free, None] * direction[free]
    inside = place[free] + along
    assert not bool(trained.sampler.contains(inside.reshape(-1, 3)).any())
    assert int(free.sum()) > 100 and float(way[free].max()) > 0


def _points(place: Tensor, direction: Tensor, time: float, footprint: Tensor | None = None) -> Any:
    from omnifield.fields import Points

    count = len(place)
    return Points(
        position=place,
        direction=direction,
        footprint=torch.zeros(count) if footprint is None else footprint,
        time=torch.full((count,), time),
    )
