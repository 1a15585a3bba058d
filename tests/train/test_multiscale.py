"""Training and judging at several scales: which pixels are drawn, what they count, and what a run says of it."""

import dataclasses
import itertools
import math
from pathlib import Path

import pytest
import torch
from omnifield.renderers import Rendering, Trace
from omnifield.renderers.samples import Samples
from omnifield.scenes import Scene, Views
from omnifield.scenes.multiscale import with_scales
from omnifield.train import Budget, begin, fit, judge
from omnifield.train.callbacks import Curve
from omnifield.train.losses import over_any_background, photometric
from omnifield.train.pixels import random_pixels
from omnifield.train.run import Run
from PIL import Image
from torch import Tensor

from .sphere_scene import MLP, around, sphere_scene

COUNT, SIZE = 3, 12
PIXELS = [COUNT * (SIZE // factor) ** 2 for factor in (1, 2, 4)]


def numbered(level: int) -> Views:
    """Every pixel says in its colours where it is, and in its alpha at which level."""
    size = SIZE >> level
    view, y, x = torch.meshgrid(torch.arange(COUNT), torch.arange(size), torch.arange(size), indexing="ij")
    images = torch.stack([x, y, view, torch.full_like(x, level)], -1).byte()
    return Views(
        around(COUNT, SIZE, 0.0).reduced(2**level), images, (x + y + view) % 5 == 0, ("", "", ""), 2**level
    )


SCALES = (numbered(0), numbered(1), numbered(2))


def test_colours_footprints_and_weights_are_those_of_the_level(generator: torch.Generator) -> None:
    batch = random_pixels(SCALES, 800, generator)
    assert len(batch.rays) == len(batch.weight) == pytest.approx(0.8 * 800, abs=60)
    full = 2 / 12**0.5 / SCALES[0].cameras.focal[0].mean().item()
    pixels = torch.cat([batch.color, batch.alpha[:, None]], -1)
    assert set((batch.alpha * 255).round().long().tolist()) == {0, 1, 2}
    for index, (x, y, view, level) in enumerate((pixels * 255).round().long().tolist()):
        target = batch.rays.origins[index] + 2 * batch.rays.directions[index]
        sensor, _ = SCALES[level].cameras.project(view, target[None])
        assert sensor[0].tolist() == pytest.approx([x + 0.5, y + 0.5], abs=1e-4)
        off_axis = -float(batch.rays.directions[index] @ SCALES[level].cameras.world_from_camera[view, :, 2])
        assert batch.rays.footprint[index].item() == pytest.approx(full * 2**level * off_axis)
        assert batch.weight[index].item() == 4**level and (x + y + view) % 5  # no masked ones


def test_every_pixel_of_every_scale_is_as_likely(generator: torch.Generator) -> None:
    scales = tuple(dataclasses.replace(v, ignored=torch.zeros_like(v.ignored)) for v in SCALES)
    batch = random_pixels(scales, 200 * sum(PIXELS), generator)
    x, y, view = (batch.color * 255).round().long().unbind(-1)
    level = (batch.alpha * 255).round().long()
    size, begin = SIZE >> level, torch.tensor([0, *itertools.accumulate(PIXELS)])
    counts = (begin[level] + (view * size + y) * size + x).bincount(minlength=sum(PIXELS))
    cells = len(counts)
    assert cells == sum(PIXELS)
    assert ((counts - 200).square() / 200).sum() < cells + 5 * math.sqrt(2 * cells)  # χ²


def test_all_scales_count_the_same_in_the_end(generator: torch.Generator) -> None:
    scales = tuple(dataclasses.replace(v, ignored=torch.zeros_like(v.ignored)) for v in SCALES)
    batch = random_pixels(scales, 100_000, generator)
    level = (batch.alpha * 255).round().long()
    share = torch.zeros(3).index_add_(0, level, batch.weight) / batch.weight.sum()
    assert share.tolist() == pytest.approx([1 / 3] * 3, abs=0.01)


def seen(color: Tensor, opacity: Tensor) -> tuple[Rendering, Trace]:
    """Colours over black, of which nobody knows how they came about."""
    none = torch.zeros(0)
    samples = Samples(none, none, none.long(), torch.zeros(len(color) + 1, dtype=torch.int64))
    trace = Trace(samples, none, none, none.long(), torch.zeros(0, 3))
    return Rendering(color, opacity, opacity, samples.counts), trace


def test_the_loss_is_the_mean_weighed_by_area(generator: torch.Generator) -> None:
    batch = random_pixels(SCALES, 300, generator)
    count = len(batch.rays)
    color, opacity = torch.rand(count, 3, generator=generator), torch.rand(count, generator=generator)
    differences = color - batch.color * batch.alpha[:, None], opacity - batch.alpha
    total, weights = 0.0, 0.0
    for error, weight in zip(over_any_background(*differences), batch.weight.tolist(), strict=True):
        total += weight * error.item()
        weights += weight
    assert photometric(*seen(color, opacity), batch).item() == pytest.approx(total / weights, rel=1e-4)


def test_one_scale_is_drawn_as_ever() -> None:
    [views] = SCALES[:1]
    batch = random_pixels((views,), 64, torch.Generator().manual_seed(3))
    pixel = torch.randint(PIXELS[0], (64,), generator=torch.Generator().manual_seed(3))
    view, y, x = pixel // SIZE**2, pixel // SIZE % SIZE, pixel % SIZE
    view, y, x = (each[~views.ignored[view, y, x]] for each in (view, y, x))
    assert torch.equal(batch.color, views.images[view, y, x, :3].float() / 255)
    assert batch.weight.all()
    assert torch.equal(batch.rays.directions, views.cameras.rays(view, x + 0.5, y + 0.5).directions)


def test_a_level_of_which_nothing_is_drawn(generator: torch.Generator) -> None:
    batch = random_pixels(SCALES, 1, generator)
    assert len(batch.rays) == len(batch.weight) == 1


@pytest.fixture(scope="module")
def scene() -> Scene:
    return with_scales(sphere_scene(), 3)


def test_a_run_judges_every_scale(scene: Scene, tmp_path: Path) -> None:
    run = Run(tmp_path, scene, begin(scene, MLP), {})
    with run.kept():
        fit(run.training, scene, Budget(steps=4), [Curve(run, Budget(steps=4))])
    means = run.write_pictures()
    expected = []
    for views in scene.test:
        judged = judge(run.training.field, run.training.settled(), [views], torch.ones(3))
        expected.append(sum(view.psnr for view in judged) / len(views))
    assert means == pytest.approx(expected, abs=1e-4) and len(set(means)) == 3
    assert run.curve[-1]["psnr"] == pytest.approx(sum(expected) / 3, abs=1e-4)
    sizes = {path.stem: Image.open(path).size for path in (tmp_path / "images").iterdir()}
    assert len(sizes) == 9
    assert [sizes[name] for name in ("r_0", "r_1_d1", "r_2_d2")] == [(48, 24), (24, 12), (12, 6)]


def test_a_scene_of_one_colour_is_learned_at_all_scales() -> None:
    """Everywhere opaque and of one colour: no scale asks for anything else, whatever its weight."""
    still = sphere_scene(train=4, test=1)
    color = torch.tensor([200, 120, 40, 255], dtype=torch.uint8)
    one = {
        name: (dataclasses.replace(views, images=color.expand(views.images.shape).clone()),)
        for name, views in (("train", still.train[0]), ("test", still.test[0]))
    }
    scene = with_scales(dataclasses.replace(still, **one), 3)
    training = begin(scene, MLP)
    losses: list[float] = []
    fit(training, scene, Budget(steps=60), [lambda progress: losses.append(progress.loss)])
    assert losses[-1] < losses[0] / 10
    for views in scene.test:
        [view] = judge(training.field, training.sampler, [views], torch.ones(3))
        assert view.psnr > 15


def test_one_scale_trains_to_the_same_bits() -> None:
    scene = sphere_scene(train=4, test=1)
    fields = []
    for each in (scene, with_scales(scene, 1)):
        training = begin(each, MLP)
        fit(training, each, Budget(steps=5))
        fields.append(training.field.state_dict())
    assert all(torch.equal(fields[0][name], tensor) for name, tensor in fields[1].items())
