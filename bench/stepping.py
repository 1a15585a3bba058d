"""A training taken a number of steps at a time, so that something may be changed or read between them."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from rich.console import Console

from ..datasets import load_scene
from ..scenes import Scene
from ..terminal.bar import Bar
from ..train.loop import Callback, Progress, Training, begin, fit
from ..train.schedule import Budget
from .what import What


@dataclass(frozen=True)
class Taken:
    """Steps taken one after the other, and the seconds in them: callbacks and what lies between are not counted."""

    steps: int = 0
    seconds: float = 0.0
    samples: int = 0
    rays: int = 0

    def after(self, step: Progress) -> "Taken":
        return Taken(
            self.steps + 1,
            self.seconds + step.step_seconds,
            self.samples + step.samples,
            self.rays + step.rays,
        )


class Stepping:
    """A training on a budget that it does not come to the end of."""

    def __init__(self, what: What, budget: Budget, device: torch.device) -> None:
        self.scene: Scene = load_scene(what.data).to(device)
        self.budget = budget
        self.training: Training = begin(self.scene, what.config, what.fit, sampler=what.sampler)

    def steps(self, count: int, *beside: Callback) -> Taken:
        """The next so many, or those until a callback had enough."""
        return self._take(lambda taken: taken.steps >= count, beside)

    def for_seconds(self, seconds: float, *beside: Callback) -> Taken:
        """As many as begin within so many seconds of training, and one at least."""
        return self._take(lambda taken: taken.seconds >= seconds, beside)

    def _take(self, enough: Callable[[Taken], bool], beside: tuple[Callback, ...]) -> Taken:
        taken = Taken()

        def count(step: Progress) -> bool:
            nonlocal taken
            taken = taken.after(step)
            return enough(taken)

        fit(self.training, self.scene, self.budget, [*beside, count])
        return taken


class StepBar(Bar):
    """Called after every step, of `total` of them; what they are for is said."""

    def __init__(self, console: Console, total: int, what: str) -> None:
        super().__init__(console)
        self.total, self.what, self.done = total, what, 0

    def __call__(self, step: Progress) -> None:
        self.done += 1
        self.update(self.done / self.total, self.what, f"{self.done}/{self.total}")
