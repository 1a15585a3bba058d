"""The distortion loss of mip-NeRF 360 against its definition: of docs/python.md, and of unbounded scenes."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from omnifield.renderers import Rendering, Trace, VolumeRenderer
from omnifield.renderers.samples import Samples
from omnifield.scenes import Box, Contraction, Rays
from omnifield.train import Budget, FitConfig, Loss, Term, begin, fit
from omnifield.train.distortion_loss import distortion as unbounded
from omnifield.train.losses import terms_of
from omnifield.train.pixels import PixelBatch, random_pixels
from torch import Tensor

from .sphere_scene import HASH, sphere_scene

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "distortion_loss.py"
Seen = tuple[Rendering, Trace, PixelBatch]


@pytest.fixture(scope="module")
def distortion() -> Loss:
    assert len(EXAMPLE.read_text().splitlines()) < 50
    spec = importlib.util.spec_from_file_location("distortion_loss", EXAMPLE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.distortion


def traced(counts: list[int], weight: Tensor) -> Seen:
    """Samples at random distances, near to far on each ray, with these weights."""
    generator, rays = torch.Generator().manual_seed(1), len(counts)
    offsets = torch.tensor([0, *counts]).cumsum(0)
    ray = torch.repeat_interleave(torch.arange(rays), torch.tensor(counts))
    t, dt = torch.rand(2, len(ray), generator=generator, dtype=weight.dtype) + 1
    t = torch.cat([part.sort()[0] for part in t.split(counts)])
    none, row = torch.zeros(rays, dtype=weight.dtype), torch.zeros(0, dtype=torch.int64)
    color = torch.zeros(rays, 3, dtype=weight.dtype)
    trace = Trace(Samples(t, dt, ray, offsets), weight, weight, row, torch.zeros(0, 3).to(weight))
    lines = Rays(
        origins=torch.zeros(rays, 3),
        directions=torch.zeros(rays, 3),
        near=torch.zeros(rays),
        far=torch.zeros(rays),
        footprint=torch.zeros(rays),
        time=torch.zeros(rays),
        view=torch.arange(rays),
    )
    return Rendering(color, none, none, offsets.diff()), trace, PixelBatch(lines, color, none, none)


def by_pairs(trace: Trace, rays: int) -> Tensor:
    """Eq. 15 of arXiv 2111.12077, as it is written."""
    total = trace.weight.new_zeros(())
    for begin_, end in zip(trace.samples.offsets[:-1], trace.samples.offsets[1:], strict=True):
        w, t, dt = (x[begin_:end] for x in (trace.weight, trace.samples.t, trace.samples.dt))
        total = total + (w[:, None] * w * (t[:, None] - t).abs()).sum() + (w * w * dt).sum() / 3
    return total / rays


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_it_is_the_sum_over_all_pairs_and_so_are_its_gradients(distortion: Loss, dtype: torch.dtype) -> None:
    counts = [5, 0, 1, 40, 3]
    weight = torch.rand(sum(counts), generator=torch.Generator().manual_seed(2), dtype=dtype).requires_grad_()
    seen = traced(counts, weight)
    found, expected = distortion(*seen), by_pairs(seen[1], len(counts))
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(
        *(torch.autograd.grad(loss, weight)[0] for loss in (found, expected)), rtol=1e-4, atol=1e-5
    )


def test_many_rays_lose_no_digits(distortion: Loss) -> None:
    """Running sums go on from ray to ray: two faint samples behind a hundred thousand others count all the same."""
    counts = [1] * 100_000 + [2]
    weight = torch.ones(sum(counts))
    weight[-2:] = 1e-3
    rendering, trace, batch = traced(counts, weight)
    trace.samples.dt.zero_()
    t = trace.samples.t[-2:].double()
    assert distortion(rendering, trace, batch).item() * len(counts) == pytest.approx(
        2e-6 * (t[1] - t[0]).item(), rel=1e-3
    )


def test_a_training_minds_it(distortion: Loss) -> None:
    """What is seen is drawn together along the rays, and the pictures are learned all the same."""
    scene = sphere_scene(train=6, test=1)

    def trained(terms: list[Term]) -> tuple[float, float]:
        training, psnr = begin(scene, HASH), list[float]()
        training.terms.extend(terms)
        fit(training, scene, Budget(steps=40), [lambda progress: psnr.append(progress.psnr)])
        batch = random_pixels(scene.train, 500, torch.Generator().manual_seed(1))
        with torch.no_grad():
            found = VolumeRenderer(training.sampler).trace(training.field, batch.rays, torch.ones(500, 3))
        return distortion(*found, batch).item(), sum(psnr[-10:]) / 10

    without = trained([])
    with_it = trained([Term("distortion", 0.05, distortion)])
    assert with_it[0] < 0.9 * without[0] and with_it[1] > without[1] - 1


def test_that_of_unbounded_scenes_is_of_distances_that_end_at_one() -> None:
    counts, scale = [5, 0, 1, 40, 3], 0.7
    weight = torch.rand(sum(counts), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    rendering, trace, batch = traced(counts, weight.requires_grad_())
    found = unbounded(rendering, trace, batch, scale=scale)
    t, dt = trace.samples.t, trace.samples.dt
    slope = torch.autograd.functional.jacobian(lambda x: (x / (x + scale)).sum(), t)
    bent = replace(trace, samples=replace(trace.samples, t=t / (t + scale), dt=slope * dt))
    expected = by_pairs(bent, len(counts))
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(
        *(torch.autograd.grad(loss, weight)[0] for loss in (found, expected)), rtol=1e-6, atol=1e-8
    )


def test_unbounded_scenes_have_it_and_boxes_do_not() -> None:
    fields = [HASH.build(domain((-1.0,) * 3, (1.0,) * 3)) for domain in (Box, Contraction)]
    box, open_air = ([(term.name, term.weight) for term in terms_of(each, FitConfig())] for each in fields)
    assert box == [("photometric", 1.0)]
    assert open_air == [("photometric", 1.0), ("distortion", FitConfig().distortion)]
    assert len(terms_of(fields[1], FitConfig(distortion=0.0))) == 1
