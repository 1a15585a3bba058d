"""What every field keeps, whoever wrote it: a new one gets all of these by being in the union."""

import copy
import dataclasses
from pathlib import Path

import pytest
import torch
from omnifield.fields import FIELD_CONFIGS, Field, Level, Points
from omnifield.renderers import OccupancyConfig
from omnifield.scenes import Box, Domain, pinhole
from omnifield.train import TrainedField, load_field, save_field
from omnifield.train.optimizer import Optimizer

from .contract import (
    BOX,
    DOMAINS,
    KINDS,
    answers,
    config_of,
    double,
    scattered,
    stirred,
    tiny,
)

EVERY_FIELD = pytest.mark.parametrize("kind", KINDS)
BOTH_DOMAINS = pytest.mark.parametrize("domain", DOMAINS.values(), ids=DOMAINS)
RADIUS = 0.35  # of the sphere that is learned by heart, in sides of its box


@EVERY_FIELD
@pytest.mark.parametrize("preset", ["tiny", "default", "paper"])
def test_every_field_has_the_three_presets(kind: str, preset: str) -> None:
    config = config_of(kind, preset)
    assert isinstance(config, FIELD_CONFIGS[config.tag])
    assert config == FIELD_CONFIGS[config.tag](**dataclasses.asdict(config))


@EVERY_FIELD
@BOTH_DOMAINS
@pytest.mark.parametrize("count", [0, 1, 257])
def test_answers_have_their_shapes(kind: str, domain: Domain, count: int) -> None:
    field, points = tiny(kind, domain), scattered(count, domain)
    density, features, color = answers(field, points)
    assert density.shape == (count,) and features.shape == (count, field.feature_dim)
    assert color.shape == (count, 3)
    assert field.density(points).shape == (count,)
    (density.sum() + color.sum()).backward()


@EVERY_FIELD
@BOTH_DOMAINS
def test_values_are_possible(kind: str, domain: Domain) -> None:
    field, points = stirred(kind, domain), scattered(2000, domain)
    with torch.no_grad():
        for parameter in field.parameters():
            parameter.mul_(3)
    density, features, color = answers(field, points)
    assert (density >= 0).all() and density.isfinite().all() and features.isfinite().all()
    assert ((color >= 0) & (color <= 1)).all()
    assert color.std() > 0.01 and density.std() > 0


@EVERY_FIELD
@BOTH_DOMAINS
def test_places_that_no_camera_looks_at_are_finite(kind: str, domain: Domain) -> None:
    points = scattered(100, domain)
    far = dataclasses.replace(points, position=points.position * torch.logspace(0, 6, 100)[:, None])
    for answer in answers(stirred(kind, domain), far):
        assert answer.isfinite().all()


@EVERY_FIELD
@BOTH_DOMAINS
def test_all_ways_down_lead_to_the_same_answers(kind: str, domain: Domain) -> None:
    field, points = stirred(kind, domain), scattered(500, domain)
    density, features, color = answers(field, points)
    assert torch.equal(field.density(points), density)
    for upto in Level:
        levels = field.levels(points, upto)
        assert torch.equal(levels.features, features)
        assert upto < Level.DENSITY or torch.equal(levels.density, density)
        assert torch.equal(levels.color, color if upto == Level.COLOR else color[:, :0])


@EVERY_FIELD
def test_some_of_the_points_receive_what_all_of_them_do(kind: str) -> None:
    """The renderer probes every sample, and asks for the colour of the visible ones alone."""
    field, points = stirred(kind), scattered(500, BOX)
    density, features, color = answers(field, points)
    rows = torch.arange(3, 500, 7)
    taken = field.probe(points).take(rows)
    some = field.features(points[rows], taken)
    torch.testing.assert_close(taken.density, density[rows])
    torch.testing.assert_close(some, features[rows])
    torch.testing.assert_close(field.color(some, points[rows]), color[rows])
    torch.testing.assert_close(field.density(points[rows]), density[rows], rtol=1e-4, atol=1e-5)


@EVERY_FIELD
def test_the_color_depends_on_the_direction_and_the_density_where_a_field_says_so(kind: str) -> None:
    field, points = stirred(kind), scattered(500, BOX)
    turned = dataclasses.replace(points, direction=points.direction.flip(0))
    before, after = answers(field, points), answers(field, turned)
    same = torch.equal(before[0], after[0]) and torch.equal(before[1], after[1])
    assert same == (not field.follows_direction)
    assert (before[2] - after[2]).abs().max() > 1e-3


