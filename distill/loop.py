"""How one field becomes another: one loop that yields after every step, so that anything can drive it."""

import dataclasses
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..fields import Field, FieldConfig, Level, Levels
from ..ops import one_thread_of_torch
from ..renderers import Sampler, VolumeRenderer
from ..scenes.camera_groups import camera_count
from ..scenes.cells import dilated
from ..train import Budget, TrainedField
from ..train.losses import over_any_background
from ..train.optimizer import Optimizer
from .curriculum import SCHEDULES, Plan, Stage
from .feature_map import FeatureMap
from .initialise import initialise
from .match import Densities, point_errors
from .replay import ReplayBuffer
from .teacher import PointLesson, RayLesson, Teacher

REFRESH = 8  # steps between two visits to the teacher
FRESH = 0.5  # how much of what a student draws is new to it
FIRST_RAYS, FIRST_POINTS = 1 << 14, 1 << 16
RAYS_KEPT, POINTS_KEPT = 1 << 18, 1 << 17
MOST_RAYS = 1 << 15  # in a step
JUDGED = 1 << 11  # points by which it is seen when a stage has done its work
LOOK = 4  # steps between two looks at those
PATIENCE, LEAST_LOOKS = 0.1, 4  # of the budget, and looks, without an improvement, which end a stage
WORTH = 0.98  # of the least error so far: below that is an improvement
WARMUP = 20  # steps at the beginning of a stage over which the rate rises from nothing
FINAL_RATE = 0.03
POINTS_ALONE, POINTS_BESIDE = 4, 16  # of a step's samples, one in so many is a point: without rays, and with
# Points in a step without rays, of students that take few samples (networks, whose every sample costs much): few at
# first, when any of them shows the way, and twice as many every so many steps.
FEWEST_POINTS, MOST_POINTS, DOUBLED = 1 << 10, 1 << 12, 100
CAMERA_MEMORY = 0.9  # of a camera's error, at every step that has rays of it


@dataclass(frozen=True)
class Progress:
    """One step of a conversion, as it ended."""

    stage: str
    step: int
    spent: float
    seconds: float
    loss: float


