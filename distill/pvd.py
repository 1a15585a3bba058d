"""The loop of PVD as its authors released it (arXiv 2211.15977), to compare with: `--schedule pvd`.

Both fields are asked at the samples of the teacher's march along the rays of one camera. The losses are norms of whole
residuals, neither squared nor divided by their number; logarithms of densities are clamped; the stages have fixed
lengths, and one cosine runs over all of them.
"""

import math
import time
from collections.abc import Iterator

import torch
from torch import Tensor

from ..fields import Level, Levels
from ..ops import accumulate, ray_weights
from ..renderers import Samples
from ..scenes import Rays
from ..scenes.camera_groups import rays_in_frame
from ..train import Budget
from .loop import MOST_RAYS, Distillation, Progress

# Of the 30,000 steps: features alone, then densities and colours beside them, then pixels as well.
FEATURES_UNTIL, VOLUME_UNTIL = 2 / 30, 5 / 30
WEIGHT, PIXEL_WEIGHT = 0.002, 1.0
FEATURES_DECAY = 0.995  # of the features' weight, at every step
LOWEST, HIGHEST = -2.0, 7.0  # logarithm of a density, in units of half the box
LAST_RATE = 7e-3  # what the rate has fallen to at the end, along a cosine


def distill_as_pvd(work: Distillation, budget: Budget) -> Iterator[Progress]:
    """Like `loop.distill`. Fields without features in common begin at the second stage, as Plenoxels did."""
    while (spent := budget.spent(work.seconds, work.step)) < 1:
        began = time.perf_counter()
        stage = "features" if spent < FEATURES_UNTIL and work.feature_map.compared else "volume"
        stage = "pixels" if spent >= VOLUME_UNTIL else stage
        loss = _step(work, stage)
        work.optimizer.backward(loss)
        work.optimizer.step(LAST_RATE + (1 - LAST_RATE) * (1 + math.cos(math.pi * spent)) / 2)
        work.step += 1
        work.seconds += time.perf_counter() - began
        spent = budget.spent(work.seconds, work.step)
        yield Progress(stage, work.step, spent, work.seconds, loss.item())


def _step(work: Distillation, stage: str) -> Tensor:
    rays = _rays(work)
    trained = work.teacher.trained
    samples = trained.sampler.sample(trained.field.density, rays, work.generator)
    _aim(work, len(samples))
    points, upto = samples.points(rays), Level.DENSITY if stage == "features" else Level.COLOR
    with torch.no_grad():
        teacher = trained.field.levels(points, upto)
    student = work.student.levels(points, upto)
    logarithms = (_logarithm(work, student) - _logarithm(work, teacher)).norm()
    loss = torch.zeros((), device=work.device)
    if work.feature_map.compared:
        work.feature_map.fit(student.features, teacher.features)
        residual = work.feature_map.mapped(student.features) - teacher.features
        whole = (residual.square().sum() + logarithms.square()).sqrt()  # the density is the first feature
        loss = loss + WEIGHT * FEATURES_DECAY**work.step * whole
    if stage == "features":
        return loss
    loss = loss + WEIGHT * (student.color - teacher.color).norm() + WEIGHT * logarithms
    if stage == "pixels":
        background = torch.rand(len(rays), 3, generator=work.generator, device=work.device)
        seen, wanted = (_pixels(levels, samples, background) for levels in (student, teacher))
        loss = loss + PIXEL_WEIGHT * (seen - wanted).norm()
    return loss + work.student.penalty(work.generator)


def _rays(work: Distillation) -> Rays:
    """Random pixels of one random camera."""
    count = work.rays_per_step
    camera = work.teacher.random_cameras(1, work.generator).expand(count)
    x, y = torch.rand(2, count, generator=work.generator, device=work.device)
    return rays_in_frame(work.teacher.cameras, camera, x, y)


def _aim(work: Distillation, marched: int) -> None:
    target = work.rays_per_step * work.student.config.samples_per_step / max(marched, 1)
    work.rays_per_step = round(max(64, min(target, 2 * work.rays_per_step, MOST_RAYS)))


def _logarithm(work: Distillation, levels: Levels) -> Tensor:
    unit = work.teacher.space.domain.side / 2
    return (levels.density * unit).clamp_min(1e-30).log().clamp(LOWEST, HIGHEST)


def _pixels(levels: Levels, samples: Samples, background: Tensor) -> Tensor:
    weights = ray_weights(levels.density, samples.dt, samples.offsets)
    color = torch.cat([levels.color, torch.ones_like(levels.color[:, :1])], -1)
    seen = accumulate(color, weights, samples.offsets)
    return seen[:, :3] + (1 - seen[:, 3:]) * background
