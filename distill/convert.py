"""A conversion from beginning to end: what a command, a page and a script call."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import UInt8
from torch import Tensor

from ..fields import Field, FieldConfig
from ..renderers import Sampler, VolumeRenderer
from ..scenes import PixelRays
from ..train import Budget, TrainedField
from ..train.evaluate import picture
from ..train.pictures import to_bytes
from .combine import Edits, combined
from .comparison import ALL_RAYS, QUICK_RAYS, Agreement, TeacherComparison
from .curriculum import Plan
from .loop import Distillation, Progress, distill
from .pvd import distill_as_pvd

MARKS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8)  # of the budget: looks at the agreement
LOOKS = 4  # at every cell, of which the final sampler is made
THUMBNAIL = 128  # pixels


@dataclass(frozen=True)
class CurvePoint:
    """The agreement with the teacher (PSNR in dB, on the views by which the best student is chosen) after some seconds
    of work."""

    seconds: float
    step: int
    stage: str
    agreement_psnr: float


@dataclass(frozen=True)
class StageDone:
    """A stage as it ended."""

    name: str
    steps: int
    seconds: float
    agreement_psnr: float


@dataclass(frozen=True)
class Conversion:
    """What came of it. `notes` tell in words what was done and what was left out; `curve` begins with the student as it
    was before its first step. `source` names the kinds of the fields that it was made of."""

    source: str
    student: TrainedField
    teacher: TrainedField
    agreement: Agreement
    cells_in_common: float
    comparison: TeacherComparison
    stages: list[StageDone]
    curve: list[CurvePoint]
    notes: list[str]
    seconds: float
    steps: int
    interrupted: bool


@dataclass(frozen=True)
class Goal:
    """What a conversion is to reach, and what it may take."""

    budget: Budget
    target_psnr: float = float("inf")  # agreement, as it is measured on the way, at which it may end


@dataclass(frozen=True)
class Callbacks:
    """What a conversion calls: `on_step` after every step with the agreement last measured; `on_evaluation` whenever
    that is measured, with the student as it is then and a sampler for it; `should_stop` after every step."""

    on_step: Callable[[Progress, float], None] = lambda progress, psnr: None
    on_evaluation: Callable[[CurvePoint, Field, Sampler], None] = lambda point, field, sampler: None
    should_stop: Callable[[], bool] = lambda: False


def convert(
    teachers: Sequence[TrainedField],
    config: FieldConfig,
    goal: Goal,
    *,
    plan: Plan | None = None,
    edits: Edits | None = None,
    callbacks: Callbacks | None = None,
) -> Conversion:
    """Distil one field, or several as one, into a new field of another kind, without any images.

    The best student of all evaluations is returned, also when it is stopped early. Raises ValueError, in the user's
    words, for edits that cannot be done, a static student of a moving scene and a budget that is too small.
    """
    callbacks = callbacks or Callbacks()
    teacher = combined(teachers, edits or Edits())
    source = "+".join(one.config.tag for one in teachers)
    plan = plan or Plan()
    if plan.schedule == "pvd":
        plan = dataclasses.replace(plan, start="noise", active=())
    tracker = _Tracker(Distillation(teacher, config, plan), goal, teacher, source, callbacks)
    if tracker.work.seconds >= goal.budget.seconds:
        raise ValueError(
            f"The budget is too small: to begin took {tracker.work.seconds:.1f} s, "
            f"--max-seconds is {goal.budget.seconds:g}."
        )
    learn = distill_as_pvd if plan.schedule == "pvd" else distill
    for progress in learn(tracker.work, goal.budget):
        tracker.after_step(progress)
        callbacks.on_step(progress, tracker.curve[-1].agreement_psnr)
        if callbacks.should_stop() or tracker.reached_goal():
            break
    return tracker.result(interrupted=callbacks.should_stop())


@dataclass
class _Tracker:
    """A conversion under way: its evaluations, its stages, and the best student so far."""

    work: Distillation
    goal: Goal
    teacher: TrainedField
    source: str
    callbacks: Callbacks
    curve: list[CurvePoint] = field(default_factory=list)
    stages: list[StageDone] = field(default_factory=list)
    best: dict[str, torch.Tensor] | None = None
    best_psnr: float = -float("inf")

    def __post_init__(self) -> None:
        self.comparison = TeacherComparison(self.teacher, self.work.teacher.choosing, QUICK_RAYS)
        self.marks = list(MARKS)
        self.last, self.before = Progress("start", 0, 0.0, self.work.seconds, 0.0), (0, 0.0)
        self.evaluate()

    def evaluate(self) -> None:
        """Note the agreement; the clock stands still, and the student goes on as if nobody had looked."""
        work = self.work
        sampler = work.sampler if work.sampler.in_turn else work.rebuilt_sampler(looks=1)
        psnr = self.comparison.psnr(work.student, sampler)
        self.curve.append(CurvePoint(work.seconds, work.step, self.last.stage, psnr))
        self.callbacks.on_evaluation(self.curve[-1], work.student, sampler)
        if psnr > self.best_psnr:
            self.best_psnr = psnr
            self.best = {name: tensor.clone() for name, tensor in work.student.state_dict().items()}

    def after_step(self, progress: Progress) -> None:
        if progress.stage != self.last.stage:
            self.end_stage()
        self.last = progress
        if self.marks and progress.spent >= self.marks[0]:
            self.marks = [mark for mark in self.marks if mark > progress.spent]
            self.evaluate()

    def end_stage(self) -> None:
        """A stage is known to have ended by the first step of the next."""
        if self.curve[-1].step < self.last.step:
            self.evaluate()
        steps, seconds = self.before
        done = StageDone(
            name=self.last.stage,
            steps=self.last.step - steps,
            seconds=self.last.seconds - seconds,
            agreement_psnr=self.curve[-1].agreement_psnr,
        )
        self.stages.append(done)
        self.before = (self.last.step, self.last.seconds)

    def reached_goal(self) -> bool:
        return self.curve[-1].agreement_psnr >= self.goal.target_psnr

    def result(self, interrupted: bool) -> Conversion:
        work = self.work
        self.end_stage()
        if self.best is not None and self.curve[-1].agreement_psnr < self.best_psnr:
            work.student.load_state_dict(self.best)
        began = time.perf_counter()
        sampler = work.rebuilt_sampler(looks=LOOKS)
        work.seconds += time.perf_counter() - began
        comparison = TeacherComparison(self.teacher, work.teacher.held_out, ALL_RAYS)
        student = dataclasses.replace(
            self.teacher, field=work.student, sampler=sampler, thumbnail=self._thumbnail(sampler)
        )
        return Conversion(
            source=self.source,
            student=student,
            teacher=self.teacher,
            agreement=comparison.agreement(work.student, sampler),
            cells_in_common=work.teacher.space.in_common(sampler),
            comparison=comparison,
            stages=self.stages,
            curve=self.curve,
            notes=work.notes,
            seconds=work.seconds,
            steps=work.step,
            interrupted=interrupted,
        )

    def _thumbnail(self, sampler: Sampler) -> UInt8[Tensor, "height width rgb=3"]:
        cameras = self.teacher.cameras[0]
        stride = max(1, max(cameras.width, cameras.height) // THUMBNAIL)
        background = torch.tensor(self.teacher.background, device=self.work.device)
        renderer = VolumeRenderer(sampler)
        seen = renderer.render_image(self.work.student, PixelRays(cameras, [0], stride), background)
        return to_bytes(picture(seen, len(range(0, cameras.height, stride))))
