"""A ring of rows, and draws from it whose weighted means are those over all rows."""

from dataclasses import dataclass

import torch
from omnifield.distill.replay import UNIFORM, ReplayBuffer
from torch import Tensor


@dataclass(frozen=True)
class Pair:
    number: Tensor
    both: Tensor


@dataclass(frozen=True)
class Rows:
    """A lesson in which another one is."""

    number: Tensor
    pair: Pair

    def __len__(self) -> int:
        return len(self.number)


def rows_of(number: Tensor) -> Rows:
    return Rows(number, Pair(number + 0.5, torch.stack([number, -number], -1).float()))


def filled(score: torch.Tensor) -> ReplayBuffer:
    buffer = ReplayBuffer(len(score))
    buffer.add(rows_of(torch.arange(len(score))))
    buffer.set_scores(torch.arange(len(score)), score)
    return buffer


def test_the_oldest_rows_are_overwritten_and_columns_stay_together() -> None:
    buffer, added = ReplayBuffer(10), []
    for size in (4, 3, 6, 25, 1):
        numbers = torch.arange(len(added), len(added) + size)
        added += numbers.tolist()
        buffer.add(rows_of(numbers))
        assert len(buffer) == min(len(added), 10)
        kept = buffer.take(torch.arange(len(buffer)))
        assert sorted(kept.number.tolist()) == added[-10:]
        same = rows_of(kept.number)
        assert torch.equal(kept.pair.number, same.pair.number) and torch.equal(kept.pair.both, same.pair.both)


def test_new_rows_have_the_mean_score() -> None:
    buffer = ReplayBuffer(8)
    buffer.add(rows_of(torch.zeros(4)))
    assert buffer.score[:4].tolist() == [1, 1, 1, 1]
    buffer.set_scores(torch.arange(4), torch.tensor([1.0, 2.0, 3.0, 6.0]))
    buffer.add(rows_of(torch.zeros(2)))
    assert buffer.score[:6].tolist() == [1, 2, 3, 6, 3, 3]


def test_rows_are_drawn_as_often_as_their_scores_say(generator) -> None:
    score = torch.tensor([0.0, 1.0, 2.0, 5.0])
    rows, weight = filled(score).draw_hard(200_000, generator)
    expected = UNIFORM / 4 + (1 - UNIFORM) * score / score.sum()
    assert torch.allclose(rows.bincount(minlength=4) / 200_000, expected, atol=5e-3)
    assert torch.allclose(weight, 1 / (4 * expected[rows]))


def test_the_weighted_mean_of_hard_rows_is_the_mean_of_all(generator) -> None:
    """By brute force: over all rows, p w f sums up to the mean of f; drawn, it comes close to that."""
    score = torch.rand(500, generator=generator) ** 4
    value = torch.randn(500, generator=generator) + 3 * score
    buffer = filled(score)
    rows, weight = buffer.draw_hard(400_000, generator)
    assert abs((weight * value[rows]).mean() - value.mean()) < 0.01
    assert abs(value[rows].mean() - value.mean()) > 0.1  # which without weights it is not
    rows, weight = buffer.draw(400_000, generator)
    assert abs((weight * value[rows]).mean() - value.mean()) < 0.01


def test_rows_that_nobody_finds_hard_are_all_as_likely(generator) -> None:
    rows, weight = filled(torch.zeros(5)).draw_hard(50_000, generator)
    assert torch.allclose(rows.bincount(minlength=5) / 50_000, torch.full((5,), 0.2), atol=0.01)
    assert torch.allclose(weight, weight[:1].expand_as(weight))


def test_rows_that_were_not_filled_yet_are_never_drawn(generator) -> None:
    buffer = ReplayBuffer(1000)
    buffer.add(rows_of(torch.arange(3)))
    for draw in (buffer.draw_hard, buffer.draw):
        rows, _ = draw(1000, generator)
        assert rows.max() == 2 and rows.min() == 0
