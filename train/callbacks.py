"""What the training of a run calls after every step: how much there was, how good it is, and what is kept of it."""

import math
import time
from dataclasses import dataclass

from .evaluate import mean_figure
from .judging import curve_rays
from .loop import Progress
from .run import Run
from .schedule import Budget

# Of the budget: a curve's points.
MARKS = (0.01, 0.02, 0.04, 0.07, 0.1, 0.15, *(tenths / 10 for tenths in range(2, 11)))
CURVE_RAYS = 1 << 15  # held-out pixels behind each point of the curve
CURVE_SAMPLES = 1 << 20  # but no more samples than this, about, so that nobody waits for a curve
LOST_SECONDS = 10.0  # of work, at most, when a training is killed


@dataclass
class Tally:
    """How many rays and samples there were."""

    rays: int = 0
    samples: int = 0

    def __call__(self, progress: Progress) -> None:
        self.rays += progress.rays
        self.samples += progress.samples


class Curve:
    """A point of the run's curve at every mark that the budget has not passed yet, from a few pixels of every held-out
    view; fewer while each takes many samples, and of a slow field, but never fewer than before: of other pixels a point
    would be better or worse by chance. Where all of those are masked there is none to add."""

    def __init__(self, run: Run, budget: Budget) -> None:
        spent = budget.spent(run.training.seconds, run.training.step)
        self.run = run
        self.marks = [mark for mark in MARKS if mark > spent]
        self.seconds_per_ray: float | None = None  # of the last point
        self.rays = 0  # of the last point

    def __call__(self, progress: Progress) -> None:
        if self.marks and progress.spent >= self.marks[0]:
            self.marks = [mark for mark in self.marks if mark > progress.spent]
            self.mark(progress)

    def mark(self, progress: Progress) -> None:
        run = self.run
        rays = min(CURVE_RAYS, round(CURVE_SAMPLES * progress.rays / max(progress.samples, 1)))
        # Before there was a point: of a step, which takes longer than a look.
        per_ray = self.seconds_per_ray or progress.step_seconds / max(progress.rays, 1)
        rays = curve_rays(rays, progress.seconds / max(progress.spent, 1e-9), len(MARKS), per_ray)
        self.rays = max(self.rays, rays)
        # The last point is of what is saved.
        sampler = run.training.sampler if progress.spent < 1 else run.training.settled()
        began, views = (
            time.perf_counter(),
            [view for judged in run.judge(self.rays, sampler) for view in judged],
        )
        psnr, looked_at = (
            mean_figure(view.psnr for view in views),
            sum(view.counted.numel() for view in views),
        )
        self.seconds_per_ray = (time.perf_counter() - began) / max(looked_at, 1)
        if not math.isnan(psnr):
            run.curve.append({"seconds": progress.seconds, "step": progress.step, "psnr": psnr})


class Saving:
    """Saves the run beside its training, so that no more than LOST_SECONDS of it can be lost. Raises ValueError if the
    last save could not be written."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.saved = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if self._is_due(now - self.saved):
            self.saved = now
            self.run.save_beside()

    def _is_due(self, since: float) -> bool:
        """Whether a save has to begin, so many seconds after the last one did, to be on the disk in time; on a slow
        disk not more often than at half of that time."""
        saver = self.run.saver
        return not saver.busy and since > max(0.9 * LOST_SECONDS - saver.seconds, LOST_SECONDS / 2)
