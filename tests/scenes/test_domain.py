"""The maps between the world and the unit cube."""

import pytest
import torch
from omnifield.scenes import Box, Contraction, Domain

LO, HI = (-1.0, -2.0, 0.5), (3.0, 1.0, 2.5)
DOMAINS = [Box(LO, HI), Contraction(LO, HI)]


def scattered(count: int, spread: float) -> torch.Tensor:
    return torch.randn(count, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * spread


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_maps_are_inverse(domain: Domain) -> None:
    world = scattered(1000, 8.0)
    torch.testing.assert_close(domain.world_from_unit(domain.unit_from_world(world)), world)


def test_a_box_fills_the_unit_cube() -> None:
    corners = torch.tensor([LO, HI])
    torch.testing.assert_close(Box(LO, HI).unit_from_world(corners), torch.tensor([[0.0] * 3, [1.0] * 3]))


def test_a_contraction_keeps_the_box_in_the_middle_half() -> None:
    inside = torch.rand(1000, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    world = Box(LO, HI).world_from_unit(inside)
    torch.testing.assert_close(Contraction(LO, HI).unit_from_world(world), 0.25 + inside / 2)


def test_a_contraction_holds_all_the_world() -> None:
    scale = 10.0 ** torch.arange(1000).remainder(9)[:, None]
    unit = Contraction(LO, HI).unit_from_world(scattered(1000, 1.0) * scale)
    assert unit.min() >= 0 and unit.max() <= 1


def test_a_contraction_stretches_no_distance_by_more_than_a_third() -> None:
    """In the maximum norm its slope is at most 4/r - 3/r², which is 4/3 at r = 3/2."""
    domain = Contraction((-1.0,) * 3, (1.0,) * 3)
    a = scattered(20000, 3.0)
    b = a + scattered(20000, 0.3).flip(0)
    ratio = (
        (domain.unit_from_world(a) - domain.unit_from_world(b)).abs().amax(-1) * 4 / (a - b).abs().amax(-1)
    )
    assert ratio.max() <= 4 / 3 + 1e-9
    assert ratio.max() > 1.1  # else the test would not have looked where it matters


def test_the_ends_of_the_unit_cube_stay_finite() -> None:
    world = Contraction(LO, HI).world_from_unit(torch.tensor([[0.0, 0.5, 1.0], [1.0, 1.0, 1.0]]))
    assert world.isfinite().all()


def test_side_is_the_longest_edge() -> None:
    assert Box(LO, HI).side == 4.0


@pytest.mark.parametrize("kind", [Box, Contraction])
def test_an_empty_box_is_refused(kind: type[Box] | type[Contraction]) -> None:
    with pytest.raises(ValueError, match="empty"):
        kind((0.0, 0.0, 0.0), (1.0, 0.0, 1.0))
    with pytest.raises(ValueError, match="empty"):
        kind((0.0, 0.0, float("nan")), (1.0, 1.0, 1.0))
