"""The points of packed samples against a loop; float64 is the reference."""

from collections.abc import Callable

import jaxtyping
import pytest
import torch
from omnifield import ops
from omnifield.ops import ray_points
from omnifield.ops.ray_points import PointsOfRays
from torch import Generator, Tensor

BOTH = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["reference", "kernel"])
Rays = dict[str, Tensor]


def rays_of(count: int, generator: Generator, dtype: torch.dtype) -> Rays:
    """By the names of their columns."""
    vectors, numbers = (
        torch.randn(2, count, 3, generator=generator),
        torch.rand(2, count, generator=generator),
    )
    names = ("origins", "directions", "footprint", "time")
    return {name: values.to(dtype) for name, values in zip(names, (*vectors, *numbers), strict=True)}


@BOTH
@pytest.mark.parametrize(("rays", "samples"), [(1, 1), (5, 33), (7, 0), (0, 0), (3, 1000), (900, 5000)])
def test_equals_a_loop_over_samples(generator, dtype, rays, samples):
    given = rays_of(rays, generator, dtype)
    t = torch.rand(samples, generator=generator).to(dtype) * 5
    ray = torch.randint(max(rays, 1), (samples,), generator=generator)
    found = ray_points(**given, t=t, ray=ray)
    assert found.position.shape == found.direction.shape == (samples, 3)
    assert found.footprint.shape == found.time.shape == (samples,)
    for i in range(min(samples, 1000)):
        origin, direction = (given[name][ray[i]].double() for name in ("origins", "directions"))
        expected = origin + t[i].double() * direction
        torch.testing.assert_close(found.position[i].double(), expected, rtol=0, atol=3e-6)
        assert torch.equal(found.direction[i].double(), direction)
        radius, moment = given["footprint"][ray[i]].item(), given["time"][ray[i]].item()
        assert found.footprint[i].item() == pytest.approx(radius * t[i].item(), rel=1e-6)
        assert found.time[i].item() == moment


@BOTH
def test_rays_of_other_strides_and_samples_in_any_order(generator, dtype):
    origins, directions = torch.randn(2, 3, 6, generator=generator).to(dtype).mT
    footprint, time = torch.rand(6, 2, generator=generator).to(dtype).T
    t, ray = torch.arange(6).to(dtype), torch.tensor([5, 0, 0, 3, 1, 5])
    found = ray_points(origins, directions, footprint, time, t, ray)
    torch.testing.assert_close(found.position, origins[ray] + t[:, None] * directions[ray])
    torch.testing.assert_close(found.direction, directions[ray])
    torch.testing.assert_close(found.footprint, footprint[ray] * t)
    torch.testing.assert_close(found.time, time[ray])


@BOTH
def test_without_a_gradient_asked_for_there_is_none(generator, dtype):
    given, t = rays_of(2, generator, dtype), torch.ones(2, dtype=dtype, requires_grad=True)
    given["time"].requires_grad_()
    ray = torch.tensor([0, 1])
    assert not any(result.requires_grad for result in ray_points(**given, t=t, ray=ray))
    given["origins"].requires_grad_()
    with torch.no_grad():
        assert not any(result.requires_grad for result in ray_points(**given, t=t, ray=ray))
    found = ray_points(**given, t=t, ray=ray)
    assert found.position.requires_grad and not found.time.requires_grad


def moving(ray: Tensor, time: Tensor) -> Callable[..., Tensor]:
    def points(origins: Tensor, directions: Tensor, footprint: Tensor, t: Tensor) -> Tensor:
        found = ray_points(origins, directions, footprint, time.to(t), t, ray)
        return torch.cat([found.position, found.direction, found.footprint[:, None]], -1)

    return points


ORDERS = {"ascending": [0, 0, 1, 3, 3, 3], "any": [3, 0, 1, 3, 0, 3]}