@EVERY_FIELD
@pytest.mark.parametrize("what", ["time", "footprint"])
def test_time_and_footprint_change_those_fields_that_say_so(kind: str, what: str) -> None:
    field, points = stirred(kind), scattered(500, BOX)
    zero = dataclasses.replace(points, **{what: torch.zeros(500)})
    one = dataclasses.replace(points, **{what: torch.ones(500)})
    same = all(torch.equal(a, b) for a, b in zip(answers(field, zero), answers(field, one), strict=True))
    assert same == (not {"time": field.follows_time, "footprint": field.follows_footprint}[what])


@EVERY_FIELD
@BOTH_DOMAINS
def test_kernels_in_single_precision_agree_with_references_in_double(kind: str, domain: Domain) -> None:
    field, points = stirred(kind, domain), scattered(1000, domain, seed=1)  # none at a kink of a ReLU
    exact = copy.deepcopy(field).double()
    single, reference = answers(field, points), answers(exact, double(points))
    for ours, theirs in zip(single, reference, strict=True):
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-3, atol=1e-4 * theirs.abs().max().item())
    ours, theirs = gradients(field, points), gradients(exact, double(points))
    for name, gradient in theirs.items():
        largest = gradient.abs().max().item()
        torch.testing.assert_close(ours[name].double(), gradient, rtol=0, atol=2e-3 * largest, msg=name)


@EVERY_FIELD
@BOTH_DOMAINS
def test_every_parameter_has_a_gradient(kind: str, domain: Domain) -> None:
    """In double precision, at the very beginning of a training, where something dead would stay dead."""
    points = double(scattered(1000, domain))
    for name, gradient in gradients(tiny(kind, domain).double(), points).items():
        assert gradient.isfinite().all() and gradient.any(), name


@EVERY_FIELD
def test_gradients_are_slopes(kind: str) -> None:
    """In double precision, against finite differences in a direction that moves every parameter."""
    field, points = stirred(kind).double(), double(scattered(50, BOX))
    generator = torch.Generator().manual_seed(2)
    ways = [torch.randn(p.shape, generator=generator, dtype=torch.float64) for p in field.parameters()]
    slope = sum(float((g * w).sum()) for g, w in zip(gradients(field, points).values(), ways, strict=True))

    def moved(by: float) -> float:
        with torch.no_grad():
            for parameter, way in zip(field.parameters(), ways, strict=True):
                parameter.add_(way, alpha=by)
            return weighted(field, points).item()

    up, down = moved(1e-7), moved(-2e-7)
    assert (up - down) / 2e-7 == pytest.approx(slope, rel=1e-4)


