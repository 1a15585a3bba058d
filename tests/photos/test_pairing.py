"""Which pictures are compared with which."""

import numpy as np
import pytest
from omnifield.photos import pairing
from omnifield.photos.options import MOST_EXHAUSTIVE, ProcessOptions

NAMES = [f"{i:02d}" for i in range(30)]


def test_neighbours_in_turn() -> None:
    pairs = pairing.in_turn(NAMES)
    apart = {int(other) - int(one) for one, other in pairs}
    assert apart == set(range(1, pairing.NEIGHBOURS + 1)) and len(set(pairs)) == len(pairs)
    assert len(pairing.exhaustive(NAMES)) == 30 * 29 // 2
    assert pairing.both([("a", "b")], [("b", "a"), ("b", "c")]) == [("a", "b"), ("b", "c")]


def test_what_looks_alike_is_compared() -> None:
    """Six pictures of each of five places, whose features are those of the place with some noise."""
    random = np.random.default_rng(0)
    places = [random.integers(0, 256, (200, 128)) for _ in range(5)]
    noisy = [places[i // 6] + random.integers(-20, 21, (200, 128)) for i in range(30)]
    pairs = pairing.alike(NAMES, [each.clip(0, 255).astype(np.uint8) for each in noisy], 5)
    assert {(one, other) for one, other in pairs} == {
        (one, other) for one, other in pairing.exhaustive(NAMES) if int(one) // 6 == int(other) // 6
    }


def test_pictures_without_features_are_compared_with_some() -> None:
    assert pairing.alike(["a", "b", "c"], [np.zeros((0, 128), np.uint8)] * 3, 2)


@pytest.mark.parametrize(
    ("count", "in_turn", "matcher"),
    [
        (MOST_EXHAUSTIVE, True, "exhaustive"),
        (MOST_EXHAUSTIVE + 1, True, "sequential"),
        (MOST_EXHAUSTIVE + 1, False, "similar"),
    ],
)
def test_the_matcher_follows_from_the_number(count: int, in_turn: bool, matcher: str) -> None:
    assert ProcessOptions().matcher_for(count, in_turn) == matcher
    assert ProcessOptions(matcher="exhaustive").matcher_for(count, in_turn) == "exhaustive"
    assert ProcessOptions().features_for(count) == "sift" and ProcessOptions().features_for(16) == "affine"
