"""A replay buffer: what the teacher answered lately, from which a student draws as often as it likes."""

from collections.abc import Sized
from typing import Generic, TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..scenes.columns import each_column

UNIFORM = 0.5  # share of the draws that all rows have the same part in

Lesson = TypeVar("Lesson", bound=Sized)  # a dataclass of columns


class ReplayBuffer(Generic[Lesson]):
    """Rows of lessons, at most `capacity`; the oldest are overwritten first. Each has a score: its last error."""

    def __init__(self, capacity: int, device: torch.device | str = "cpu") -> None:
        self.capacity = capacity
        self.score = torch.zeros(capacity, device=device)
        self.added = 0

    def __len__(self) -> int:
        return min(self.added, self.capacity)

    def add(self, lesson: Lesson) -> None:
        """Remember rows; nobody knows yet how hard they are, so they get the mean score."""
        lesson = each_column(lambda column: column[-self.capacity :], lesson)
        rows = len(lesson)
        if self.added == 0:
            self.kept = each_column(lambda column: column.new_empty(self.capacity, *column.shape[1:]), lesson)
        place = (self.added + torch.arange(rows, device=self.score.device)) % self.capacity
        self.score[place] = self.score[: len(self)].mean() if len(self) else 1.0
        each_column(lambda column, values: column.index_copy_(0, place, values), self.kept, lesson)
        self.added += rows

    def take(self, rows: Int[Tensor, "row"]) -> Lesson:
        return each_column(lambda column: column.index_select(0, rows), self.kept)

    def draw(self, count: int, generator: torch.Generator) -> tuple[Int[Tensor, "row"], Float[Tensor, "row"]]:
        """Rows, each as likely, and their weights: 1."""
        rows = torch.randint(len(self), (count,), generator=generator, device=self.score.device)
        return rows, torch.ones(count, device=rows.device)

    def draw_hard(
        self, count: int, generator: torch.Generator
    ) -> tuple[Int[Tensor, "row"], Float[Tensor, "row"]]:
        """Rows of a high score more often, and the weights that make the mean over them one over all rows:
        w = 1 / (n p) for p = u / n + (1 − u) s / Σ s."""
        score = self.score[: len(self)]
        relative = UNIFORM + (1 - UNIFORM) * score / score.mean().clamp_min(1e-12)
        ends = relative.cumsum(0, dtype=torch.float64)
        luck = torch.rand(count, generator=generator, device=score.device, dtype=torch.float64) * ends[-1]
        rows = torch.searchsorted(ends, luck).clamp_max(len(self) - 1)
        return rows, 1 / relative[rows]

    def set_scores(self, rows: Int[Tensor, "row"], error: Float[Tensor, "row"]) -> None:
        """What rows that were drawn turned out to be worth."""
        self.score[rows] = error.detach()
