"""The losses on rays against loops over samples, and what a training makes of them."""

import math

import pytest
import torch
from omnifield.fields import RayPenalties, field_config
from omnifield.fields.mipvog import PENALTIES
from omnifield.renderers import Rendering, Trace, VolumeRenderer
from omnifield.scenes import Rays, Scene
from omnifield.train.loop import Budget, Training, begin, fit
from omnifield.train.pixels import PixelBatch, random_pixels
from omnifield.train.ray_penalty import ray_penalty

from .sphere_scene import sphere_scene

THREE, FIVE = 3, 5  # rays and visible samples


Seen = tuple[Rendering, Trace, PixelBatch]


@pytest.fixture
def seen() -> Seen:
    generator = torch.Generator().manual_seed(3)

    def random(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64).requires_grad_()

    rendering = Rendering(random(THREE, 3), random(THREE), random(THREE), torch.tensor([3, 2, 4]))
    trace = Trace(random(9), torch.tensor([0, 0, 1, 2, 2]), random(FIVE), random(FIVE, 7))
    zero, view = torch.zeros(THREE), torch.arange(THREE)
    vectors = torch.zeros(THREE, 3)
    rays = Rays(
        origins=vectors, directions=vectors, near=zero, far=zero, footprint=zero, time=zero, view=view
    )
    weight = torch.tensor([1.0, 4.0, 0.0])
    return rendering, trace, PixelBatch(rays, random(THREE, 3).detach(), random(THREE).detach(), weight)


def test_a_ray_is_to_be_opaque_or_not(seen: Seen) -> None:
    rendering, trace, batch = seen
    found = ray_penalty(RayPenalties(background_entropy=0.5), rendering, trace, batch)
    entropies = [-a * math.log(a) - (1 - a) * math.log(1 - a) for a in rendering.opacity.tolist()]
    assert found.item() == pytest.approx(0.5 * sum(entropies) / THREE)
    found.backward()
    assert torch.equal(rendering.opacity.grad < 0, rendering.opacity > 0.5)


def test_every_sample_is_to_look_like_its_pixel(seen: Seen) -> None:
    rendering, trace, batch = seen
    found = ray_penalty(RayPenalties(sample_color=2.0), rendering, trace, batch)
    total = 0.0
    for ray, weight, values in zip(trace.ray, trace.weight, trace.values, strict=True):
        error = sum((values[i] - batch.color[ray, i]) ** 2 for i in range(3))
        total += (weight * batch.alpha[ray] * error).item() * (ray != 2)  # the third pixel is masked
    assert found.item() == pytest.approx(2 * float(total) / THREE)
    found.backward()
    assert (
        trace.weight.grad is None and trace.values.grad[:3, :3].all() and not trace.values.grad[:, 3:].any()
    )


def test_opacities_are_to_be_few(seen: Seen) -> None:
    rendering, trace, batch = seen
    found = ray_penalty(RayPenalties(opacity_sparsity=0.1), rendering, trace, batch)
    terms = [math.log(1 + 2 * (1 - math.exp(-depth)) ** 2) for depth in trace.thickness.tolist()]
    assert found.item() == pytest.approx(0.1 * sum(terms) / 9)


def test_no_ray_at_all_and_no_weight_cost_nothing(seen: Seen) -> None:
    _, _, batch = seen
    empty = PixelBatch(batch.rays[:0], torch.zeros(0, 3), torch.zeros(0), torch.zeros(0))
    rendering = Rendering(
        torch.zeros(0, 3), torch.zeros(0), torch.zeros(0), torch.zeros(0, dtype=torch.int64)
    )
    trace = Trace(torch.zeros(0), torch.zeros(0, dtype=torch.int64), torch.zeros(0), torch.zeros(0, 7))
    assert ray_penalty(RayPenalties(sample_color=1.0, opacity_sparsity=1.0), rendering, trace, empty) == 0
    assert ray_penalty(RayPenalties(), *seen) == 0


def test_even_certain_opacities_have_a_finite_entropy(seen: Seen) -> None:
    rendering, trace, batch = seen
    opacity = torch.tensor([0.0, 1.0, 1.0 + 1e-7], requires_grad=True)
    certain = Rendering(rendering.color, opacity, rendering.depth, rendering.samples)
    ray_penalty(RayPenalties(background_entropy=1.0), certain, trace, batch).backward()
    assert opacity.grad.isfinite().all()


@pytest.mark.parametrize("name", PENALTIES)
def test_a_training_minds_each_of_them(name: str) -> None:
    """With a heavy weight on it, a penalty ends lower than without."""
    scene = sphere_scene(train=4, test=1)

    def trained(weight: float) -> float:
        config = field_config("mipvog", "tiny", [f"{name}={weight}", "samples_per_step=2048"])
        training = begin(scene, config)
        for _ in fit(training, scene, Budget(steps=12)):
            pass
        return measured(training, scene, name)

    assert trained(1.0) < trained(0.0)


def measured(training: Training, scene: Scene, name: str) -> float:
    batch = random_pixels(scene.train, 500, torch.Generator().manual_seed(1))
    with torch.no_grad():
        found = VolumeRenderer(training.sampler).trace(training.field, batch.rays, torch.ones(500, 3))
        return ray_penalty(RayPenalties(**{name: 1.0}), *found, batch).item()