@EVERY_FIELD
@BOTH_DOMAINS
@pytest.mark.parametrize("what", ["position", "direction"])
def test_gradients_reach_the_points(kind: str, domain: Domain, what: str) -> None:
    """As a refined pose needs them: in double precision those of finite differences, and by kernels the same."""
    field, points = stirred(kind, domain), scattered(50, domain)
    exact, there = copy.deepcopy(field).double(), double(points)
    way = torch.randn(50, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    slope, single = slopes(exact, there, what), slopes(field, points, what)
    assert slope.isfinite().all() and slope.any()
    torch.testing.assert_close(single.double(), slope, rtol=0, atol=2e-3 * slope.abs().max().item())

    def moved(by: float) -> float:
        with torch.no_grad():
            column = vars(there)[what] + by * way
            return weighted(exact, dataclasses.replace(there, **{what: column})).item()

    difference = (moved(1e-7) - moved(-1e-7)) / 2e-7
    assert difference == pytest.approx((slope * way).sum().item(), rel=1e-3, abs=1e-6)


def slopes(field: Field, points: Points, what: str) -> torch.Tensor:
    leaf = vars(points)[what].clone().requires_grad_()
    moving = dataclasses.replace(points, **{what: leaf})
    (gradient,) = torch.autograd.grad(weighted(field, moving), leaf)
    return gradient


def weighted(field: Field, points: Points) -> torch.Tensor:
    """A number in which density and colour of every point count."""
    density, _, color = answers(field, points)
    weight = torch.linspace(0.5, 1.5, len(points)).to(density)
    return (density * field.domain.side * weight).mean() + (color.square() * weight[:, None]).sum(-1).mean()


def gradients(field: Field, points: Points) -> dict[str, torch.Tensor]:
    names, parameters = zip(*field.named_parameters(), strict=True)
    found = torch.autograd.grad(weighted(field, points), parameters, allow_unused=True)
    return {
        name: torch.zeros_like(parameter) if gradient is None else gradient
        for name, parameter, gradient in zip(names, parameters, found, strict=True)
    }


@EVERY_FIELD
@pytest.mark.parametrize("preset", ["tiny", "default"])
def test_every_parameter_is_in_exactly_one_group(kind: str, preset: str) -> None:
    field = config_of(kind, preset).build(BOX)
    groups = field.parameter_groups()
    grouped = sorted(id(parameter) for group in groups for parameter in group.parameters)
    assert grouped == sorted(map(id, field.parameters()))
    assert len({group.name for group in groups}) == len(groups)
    assert all(0 < group.learning_rate < 1 and group.parameters for group in groups)
    assert all(p.ndim >= 2 for group in groups if group.kind == "table" for p in group.parameters)


@EVERY_FIELD
def test_a_seed_decides_everything(kind: str) -> None:
    first, again, other = (tiny(kind, seed=seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


@EVERY_FIELD
@pytest.mark.parametrize("bounds", DOMAINS)
def test_a_density_means_the_same_in_a_scene_of_any_size(kind: str, bounds: str) -> None:
    small = DOMAINS[bounds]
    large = type(small)(*(tuple(10 * x for x in corner) for corner in (small.lo, small.hi)))
    points = scattered(500, small)
    stretched = dataclasses.replace(points, position=10 * points.position)
    near, far = stirred(kind, small), stirred(kind, large)
    torch.testing.assert_close(
        near.density(points) * small.side, far.density(stretched) * large.side, rtol=1e-3, atol=1e-3
    )
    torch.testing.assert_close(answers(near, points)[2], answers(far, stretched)[2], rtol=0, atol=1e-3)


@EVERY_FIELD
@BOTH_DOMAINS
def test_a_file_keeps_every_bit(kind: str, domain: Domain, tmp_path: Path) -> None:
    field, points = stirred(kind, domain), scattered(500, domain)
    pose = torch.eye(4)[None, :3]
    trained = TrainedField(
        field=field,
        sampler=OccupancyConfig(16).build(domain),
        cameras=(pinhole(pose, (8, 6), 0.7, near=0.1),),
        background=(1.0, 0.5, 0.0),
        scene_from_input=torch.eye(4),
        provenance={},
        thumbnail=torch.zeros(2, 2, 3, dtype=torch.uint8),
    )
    save_field(tmp_path / "field.safetensors", trained)
    loaded = load_field(tmp_path / "field.safetensors")
    assert loaded.config == field.config and loaded.field.domain == domain
    for before, after in zip(answers(field, points), answers(loaded.field, points), strict=True):
        assert torch.equal(before, after)


def sphere(points: Points, box: Box) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Density, colour, and the distance from the surface of a sphere in the middle of a box, 20 / side dense."""
    around = box.unit_from_world(points.position) - 0.5
    distance = around.norm(dim=-1) - RADIUS
    density = torch.where(distance < 0, 20 / box.side, 0.0)
    return density, 0.5 + 0.4 * torch.sin(4 * around + torch.tensor([0.0, 1.0, 2.0])), distance


@EVERY_FIELD
def test_learns_a_sphere_by_heart(kind: str) -> None:
    """300 steps of 512 points: away from the surface, opacities and colours within a twentieth on average."""
    box = Box((-2.0, -2.0, -2.0), (2.0, 2.0, 2.0))
    field = tiny(kind, box)
    optimizer = Optimizer(field.parameter_groups())
    for step in range(300):
        points = scattered(512, box, seed=step)
        opacity, error = sphere_errors(field, points, box)
        (opacity.square().mean() + error.square().mean()).backward()
        optimizer.step(min((step + 1) / 20, 1) * 0.2 ** (step / 300))
    points = scattered(4096, box, seed=1000)
    points = points[(sphere(points, box)[2].abs() > 0.05).nonzero()[:, 0]]
    with torch.no_grad():
        opacity, error = sphere_errors(field, points, box)
    assert opacity.abs().mean() < 0.05 and error.abs().mean() < 0.05


def sphere_errors(field: Field, points: Points, box: Box) -> tuple[torch.Tensor, torch.Tensor]:
    """Of the opacity over a tenth of the box's side, everywhere; of the colour, inside."""
    density, color, distance = sphere(points, box)
    levels = field.levels(points, Level.COLOR)
    opacity = torch.exp(-density * box.side / 10) - torch.exp(-levels.density * box.side / 10)
    return opacity, (levels.color - color)[distance < 0]
