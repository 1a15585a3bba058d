"""Rounds along rays, and the weights of what they found."""

import pytest
import torch
from omnifield import ops

OFFSETS = torch.tensor([0, 3, 3, 10, 11])
T = torch.arange(11.0)


def first_round(most: int) -> tuple[ops.Round, torch.Tensor]:
    round = ops.next_round(torch.zeros(4), torch.zeros(4, dtype=torch.int64), T, T / 10, OFFSETS, most)
    return round, torch.zeros(4, dtype=torch.int64).index_add(0, round.ray, round.ends.diff())


@pytest.mark.parametrize("reference", [False, True])
def test_a_round_goes_on_along_rays_that_are_not_opaque(reference: bool) -> None:
    with ops.references() if reference else torch.enable_grad():
        round, asked = first_round(2)
        assert round.ray.tolist() == [0, 2, 3] and asked.tolist() == [2, 0, 2, 1]
        assert round.t.tolist() == [0, 1, 3, 4, 10] and round.ray_of_sample.tolist() == [0, 0, 2, 2, 3]
        depth, asked = ops.pass_round(torch.tensor([1.0, 1, 99, 99, 1]), round, torch.zeros(4), asked * 0)
        assert depth.tolist() == pytest.approx([0.1, 0, 69.3, 1.0]) and asked.tolist() == [2, 0, 2, 1]
        again = ops.next_round(depth, asked, T, T / 10, OFFSETS, 4)
        assert again.ray.tolist() == [0] and again.before.tolist() == [2] and again.t.tolist() == [2]


@pytest.mark.parametrize("reference", [False, True])
def test_what_rounds_found_comes_into_the_order_of_the_rays(reference: bool) -> None:
    with ops.references() if reference else torch.enable_grad():
        first, asked = first_round(2)
        second = ops.next_round(torch.zeros(4), asked, T, T / 10, OFFSETS, 99)
        found = ops.in_order(first.t[:, None], [second.t[:, None]], [first, second], OFFSETS)
        assert torch.equal(found[:, 0], T)
        with pytest.raises(ValueError, match="in_order: the rounds have all samples"):
            ops.in_order(first.t[:, None], [], [first], OFFSETS)


@pytest.mark.parametrize("reference", [False, True])
def test_no_ray_can_have_been_asked_for_more_than_it_has(reference: bool) -> None:
    asked = torch.tensor([0, 1, 0, 0])
    with (
        ops.references() if reference else torch.enable_grad(),
        pytest.raises(ValueError, match="next_round: no ray"),
    ):
        ops.next_round(torch.zeros(4), asked, T, T, OFFSETS, 2)


def test_gradients_of_the_references() -> None:
    generator = torch.Generator().manual_seed(0)
    first, asked = first_round(2)
    second = ops.next_round(torch.zeros(4), asked, T, T / 10, OFFSETS, 99)
    values = [
        torch.randn(len(r.t), 2, generator=generator).double().requires_grad_() for r in (first, second)
    ]
    assert torch.autograd.gradcheck(lambda a, b: ops.in_order(a, [b], [first, second], OFFSETS), values)

    density = torch.rand(11, generator=generator).double().requires_grad_()

    def weights(density: torch.Tensor) -> tuple[torch.Tensor, ...]:
        found = ops.visible_weights(density, T.double(), T.double() / 10, OFFSETS, 0.05)
        return found.weights, found.weight_of_row, found.sums

    assert torch.autograd.gradcheck(weights, (density,))


def test_weights_are_those_of_ray_weights() -> None:
    density = torch.rand(11, generator=torch.Generator().manual_seed(0)) * 3
    found = ops.visible_weights(density, T, T / 10, OFFSETS, 0.05)
    weights = ops.ray_weights(density, T / 10, OFFSETS)
    assert torch.equal(found.weights, weights)
    assert found.rows.tolist() == [row for row in range(11) if weights[row] > 0.05]
    assert torch.equal(found.weight_of_row, weights[found.rows])
    seen = torch.where(weights > 0.05, weights, 0)
    columns = torch.stack([torch.ones(11), T, seen / weights.clamp_min(1e-9)], -1)
    torch.testing.assert_close(found.sums, ops.accumulate(columns, weights, OFFSETS))
