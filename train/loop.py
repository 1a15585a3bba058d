"""How a field is fitted: one loop that yields after every step, so that anything can drive it."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from ..fields import Field, FieldConfig, ParameterGroup
from ..renderers import Moment, Sampler, SamplerConfig, VolumeRenderer, sampler_config
from ..scenes import Scene
from ..scenes.hull import possible_cells
from .optimizer import Optimizer
from .pixels import PixelBatch, random_pixels
from .ray_penalty import ray_penalty

FIRST_RAYS = 512
MOST_RAYS = 1 << 16
RULING_OUT = 0.25  # of the budget, at most, before the first step


@dataclass(frozen=True)
class Budget:
    """When a training ends: after so many seconds of training or so many steps, whichever comes first."""

    seconds: float = math.inf
    steps: int = 1 << 62

    def spent(self, seconds: float, steps: int) -> float:
        """The fraction of the budget that is used up."""
        return max(seconds / self.seconds, steps / self.steps)


@dataclass(frozen=True)
class FitConfig:
    """How a field is fitted. Rates are relative to the field's own."""

    warmup: float = 0.01  # fraction of the budget over which the rate rises from nothing
    coarse: float = 3.0  # how many times as long the first steps along a ray are as the last
    final_rate: float = 0.03  # what the rate has fallen to, exponentially, at the end
    seed: int = 0


@dataclass(frozen=True)
class Progress:
    """One step of a training, as it ended. `psnr` is of the step's own pixels, over their random backgrounds."""

    step: int
    spent: float
    seconds: float
    loss: float
    psnr: float
    rays: int
    samples: int
    step_seconds: float

    @property
    def rays_per_second(self) -> float:
        return self.rays / self.step_seconds

    @property
    def samples_per_second(self) -> float:
        return self.samples / self.step_seconds


class Training:
    """All that changes while a field is fitted: what has to be kept to go on later as if nothing had happened."""

    def __init__(self, field: Field, sampler: Sampler, config: FitConfig) -> None:
        self.field = field
        self.sampler = sampler
        self.config = config
        self.optimizer = Optimizer(groups_of(field, sampler))
        self.generator = torch.Generator(next(field.parameters()).device).manual_seed(config.seed)
        self.step = 0
        self.seconds = 0.0
        self.rays = FIRST_RAYS
        self.refined = 0  # how many times the field was
        self.spent = 0.0  # of the budget, when the last step began

    def settled(self) -> Sampler:
        """The sampler as a file is to keep it.

        The time it takes counts as training, which goes on with its own as if nobody had asked.
        """
        began = time.perf_counter()
        generator = torch.Generator(self.generator.device).manual_seed(self.config.seed)
        sampler = self.sampler.settled(self.field.density, generator)
        if sampler is not self.sampler:
            self.seconds += time.perf_counter() - began
        return sampler

    def refine(self) -> None:
        """Let the field go on at a finer resolution."""
        self.field.refine(self.sampler.contains)
        self.optimizer.follow(groups_of(self.field, self.sampler))
        self.refined += 1


def groups_of(field: Field, sampler: Sampler) -> list[ParameterGroup]:
    """All that is trained. A sampler may have given its groups the names of a field's."""
    theirs = [replace(group, name=f"sampler.{group.name}") for group in sampler.parameter_groups()]
    return [*field.parameter_groups(), *theirs]


def begin(
    scene: Scene,
    config: FieldConfig,
    fit_config: FitConfig | None = None,
    *,
    sampler: SamplerConfig | None = None,
    budget: Budget | None = None,
) -> Training:
    """A new field for a scene, and all that its training needs. The time it takes to rule out empty space
    counts as training, and ends at a small part of the budget: what is not ruled out by then, steps will find."""
    fit_config, budget = fit_config or FitConfig(), budget or Budget()
    torch.manual_seed(fit_config.seed)
    device = scene.train.images.device
    field = config.build(scene.domain)
    began = time.perf_counter()
    end = began + RULING_OUT * budget.seconds
    chosen = (sampler or sampler_config()).build(scene.domain)
    chosen.begin(
        lambda resolution: possible_cells(
            scene.train, scene.domain, resolution, enough=lambda: time.perf_counter() > end
        )
    )
    training = Training(field.to(device), chosen.to(device), fit_config)
    training.seconds = time.perf_counter() - began
    return training


