"""How many held-out pixels are judged: a slow field's figures take a small part of its training."""

import math
from pathlib import Path

import pytest
import torch
from omnifield.renderers import OccupancyConfig
from omnifield.train import Budget, callbacks, evaluate, fit
from omnifield.train.judging import FEWEST_RAYS, LEAST_SECONDS, SHARE, curve_rays, final_rays
from omnifield.train.loop import begin
from omnifield.train.run import Run

from .sphere_scene import BOX, HASH, SIZE, sphere_scene


def test_pictures_take_a_tenth_of_the_training_at_most() -> None:
    for per_ray in (1e-5, 1e-4, 1e-3):
        rays = final_rays(1 << 20, 600.0, per_ray)
        assert rays == 1 << 20 or rays * per_ray == pytest.approx(SHARE * 600.0, rel=1e-3)
    assert final_rays(1 << 20, 600.0, 1e-5) == 1 << 20
    assert final_rays(1 << 20, 1.0, 1e-4) == round(LEAST_SECONDS / 1e-4)
    assert final_rays(1 << 20, 1.0, 10.0) == FEWEST_RAYS and final_rays(100, 1.0, 10.0) == 100


def test_all_points_of_a_curve_take_a_tenth_of_the_budget_at_most() -> None:
    rays = curve_rays(1 << 15, 60.0, 15, 2e-5)
    assert 15 * rays * 2e-5 == pytest.approx(6.0, rel=1e-3)
    assert curve_rays(1 << 15, 60.0, 15, 1e-7) == 1 << 15


def test_similarity_is_computed_for_whoever_reads_it(monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(evaluate, "ssim", lambda *_: asked.append(1) or 0.5)
    both = [
        evaluate.Judged("a", torch.ones(4, 4, 3), torch.ones(4, 4, 3), torch.ones(4, 4).bool(), 9.0, each)
        for each in (1, 2)
    ]
    assert both[0].psnr == 9.0 and not asked
    assert both[0].ssim == both[0].ssim == 0.5 and math.isnan(both[1].ssim) and len(asked) == 1


def test_an_order_is_made_when_it_is_asked_for() -> None:
    grid = OccupancyConfig(16, 32).build(BOX)
    assert grid.shuffled is None
    grid.load_stored_state({"bits": torch.full((16**3 // 8,), 255, dtype=torch.uint8)})
    assert grid.shuffled is None
    assert grid.order.sort().values.tolist() == list(range(16**3)) and grid.order is grid.order
    grid.restrict(torch.arange(16**3) < 100)
    assert grid.order.sort().values.tolist() == list(range(100))


def test_a_slow_field_is_drawn_at_fewer_pixels(tmp_path: Path, monkeypatch) -> None:
    scene = sphere_scene(train=2, test=2)
    asked = []

    def few(most: int, seconds: float, per_ray: float) -> int:
        asked.append((most, per_ray))
        return SIZE * SIZE // 4

    monkeypatch.setattr("omnifield.train.run.final_rays", few)
    run = Run(tmp_path, scene, begin(scene, HASH), {"scene": "sphere"})
    [mean] = run.write_pictures()
    assert run.strides == [3, 3, 2] and math.isfinite(mean)  # all views at a quarter of one; and one view
    assert asked[1][0] == SIZE * SIZE and asked[0][1] == asked[1][1] > 0


def test_no_point_of_a_curve_is_of_fewer_pixels_than_the_one_before(tmp_path: Path, monkeypatch) -> None:
    """Others are easier or harder by chance, and a curve that falls for that alone says nothing."""
    scene, affordable, judged = sphere_scene(train=2, test=2), iter([500, 90, 700, *[60] * 20]), list[int]()
    monkeypatch.setattr(callbacks, "curve_rays", lambda *_: next(affordable))
    monkeypatch.setattr(Run, "judge", lambda run, rays, sampler: judged.append(rays) or iter([iter([])]))
    run, budget = Run(tmp_path, scene, begin(scene, HASH), {}), Budget(steps=6)
    with run.kept():
        fit(run.training, scene, budget, [callbacks.Curve(run, budget)])
    assert judged[:3] == [500, 500, 700] and set(judged[3:]) == {700}