class Distillation:
    """All that changes while a student learns. `notes` tell in words what was done, and what was left out and why."""

    @one_thread_of_torch()
    def __init__(self, trained: TrainedField, config: FieldConfig, plan: Plan) -> None:
        began = time.perf_counter()
        torch.manual_seed(plan.seed)
        self.plan = plan
        self.device = trained.device
        self.generator = torch.Generator(self.device).manual_seed(plan.seed)
        self.teacher = Teacher(trained, self.generator)
        self.student: Field = config.build(trained.field.domain).to(self.device)
        if trained.field.follows_time and not self.student.follows_time:
            raise ValueError(
                f"The scene moves, and a {config.tag} field of these settings stands still: convert one moment of it "
                "with --time, or to a field that follows time (cam with --set coordinate=time)."
            )
        for _ in config.refine_at:  # where the teacher is, nothing is left to find out at low resolution
            self.student.refine(trained.sampler.contains)
        self.sampler = self.teacher.space.for_a_student()
        self.densities = Densities.of(self.sampler)
        self.feature_map = FeatureMap(trained.field, self.student, plan.decoder)
        self.notes = [self.feature_map.note]
        solve = plan.start == "solved"
        self.solved = solve and initialise(self.student, self.teacher, self.generator)
        if self.solved:
            self.notes.append("the student was solved for before its first step")
        self.rays = ReplayBuffer[RayLesson](RAYS_KEPT, self.device)
        self.points = ReplayBuffer[PointLesson](POINTS_KEPT, self.device)
        self.camera_error = torch.ones(camera_count(self.teacher.cameras), device=self.device)
        self.ask(FIRST_RAYS, FIRST_POINTS)
        apart = self.teacher.ask_rays(self.teacher.random_cameras(JUDGED, self.generator), self.generator)
        self.judged = self.teacher.ask_points(JUDGED, apart, self.generator)
        self.optimizer = Optimizer(self.student.parameter_groups())
        self.step, self.rays_per_step = 0, 512
        self.seconds = time.perf_counter() - began

    def ask(self, rays: int, points: int) -> None:
        """Remember what the teacher says of some new rays and points."""
        camera = self.teacher.random_cameras(rays, self.generator)
        if "camera" in self.plan.active:
            hard = torch.multinomial(self.camera_error, rays // 2, replacement=True, generator=self.generator)
            camera[: rays // 2] = hard
        lesson = self.teacher.ask_rays(camera, self.generator)
        self.rays.add(lesson)
        self.points.add(self.teacher.ask_points(points, lesson, self.generator))

    def draw(
        self, buffer: ReplayBuffer, level: str, count: int
    ) -> tuple[Int[Tensor, "row"], Float[Tensor, "row"]]:
        """Rows to learn from and their weights: hard ones more often if that is to be, all alike if not."""
        return (buffer.draw_hard if level in self.plan.active else buffer.draw)(count, self.generator)

    def note_cameras(self, camera: Int[Tensor, "ray"], errors: Float[Tensor, "ray"]) -> None:
        """Keep the mean error of each camera's rays, the last ones counting most."""
        count = camera.bincount(minlength=len(self.camera_error))
        mean = camera.bincount(errors, minlength=len(self.camera_error)) / count.clamp_min(1)
        seen = CAMERA_MEMORY * self.camera_error + (1 - CAMERA_MEMORY) * mean.to(self.camera_error)
        self.camera_error = torch.where(count > 0, seen, self.camera_error)

    @torch.no_grad()
    def look_where_the_student_is(self, cells: int) -> None:
        """Rays are marched through all that is either the teacher's or the student's: what is too much is seen."""
        self.sampler.visit(self.student.density, cells, self.generator)
        self.sampler.set_occupied(self.sampler.occupied | self.teacher.space.grid.occupied)

    def rebuilt_sampler(self, looks: int) -> Sampler:
        """Where the student is, so that the result needs no teacher; with the teacher's cells beside, of whose corners
        a few looks would miss what little is in them. Leaves this work as it is."""
        grid = self.teacher.space.for_a_student()
        generator = torch.Generator(self.device).manual_seed(self.plan.seed)
        grid.look_at_the_rest(self.student.density, generator)
        for _ in range(looks - 1):
            grid.visit(self.student.density, len(grid.order), generator)
        beside = dilated(grid.occupied) & self.teacher.space.grid.occupied
        grid.set_occupied(grid.occupied | beside)
        return grid


def distill(work: Distillation, budget: Budget) -> Iterator[Progress]:
    """Learn until the budget is spent, yielding after every step; the clock stands still while the caller looks.

    Raises FloatingPointError when a loss or gradient is no longer finite.
    """
    try:
        for stage in SCHEDULES[work.plan.schedule]:
            if work.solved and not stage.weights.pixels:
                continue  # points have said what they could: at Lego, more of them made voxels 0.3 dB worse
            work.feature_map.freeze_decoder(not stage.weights.pixels)
            yield from _stage(work, stage, budget)
    finally:
        work.feature_map.freeze_decoder(False)


def _stage(work: Distillation, stage: Stage, budget: Budget) -> Iterator[Progress]:
    begun, first = budget.spent(work.seconds, work.step), work.step
    stopping = EarlyStopping(work, stage, begun)
    if stage.weights.features and not stage.weights.color and not work.feature_map.compared:
        return  # nothing but features in it, and they are not compared
    work.optimizer = Optimizer(work.student.parameter_groups())
    while (spent := budget.spent(work.seconds, work.step)) < 1:
        began = time.perf_counter()
        if spent - begun >= stage.most or (spent - begun >= stage.least and stopping.is_over(spent)):
            return
        rate = stage.rate * FINAL_RATE**spent * min((work.step - first + 1) / WARMUP, 1)
        loss = _step(work, stage, rate)
        work.step += 1
        work.seconds += time.perf_counter() - began
        yield Progress(stage.name, work.step, budget.spent(work.seconds, work.step), work.seconds, loss)


@one_thread_of_torch()
def _step(work: Distillation, stage: Stage, rate: float) -> float:
    """What the teacher said → what the student says → loss → gradients → parameters."""
    samples = work.student.config.samples_per_step
    points = samples // POINTS_BESIDE if stage.weights.pixels else _points_alone(samples, work.step)
    rays = work.rays_per_step if stage.weights.pixels else points // 4
    if work.step % REFRESH == 0:
        work.ask(round(FRESH * REFRESH * rays), round(FRESH * REFRESH * points))
        if stage.weights.pixels:
            work.look_where_the_student_is(REFRESH * samples // 4)
    loss = _volume_loss(work, stage, points)
    if stage.weights.pixels:
        loss = loss + stage.weights.pixels * _pixel_loss(work, samples)
    work.optimizer.backward(loss + work.student.penalty(work.generator))
    if not (math.isfinite(loss.item()) and work.optimizer.gradients_are_finite()):
        raise FloatingPointError(f"The conversion broke down at step {work.step}: a loss is not finite.")
    work.optimizer.step(rate)
    return loss.item()


def _points_alone(samples: int, step: int) -> int:
    return max(samples // POINTS_ALONE, round(min(FEWEST_POINTS * 2 ** (step / DOUBLED), MOST_POINTS)))


def _volume_loss(work: Distillation, stage: Stage, points: int) -> Float[Tensor, ""]:
    rows, weight = work.draw(work.points, "point", points)
    lesson = work.points.take(rows)
    answers = _answers(work, stage, lesson)
    if stage.weights.features and work.feature_map.compared and work.step % REFRESH == 0:
        work.feature_map.fit(answers.features, lesson.features)
    errors = _errors(work, stage, lesson, answers)
    work.points.set_scores(rows, errors)
    return (weight * errors).mean()


def _answers(work: Distillation, stage: Stage, lesson: PointLesson) -> Levels:
    return work.student.levels(lesson.points, Level.COLOR if stage.weights.color else Level.DENSITY)


def _errors(work: Distillation, stage: Stage, lesson: PointLesson, answers: Levels) -> Float[Tensor, "n"]:
    weights = stage.weights if work.feature_map.compared else dataclasses.replace(stage.weights, features=0.0)
    return point_errors(answers, work.feature_map.mapped(answers.features), lesson, work.densities, weights)


def _pixel_loss(work: Distillation, samples: int) -> Float[Tensor, ""]:
    rows, weight = work.draw(work.rays, "ray", work.rays_per_step)
    lesson = work.rays.take(rows)
    black = torch.zeros_like(lesson.color)
    seen = VolumeRenderer(work.sampler).render(work.student, lesson.rays, black, work.generator)
    errors = over_any_background(seen.color - lesson.color, seen.opacity - lesson.opacity)
    work.rays.set_scores(rows, errors)
    work.note_cameras(lesson.camera, errors.detach())
    marched = int(seen.samples.sum())
    target = work.rays_per_step * samples / max(marched, 1)
    work.rays_per_step = round(max(64, min(target, 2 * work.rays_per_step, MOST_RAYS)))
    return (weight * errors).mean()


class EarlyStopping:
    """Whether a stage still helps: the error at points that nobody learns from, the linear map of the features no more
    than the student, looked at every few steps."""

    def __init__(self, work: Distillation, stage: Stage, spent: float) -> None:
        self.work, self.stage = work, stage
        self.least, self.improved, self.looks = math.inf, spent, 0

    @torch.no_grad()
    def is_over(self, spent: float) -> bool:
        if self.work.step % LOOK == 0:
            judged = self.work.judged
            answers = _answers(self.work, self.stage, judged)
            error = _errors(self.work, self.stage, judged, answers).mean().item()
            self.looks += 1
            if error < WORTH * self.least:
                self.improved, self.looks = spent, 0
            self.least = min(self.least, error)
        return spent - self.improved > PATIENCE and self.looks >= LEAST_LOOKS
