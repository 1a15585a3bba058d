"""How close a student is to its teacher, level by level: means, whatever the number of points."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ..fields import Levels
from ..renderers import Sampler
from .teacher import PointLesson

FAINT = 1e-3  # opacity of the box's diagonal at the density below which there is nothing
SOLID = 1 - 1e-3  # opacity of one step at the density above which more makes no difference
LEAK = 0.05  # slope of the logarithm beyond these two, so that nothing is ever stuck there


@dataclass(frozen=True)
class Weights:
    """Of each term of the loss; all are means of squares. `logarithm` is of densities, beside their opacity."""

    features: float
    opacity: float
    logarithm: float
    color: float
    pixels: float


@dataclass(frozen=True)
class Densities:
    """Densities as what can be seen of them: the opacity of the step that the march takes there (world units: far away
    in an unbounded scene it is long), and the logarithm of its optical depth between `lo` and `hi`."""

    lo: float
    hi: float

    @classmethod
    def of(cls, sampler: Sampler) -> "Densities":
        """The range from what is invisible over as many steps as cross the whole box to what is opaque within one."""
        domain = sampler.domain
        shortest = sampler.step_at(torch.zeros(1, dtype=torch.float64)).item()
        steps = math.dist(domain.lo, domain.hi) / shortest
        return cls(math.log(-math.log1p(-FAINT) / steps), math.log(-math.log(1 - SOLID)))

    def opacity(self, density: Float[Tensor, "n"], step: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
        return -torch.expm1(-density * step)

    def logarithm(self, density: Float[Tensor, "n"], step: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
        """0 at `lo`, 1 at `hi`, and a little below and above."""
        share = ((density * step).clamp_min(1e-30).log() - self.lo) / (self.hi - self.lo)
        within = share.clamp(0, 1)
        return within + LEAK * (share - within)


def point_errors(
    student: Levels,
    mapped: Float[Tensor, "n feature"],
    lesson: PointLesson,
    densities: Densities,
    weights: Weights,
) -> Float[Tensor, "n"]:
    """The weighted error of each point, down to its colour; `mapped` are the student's features as the teacher's
    decoder reads them. Features and colours count by the opacity that they would be seen with."""
    there = densities.opacity(lesson.density, lesson.step)
    opacity = (densities.opacity(student.density, lesson.step) - there).square()
    wanted = densities.logarithm(lesson.density, lesson.step).clamp(0, 1)
    logarithm = (densities.logarithm(student.density, lesson.step) - wanted).square()
    error = weights.opacity * opacity + weights.logarithm * lesson.visible * logarithm
    seen = lesson.visible * there
    if weights.color:
        error = error + weights.color * seen * (student.color - lesson.color).square().mean(-1)
    if weights.features and lesson.features.shape[1]:
        # Features have no unit of their own: their error counts in shares of their mean square.
        size = lesson.features.square().mean().clamp_min(1e-12)
        error = error + weights.features * seen * (mapped - lesson.features).square().mean(-1) / size
    return error
