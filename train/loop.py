"""How a field is fitted: one loop, and what is called after every step of it."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from ..fields import Field, FieldConfig, ParameterGroup
from ..ops import one_thread_of_torch
from ..renderers import Moment, Sampler, SamplerConfig, VolumeRenderer, sampler_config
from ..scenes import Scene
from ..scenes.hull import possible_cells
from ..scenes.views import full_size, view_count
from .exposure import Exposure
from .losses import PHOTOMETRIC, terms_of
from .optimizer import Optimizer
from .pixels import random_pixels
from .pose_refinement import PoseRefinement
from .schedule import Budget, FitConfig

FIRST_RAYS = 512
MOST_RAYS = 1 << 16
RULING_OUT = 0.25  # of the budget, at most, before the first step


@dataclass(frozen=True)
class Progress:
    """One step of a training, as it ended: `losses` are those of its terms, by name, and `loss` is their weighted
    sum."""

    step: int
    spent: float
    seconds: float
    loss: float
    losses: Mapping[str, float]
    rays: int
    samples: int
    step_seconds: float

    @property
    def psnr(self) -> float:
        """In dB, of the step's own pixels as its loss has them; NaN where they are not minded."""
        return -10 * math.log10(max(self.losses.get(PHOTOMETRIC, math.nan), 1e-10))

    @property
    def rays_per_second(self) -> float:
        return self.rays / self.step_seconds

    @property
    def samples_per_second(self) -> float:
        return self.samples / self.step_seconds


Callback = Callable[[Progress], bool | None]
"""What a training calls after a step; True means that there was enough of it."""


class Training:
    """All that changes while a field is fitted to so many views: what has to be kept to go on later as if nothing had
    happened. `terms` of its loss may be added."""

    def __init__(self, field: Field, sampler: Sampler, config: FitConfig, views: int) -> None:
        self.field = field
        self.sampler = sampler
        self.config = config
        self.terms = terms_of(field, config)
        device = next(field.parameters()).device
        self.exposure = Exposure(views, config.exposure).to(device)
        self.poses = PoseRefinement(views, field.domain.side, config.poses).to(device)
        self.optimizer = Optimizer(self.groups(field))
        self.generator = torch.Generator(device).manual_seed(config.seed)
        self.step = 0
        self.seconds = 0.0
        self.rays = FIRST_RAYS
        self.refined = 0  # how many times the field was
        self.spent = 0.0  # of the budget, when the last step began

    def groups(self, field: Field) -> list[ParameterGroup]:
        """All that is trained, of a field in the place of its own. A sampler may have given its groups the names of a
        field's."""
        theirs = [replace(group, name=f"sampler.{group.name}") for group in self.sampler.parameter_groups()]
        of_views = (*self.exposure.parameter_groups(), *self.poses.parameter_groups())
        return [*field.parameter_groups(), *theirs, *of_views]

    @one_thread_of_torch()
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
        self.optimizer.follow(self.groups(self.field))
        self.refined += 1


@one_thread_of_torch()
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
    device = scene.train[0].images.device
    field = config.build(scene.domain)
    began = time.perf_counter()
    end = began + RULING_OUT * budget.seconds
    chosen = (sampler or sampler_config()).build(scene.domain)
    chosen.begin(
        lambda resolution: possible_cells(
            scene.train, scene.domain, resolution, enough=lambda: time.perf_counter() > end
        )
    )
    training = Training(field.to(device), chosen.to(device), fit_config, view_count(full_size(scene.train)))
    training.seconds = time.perf_counter() - began
    return training


def fit(training: Training, scene: Scene, budget: Budget, callbacks: Sequence[Callback] = ()) -> None:
    """Train until the budget is spent, or a callback says that it is enough: those behind it are then not asked. They
    are called one after the other after every step, and the clock stands still meanwhile.

    Raises FloatingPointError when a loss or gradient is no longer finite; the field is then as the last good step
    left it.
    """
    while (spent := budget.spent(training.seconds, training.step)) < 1:
        began = time.perf_counter()
        losses, rays, samples = _step(training, scene, spent)
        training.step += 1
        step_seconds = time.perf_counter() - began
        training.seconds += step_seconds
        training.rays = _rays_for(training.field.config.samples_per_step, training.rays, samples)
        progress = Progress(
            step=training.step,
            spent=budget.spent(training.seconds, training.step),
            seconds=training.seconds,
            loss=sum(term.weight * losses[term.name] for term in training.terms),
            losses=losses,
            rays=rays,
            samples=samples,
            step_seconds=step_seconds,
        )
        if any(callback(progress) for callback in callbacks):
            return


@one_thread_of_torch()
def _step(training: Training, scene: Scene, spent: float) -> tuple[dict[str, float], int, int]:
    """batch → rays → samples → densities → weights → colours → pixels → loss → gradients → parameters."""
    field, generator, config = training.field, training.generator, training.config
    if training.refined < sum(mark <= spent for mark in field.config.refine_at):
        training.refine()
    moment = Moment(training.step, spent, field.config.samples_per_step)
    training.sampler.update(field.density, moment, generator)
    batch = random_pixels(scene.train, training.rays, generator)
    rays = training.poses.refined(batch.rays)
    sampler = training.sampler.longer(config.step_at(spent))
    renderer = VolumeRenderer(sampler, config.stop, config.visible)
    rendering, trace = renderer.trace(field, rays, torch.zeros_like(batch.color), generator)
    seen = training.exposure.seen(rendering, rays.view)
    found = {term.name: term.loss(seen, trace, batch) for term in training.terms}
    weighted = [term.weight * found[term.name] for term in training.terms]
    beside = field.penalty(generator) + training.sampler.loss(rays, trace.samples, trace.weight)
    beside = beside + training.exposure.penalty()
    training.optimizer.backward(torch.stack(weighted).sum() + beside)
    losses = {name: loss.item() for name, loss in found.items()}
    if not (all(map(math.isfinite, losses.values())) and training.optimizer.gradients_are_finite()):
        raise FloatingPointError(
            f"Training broke down at step {training.step}: a loss or gradient is not finite."
        )
    training.optimizer.step(config.rate_at(spent))
    training.spent = spent
    return losses, len(rays), int(rendering.samples.sum())


def what_goes_back(training: Training, budget: Budget) -> list[str]:
    """In sentences, what a budget larger than the one before takes back of a training's course.

    The schedule is that of the whole new budget: a rate that stayed at its end could learn little more.
    """
    spent, config = budget.spent(training.seconds, training.step), training.config
    before, now = config.rate_at(training.spent), config.rate_at(spent)
    if spent >= training.spent or now <= before:
        return []
    return [
        f"The budget is larger than before: the learning rate goes back up from {before:.0%} to {now:.0%} and steps "
        f"along rays are {config.step_at(spent):.1f} times their length again, so PSNR may fall before it rises."
    ]


def _rays_for(target: int, rays: int, samples: int) -> int:
    """As many rays as would have made `target` samples; at most twice as many as before."""
    return max(64, min(round(rays * target / max(samples, 1)), 2 * rays, MOST_RAYS))
