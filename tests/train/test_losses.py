"""Losses as values: the terms of a training, what the trace tells them, and that it tells more at no cost."""

from dataclasses import replace

import pytest
import torch
from omnifield.fields import field_config
from omnifield.renderers import VolumeRenderer, volume
from omnifield.renderers.shading import VISIBLE
from omnifield.train import Budget, FitConfig, Progress, Term, begin, fit
from omnifield.train.evaluate import judge, mean_figure
from omnifield.train.losses import over_any_background, photometric
from omnifield.train.pixels import random_pixels
from torch import Tensor

from .sphere_scene import HASH, MLP, sphere_scene


def test_the_terms_are_the_photometric_one_and_those_that_have_a_weight() -> None:
    scene = sphere_scene(train=4, test=1)
    assert [(term.name, term.weight) for term in begin(scene, HASH).terms] == [("photometric", 1.0)]
    field = field_config("mipvog", "tiny", ["sample_color=0.25"])
    terms = begin(scene, field, FitConfig(sample_color=0.5, opacity_sparsity=2.0)).terms
    assert [(term.name, term.weight) for term in terms] == [
        ("photometric", 1.0),
        ("sample_color", 0.75),
        ("opacity_sparsity", 2.0),
    ]


def test_the_mean_over_all_backgrounds(generator: torch.Generator) -> None:
    """By Gauss's rule of two points, which is exact for squares."""
    color, opacity = torch.randn(200, 3, generator=generator), torch.randn(200, generator=generator)
    backgrounds = [0.5 - 3**-0.5 / 2, 0.5 + 3**-0.5 / 2]
    errors = [(color - opacity[:, None] * b).square().mean(-1) for b in backgrounds]
    found = over_any_background(color, opacity)
    torch.testing.assert_close(found, (errors[0] + errors[1]) / 2)
    torch.testing.assert_close(over_any_background(color, torch.zeros(200)), color.square().mean(-1))


def test_whoever_walks_through_a_picture_is_not_learnt(generator: torch.Generator) -> None:
    """Every training view has a red square somewhere else; no held-out one has."""
    scene = sphere_scene(train=12, test=2)
    (views,) = scene.train
    images = views.images.clone()
    for image in images:
        x, y = torch.randint(4, 14, (2,), generator=generator).tolist()
        image[y : y + 6, x : x + 6] = torch.tensor([255, 0, 0, 255], dtype=torch.uint8)
    spoilt = replace(scene, train=(replace(views, images=images),))

    def psnr(robust: float) -> float:
        training = begin(spoilt, HASH, FitConfig(robust=robust))
        fit(training, spoilt, Budget(steps=150))
        return mean_figure(
            view.psnr for view in judge(training.field, training.sampler, scene.test, torch.ones(3))
        )

    assert psnr(0.1) > psnr(0.0) + 0.5


def test_a_robust_loss_is_the_usual_one_of_small_errors() -> None:
    scene = sphere_scene(train=4, test=1)
    training = begin(scene, HASH)
    batch = random_pixels(scene.train, 300, torch.Generator().manual_seed(1))
    rendering, trace = VolumeRenderer(training.sampler).trace(training.field, batch.rays, torch.zeros(300, 3))
    usual, large, small = (photometric(rendering, trace, batch, robust=r).item() for r in (0.0, 100.0, 0.1))
    assert large == pytest.approx(usual, rel=1e-3) and small < 0.5 * usual


def test_faint_samples_are_not_asked_for_their_colour() -> None:
    scene = sphere_scene(train=4, test=1)
    training = begin(scene, HASH)
    fit(training, scene, Budget(steps=20))
    rays = random_pixels(scene.train, 300, torch.Generator().manual_seed(1)).rays

    def seen(visible: float) -> Tensor:
        renderer = VolumeRenderer(training.sampler, visible=visible)
        trace = renderer.trace(training.field, rays, torch.zeros(300, 3))[1]
        assert len(trace.values) == len(trace.visible)
        return trace.weight[trace.visible]

    weights = seen(VISIBLE)
    least = weights.median().item()
    assert torch.equal(seen(least), weights[weights > least])


def test_a_term_is_minded_by_its_weight_and_told_of() -> None:
    """One that wants everything to be white, a thousand times as much as the pictures want what they show."""
    scene, progress = sphere_scene(train=4, test=1), list[Progress]()
    training = begin(scene, MLP)
    training.terms.append(
        Term("white", 1e3, lambda rendering, trace, batch: (1 - trace.values).square().mean())
    )
    fit(training, scene, Budget(steps=30), [progress.append])
    first, last = progress[0], progress[-1]
    assert last.losses["white"] < first.losses["white"] / 2
    assert last.loss == pytest.approx(last.losses["photometric"] + 1e3 * last.losses["white"])
    assert last.psnr == pytest.approx(-10 * torch.tensor(last.losses["photometric"]).log10().item(), abs=1e-4)


def test_a_term_that_is_not_finite_breaks_a_training_down() -> None:
    scene = sphere_scene(train=4, test=1)
    training = begin(scene, MLP)
    training.terms.append(
        Term("broken", 1.0, lambda rendering, trace, batch: rendering.color.sum() * torch.inf)
    )
    with pytest.raises(FloatingPointError, match="broke down at step 0"):
        fit(training, scene, Budget(steps=1))


def test_the_trace_knows_all_samples_and_keeps_what_there_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights of all samples make the opacity; of what the renderer had already nothing is computed anew."""
    asked, had = volume.probe_until_opaque, []

    def remembered(*given: object) -> tuple:
        had[:] = asked(*given)  # pyright: ignore
        return had[0], had[1]

    monkeypatch.setattr(volume, "probe_until_opaque", remembered)
    scene = sphere_scene(train=4, test=1)
    training = begin(scene, HASH)
    fit(training, scene, Budget(steps=20))
    batch = random_pixels(scene.train, 300, torch.Generator().manual_seed(1))
    background = torch.rand(300, 3)
    rendering, trace = VolumeRenderer(training.sampler).trace(training.field, batch.rays, background)
    samples, probe = had
    assert trace.samples is samples and trace.density is probe.density
    opacity = torch.zeros(300).index_add_(0, samples.ray, trace.weight.detach())
    torch.testing.assert_close(opacity, rendering.opacity.detach())
    assert len(trace.values) == len(trace.visible) <= len(trace.weight) == len(samples)
    seen = torch.zeros(300, 3).index_add_(
        0, samples.ray[trace.visible], (trace.weight[trace.visible, None] * trace.values).detach()
    )
    behind = 1 - torch.zeros(300).index_add_(
        0, samples.ray[trace.visible], trace.weight[trace.visible].detach()
    )
    faint = opacity - (1 - behind)  # has the mean colour of what is visible
    differs = (rendering.color.detach() - seen - behind[:, None] * background).abs().amax(1)
    assert (differs <= faint + 1e-5).all() and faint.max() < 0.02
    torch.testing.assert_close(trace.thickness, trace.density * samples.dt)