def fit(training: Training, scene: Scene, budget: Budget) -> Iterator[Progress]:
    """Train until the budget is spent, yielding after every step; the clock stands still while the caller looks.

    Raises FloatingPointError when a loss or gradient is no longer finite; the field is then as the last good step
    left it.
    """
    while (spent := budget.spent(training.seconds, training.step)) < 1:
        began = time.perf_counter()
        loss, rays, samples = _step(training, scene, spent)
        training.step += 1
        step_seconds = time.perf_counter() - began
        training.seconds += step_seconds
        training.rays = _rays_for(training.field.config.samples_per_step, rays, samples)
        yield Progress(
            step=training.step,
            spent=budget.spent(training.seconds, training.step),
            seconds=training.seconds,
            loss=loss,
            psnr=-10 * math.log10(max(loss, 1e-10)),
            rays=rays,
            samples=samples,
            step_seconds=step_seconds,
        )


def _step(training: Training, scene: Scene, spent: float) -> tuple[float, int, int]:
    """batch → rays → samples → densities → weights → colours → pixels → loss → gradients → parameters."""
    field, generator, config = training.field, training.generator, training.config
    if training.refined < sum(mark <= spent for mark in field.config.refine_at):
        training.refine()
    moment = Moment(training.step, spent, field.config.samples_per_step)
    training.sampler.update(field.density, moment, generator)
    batch = random_pixels(scene.train_scales, training.rays, generator)
    background = torch.rand(batch.color.shape, generator=generator, device=batch.color.device)
    renderer = VolumeRenderer(training.sampler.longer(config.coarse ** (1 - spent)))
    rendering, trace = renderer.trace(field, batch.rays, background, generator)
    loss = _loss(rendering.color, batch, background)
    penalty = field.penalty(generator) + ray_penalty(field.ray_penalties, rendering, trace, batch)
    training.optimizer.backward(loss + penalty)
    if not (math.isfinite(loss.item()) and training.optimizer.gradients_are_finite()):
        raise FloatingPointError(
            f"Training broke down at step {training.step}: a loss or gradient is not finite."
        )
    training.optimizer.step(rate_at(spent, config))
    training.spent = spent
    return loss.item(), len(batch.rays), int(rendering.samples.sum())


def _loss(
    color: Float[Tensor, "ray rgb=3"], batch: PixelBatch, background: Float[Tensor, "ray rgb=3"]
) -> Float[Tensor, ""]:
    error = (color - batch.over(background)).square().mean(-1)
    return (error * batch.weight).sum() / batch.weight.sum().clamp_min(1)


def rate_at(spent: float, config: FitConfig) -> float:
    """A short warm-up, then exponential decay over the budget."""
    return (
        min(spent / config.warmup, 1.0) * config.final_rate**spent
        if config.warmup
        else config.final_rate**spent
    )


def what_goes_back(training: Training, budget: Budget) -> list[str]:
    """In sentences, what a budget larger than the one before takes back of a training's course.

    The schedule is that of the whole new budget: a rate that stayed at its end could learn little more.
    """
    spent, config = budget.spent(training.seconds, training.step), training.config
    before, now = rate_at(training.spent, config), rate_at(spent, config)
    if spent >= training.spent or now <= before:
        return []
    return [
        f"The budget is larger than before: the learning rate goes back up from {before:.0%} to {now:.0%} and steps "
        f"along rays are {config.coarse ** (1 - spent):.1f} times their length again, so PSNR may fall before it rises."
    ]


def _rays_for(target: int, rays: int, samples: int) -> int:
    """As many rays as would have made `target` samples; at most twice as many as before."""
    return max(64, min(round(rays * target / max(samples, 1)), 2 * rays, MOST_RAYS))
