"""A replay buffer: what the teacher answered lately, from which a student draws as often as it likes."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

UNIFORM = 0.5  # share of the draws that all rows have the same part in


class ReplayBuffer:
    """Rows of some columns, at most `capacity`; the oldest are overwritten first. Each has a score: its last error."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.columns: tuple[Tensor, ...] = ()
        self.score = torch.empty(0)
        self.added = 0

    def __len__(self) -> int:
        return min(self.added, self.capacity)

    def add(self, columns: tuple[Tensor, ...]) -> None:
        """Remember rows; nobody knows yet how hard they are, so they get the mean score."""
        columns = tuple(column[-self.capacity :] for column in columns)
        rows = len(columns[0])
        if not self.columns:
            self.columns = tuple(column.new_empty(self.capacity, *column.shape[1:]) for column in columns)
            self.score = torch.zeros(self.capacity, device=columns[0].device)
        place = (self.added + torch.arange(rows, device=self.score.device)) % self.capacity
        self.score[place] = self.score[: len(self)].mean() if len(self) else 1.0
        for column, values in zip(self.columns, columns, strict=True):
            column[place] = values
        self.added += rows

    def take(self, rows: Int[Tensor, "row"]) -> tuple[Tensor, ...]:
        return tuple(column.index_select(0, rows) for column in self.columns)

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
