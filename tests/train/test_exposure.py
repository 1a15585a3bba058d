"""Photographs of one scene that differ in exposure: what a training makes of it, and what its figures say."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from omnifield.renderers import VolumeRenderer
from omnifield.scenes import Contraction, Scene, Views
from omnifield.scenes.views import nothing_ignored
from omnifield.train import Budget, FitConfig, begin, fit
from omnifield.train.checkpoint import load_training, save_training
from omnifield.train.evaluate import judge, mean_figure, psnr_fitted
from omnifield.train.exposure import Exposure
from omnifield.train.loop import Training
from omnifield.train.losses import photometric
from omnifield.train.pixels import random_pixels
from torch import Tensor

from .sphere_scene import HASH, sphere_scene

DARKER = 0.6


def in_the_open(twice: bool = False) -> Scene:
    """A sphere; each of its views `twice`, first underexposed: their directions do not tell them apart."""
    scene = sphere_scene(train=12, test=2)
    (views,) = scene.train
    dark = views.images.clone()
    dark[..., :3] = (dark[..., :3] * DARKER).round().byte()
    if twice:
        images = torch.cat([dark, views.images])
        views = Views(
            views.cameras[torch.arange(12).repeat(2)],
            images,
            nothing_ignored(images),
            tuple(map(str, range(24))),
        )
    return replace(scene, domain=Contraction(scene.domain.lo, scene.domain.hi), train=(views,))


def trained(scene: Scene, exposure: float) -> Training:
    training = begin(scene, HASH, FitConfig(exposure=exposure))
    fit(training, scene, Budget(steps=200))
    return training


def test_views_are_told_apart_and_their_mean_is_the_field_s(generator: torch.Generator) -> None:
    exposure = Exposure(5, 0.01)
    with torch.no_grad():
        exposure.maps.copy_(torch.randn(5, 6, generator=generator) + 3)
    assert exposure.of_views().double().mean(0).abs().max() < 1e-6


def test_half_of_the_photographs_underexposed() -> None:
    """(LichtFeld PR#1892: a tint that all share hid in what is each view's own.)"""
    scene = in_the_open(twice=True)
    training = trained(scene, 0.02)
    gain, offset = training.exposure.of_views().detach().split(3, -1)
    grey = 0.5 * gain.exp() + offset  # as each view shows it
    assert (grey[:12].mean() / grey[12:].mean()).item() == pytest.approx(DARKER, abs=0.1)
    assert gain.mean(0).abs().max() < 1e-6
    # Without maps the views contradict each other; with them a picture lies between the two, and has the right colours.
    assert error(training, scene) < 0.5 * error(trained(scene, 0.0), scene)
    (views,) = scene.test
    pictures = list(judge(training.field, training.sampler, (views,), torch.ones(3)))
    shown, true = (
        sum(each[views.alpha(i) == 255].mean().item() for i, each in enumerate(images))
        for images in ([p.image for p in pictures], [p.truth for p in pictures])
    )
    assert DARKER < shown / true < 1
    assert mean_figure(p.psnr_fitted for p in pictures) > mean_figure(p.psnr for p in pictures) + 3


def error(training: Training, scene: Scene) -> float:
    """The mean square error of the training's own pixels, each as its view shows it."""
    batch = random_pixels(scene.train, 2000, torch.Generator().manual_seed(1))
    with torch.no_grad():
        rendering, trace = VolumeRenderer(training.sampler).trace(
            training.field, batch.rays, torch.zeros(2000, 3)
        )
        return photometric(training.exposure.seen(rendering, batch.rays.view), trace, batch).item()


def test_there_are_none_unless_somebody_asks() -> None:
    assert not list(begin(in_the_open(), HASH).exposure.parameters())
    assert len(begin(in_the_open(), HASH, FitConfig(exposure=0.01)).exposure.maps) == 12


def test_maps_go_on_to_the_last_bit(tmp_path: Path) -> None:
    scene = in_the_open()
    whole = begin(scene, HASH, FitConfig(exposure=0.01))
    fit(
        whole,
        scene,
        Budget(steps=8),
        [lambda progress: save_training(tmp_path / "state", whole) if progress.step == 4 else None],
    )
    half = begin(scene, HASH, FitConfig(exposure=0.01))
    load_training(tmp_path / "state", half)
    fit(half, scene, Budget(steps=8))
    assert whole.exposure.maps.abs().sum() > 0 and torch.equal(whole.exposure.maps, half.exposure.maps)


def halves(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    truth = torch.rand(20, 30, 3, generator=generator) * 0.5 + 0.2
    return truth, truth.new_ones(20, 30, dtype=torch.bool)


def test_a_tint_costs_nothing_where_colours_are_fitted(generator: torch.Generator) -> None:
    truth, counted = halves(generator)
    mixed = truth @ torch.tensor([[0.8, 0.1, 0.0], [0.0, 0.9, 0.1], [0.1, 0.0, 0.7]]) + 0.05
    assert psnr_fitted(mixed, truth, counted) > 50


def test_the_right_half_alone_is_judged_by_what_the_left_one_says(generator: torch.Generator) -> None:
    truth, counted = halves(generator)
    image = truth.clone()
    image[:, 15:] = image[:, 15:] * 0.5
    without = -10 * math.log10((image - truth)[:, 15:].square().mean().item())
    assert psnr_fitted(image, truth, counted) == pytest.approx(without, abs=0.1)
    image = truth.clone()
    image[:, :15] = 1 - image[:, :15]  # the fit undoes it there, and inverts what was right
    assert psnr_fitted(image, truth, counted) < 15


def test_masked_pixels_neither_fit_nor_count(generator: torch.Generator) -> None:
    truth, counted = halves(generator)
    image = truth.clone()
    image[:10] = torch.rand(10, 30, 3, generator=generator)
    counted[:10] = False
    assert psnr_fitted(image, truth, counted) > 50
    assert math.isnan(psnr_fitted(image, truth, torch.zeros_like(counted)))
