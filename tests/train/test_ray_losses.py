"""The losses on rays against loops over samples, and what a training makes of them."""

import math

import pytest
import torch
from omnifield.fields import field_config
from omnifield.fields import mipvog as field_module
from omnifield.renderers import Rendering, Trace, VolumeRenderer
from omnifield.renderers.samples import Samples
from omnifield.renderers.shading import VISIBLE
from omnifield.scenes import Rays, Scene
from omnifield.train import Budget, FitConfig, Training, begin, fit
from omnifield.train.pixels import PixelBatch, random_pixels
from omnifield.train.ray_losses import RAY_LOSSES, background_entropy, opacity_sparsity, sample_color

from .sphere_scene import sphere_scene

THREE, FIVE = 3, 5  # rays and visible samples


Seen = tuple[Rendering, Trace, PixelBatch]


@pytest.fixture
def seen() -> Seen:
    generator = torch.Generator().manual_seed(3)

    def random(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64).requires_grad_()

    rendering = Rendering(random(THREE, 3), random(THREE), random(THREE), torch.tensor([3, 2, 4]))
    ray, offsets = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 2]), torch.tensor([0, 3, 5, 9])
    samples = Samples(random(9).detach(), random(9).detach(), ray, offsets)
    visible = torch.tensor([0, 2, 3, 5, 8])
    trace = Trace(samples, random(9), random(9), visible, random(FIVE, 7))
    zero, view = torch.zeros(THREE), torch.arange(THREE)
    vectors = torch.zeros(THREE, 3)
    rays = Rays(
        origins=vectors, directions=vectors, near=zero, far=zero, footprint=zero, time=zero, view=view
    )
    weight = torch.tensor([1.0, 4.0, 0.0])
    return rendering, trace, PixelBatch(rays, random(THREE, 3).detach(), random(THREE).detach(), weight)


def test_a_ray_is_to_be_opaque_or_not(seen: Seen) -> None:
    rendering, trace, batch = seen
    found = background_entropy(rendering, trace, batch)
    entropies = [-a * math.log(a) - (1 - a) * math.log(1 - a) for a in rendering.opacity.tolist()]
    assert found.item() == pytest.approx(sum(entropies) / THREE)
    found.backward()
    assert torch.equal(rendering.opacity.grad < 0, rendering.opacity > 0.5)


def test_every_sample_is_to_look_like_its_pixel(seen: Seen) -> None:
    rendering, trace, batch = seen
    found = sample_color(rendering, trace, batch)
    total = 0.0
    for row, values in zip(trace.visible, trace.values, strict=True):
        ray, weight = trace.samples.ray[row], trace.weight[row]
        error = sum((values[i] - batch.color[ray, i]) ** 2 for i in range(3))
        total += (weight * batch.alpha[ray] * error).item() * (ray != 2)  # the third pixel is masked
    assert found.item() == pytest.approx(float(total) / THREE)
    found.backward()
    assert (
        trace.weight.grad is None and trace.values.grad[:3, :3].all() and not trace.values.grad[:, 3:].any()
    )


def test_opacities_are_to_be_few(seen: Seen) -> None:
    rendering, trace, batch = seen
    found = opacity_sparsity(rendering, trace, batch)
    terms = [math.log(1 + 2 * (1 - math.exp(-depth)) ** 2) for depth in trace.thickness.tolist()]
    assert found.item() == pytest.approx(sum(terms) / 9)


def test_no_ray_at_all_costs_nothing(seen: Seen) -> None:
    _, _, batch = seen
    empty = PixelBatch(batch.rays[:0], torch.zeros(0, 3), torch.zeros(0), torch.zeros(0))
    rendering = Rendering(
        torch.zeros(0, 3), torch.zeros(0), torch.zeros(0), torch.zeros(0, dtype=torch.int64)
    )
    rows = torch.zeros(0, dtype=torch.int64)
    samples = Samples(torch.zeros(0), torch.zeros(0), rows, torch.zeros(1, dtype=torch.int64))
    trace = Trace(samples, torch.zeros(0), torch.zeros(0), rows, torch.zeros(0, 7))
    for loss in (sample_color, opacity_sparsity):
        assert loss(rendering, trace, empty) == 0


def test_even_certain_opacities_have_a_finite_entropy(seen: Seen) -> None:
    rendering, trace, batch = seen
    opacity = torch.tensor([0.0, 1.0, 1.0 + 1e-7], requires_grad=True)
    certain = Rendering(rendering.color, opacity, rendering.depth, rendering.samples)
    background_entropy(certain, trace, batch).backward()
    assert opacity.grad.isfinite().all()


@pytest.mark.parametrize(
    ("name", "owner"), [*((name, "field") for name in RAY_LOSSES), ("opacity_sparsity", "training")]
)
def test_a_training_minds_each_of_them(name: str, owner: str) -> None:
    """With a heavy weight on it, whoever asks for it, a loss ends lower than without."""
    scene = sphere_scene(train=4, test=1)

    def trained(weight: float) -> float:
        asked = [f"{name}={weight}"] if owner == "field" else []
        config = field_config("mipvog", "tiny", ["samples_per_step=2048", *asked])
        fit_config = FitConfig(visible=VISIBLE, **{} if asked else {name: weight})
        training = begin(scene, config, fit_config)
        fit(training, scene, Budget(steps=40))
        return measured(training, scene, name)

    assert trained(1.0) < trained(0.0)


def measured(training: Training, scene: Scene, name: str) -> float:
    batch = random_pixels(scene.train, 500, torch.Generator().manual_seed(1))
    with torch.no_grad():
        found = VolumeRenderer(training.sampler).trace(training.field, batch.rays, torch.ones(500, 3))
        return RAY_LOSSES[name](*found, batch).item()


def test_a_field_asks_for_losses_that_there_are() -> None:
    assert set(field_module.RAY_LOSSES) == set(RAY_LOSSES)