@pytest.mark.parametrize("order", ORDERS)
def test_the_gradient_of_the_reference_is_that_of_differences(generator, order):
    given = rays_of(4, generator, torch.float64)
    points = moving(torch.tensor(ORDERS[order]), given.pop("time"))
    t = torch.rand(6, generator=generator).double()
    leaves = tuple(column.requires_grad_() for column in given.values())
    assert torch.autograd.gradcheck(lambda *rays: points(*rays, t), leaves)


@pytest.mark.parametrize("asked", ["origins", "directions", "footprint"])
@pytest.mark.parametrize("samples", [0, 1, 4095, 9000])
@pytest.mark.parametrize("rays", [1, 2, 500])
def test_the_kernel_has_the_gradient_of_the_reference(generator, asked, samples, rays):
    """With rays that reach over several of the parts that threads take, and rays without samples."""
    ray = torch.randint(rays, (samples,), generator=generator).sort().values
    t, weights = torch.rand(samples, generator=generator), torch.randn(samples, 7, generator=generator)
    given, found = rays_of(rays, generator, torch.float32), []
    points = moving(ray, given.pop("time"))
    for dtype in (torch.float64, torch.float32):
        columns = {name: column.to(dtype) for name, column in given.items()}
        leaf = columns[asked].requires_grad_()
        (points(*columns.values(), t.to(dtype)) * weights.to(dtype)).sum().backward()
        found.append(leaf.grad)
    torch.testing.assert_close(found[1].double(), found[0], rtol=1e-4, atol=1e-4)


def test_a_result_that_nothing_depends_on_has_no_part_in_a_gradient(generator):
    given = rays_of(2, generator, torch.float32)
    given["origins"].requires_grad_()
    ray_points(**given, t=torch.ones(3), ray=torch.tensor([0, 1, 1])).position[:, 0].sum().backward()
    assert given["origins"].grad.tolist() == [[1, 0, 0], [2, 0, 0]]


@BOTH
@pytest.mark.parametrize("stray", [-1, 2, 2**40])
def test_a_ray_that_does_not_exist_is_an_index_error(generator, dtype, stray):
    given, t = rays_of(2, generator, dtype), torch.zeros(2, dtype=dtype)
    for wanted in (False, True):
        given["origins"].requires_grad_(wanted)
        with pytest.raises(IndexError):
            ray_points(**given, t=t, ray=torch.tensor([0, stray]))


def test_results_have_names(generator):
    given = rays_of(2, generator, torch.float32)
    for aside in (ops.references, torch.enable_grad):
        with aside():
            found = ray_points(**given, t=torch.ones(1), ray=torch.tensor([1]))
        assert isinstance(found, PointsOfRays) and found._fields == (
            "position",
            "direction",
            "footprint",
            "time",
        )


THREE, TWO, FOUR, INDEX = torch.zeros(2, 3), torch.zeros(2), torch.zeros(4), torch.zeros(4, dtype=torch.int64)
REFUSED = {
    "ray_points: origins has shape": lambda: ray_points(THREE[:, 1:], THREE, TWO, TWO, FOUR, INDEX),
    "ray_points: directions has shape": lambda: ray_points(THREE, THREE[1:], TWO, TWO, FOUR, INDEX),
    "ray_points: footprint has shape": lambda: ray_points(THREE, THREE, FOUR, TWO, FOUR, INDEX),
    "ray_points: time has shape": lambda: ray_points(THREE, THREE, TWO, FOUR, FOUR, INDEX),
    "ray_points: t has shape": lambda: ray_points(THREE, THREE, TWO, TWO, FOUR[None], INDEX),
    "ray_points: ray has shape": lambda: ray_points(THREE, THREE, TWO, TWO, FOUR, INDEX[1:]),
    "ray_points: t is .*float64": lambda: ray_points(THREE, THREE, TWO, TWO, FOUR.double(), INDEX),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_refused_in_a_sentence(sentence):
    with pytest.raises(ValueError, match=sentence):
        REFUSED[sentence]()


def test_shapes_are_checked_while_testing():
    columns = [each.double() for each in (THREE, THREE, TWO, TWO, FOUR)]
    with pytest.raises(jaxtyping.TypeCheckError):
        ray_points(*columns, INDEX[1:])
