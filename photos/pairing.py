"""Which pictures are compared with which: every one with every other, or, where those are too many pairs, each with its
neighbours in the order of the names, and with those that look like it."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from jaxtyping import Float, UInt8

NEIGHBOURS = 10  # behind each, of pictures taken one after the other
ALIKE = 20  # of a picture, that look most like it
RETURNS = 5  # of a frame, that look like it and may show the same place once more
WORDS = 64
SAMPLE = 20_000  # features of all pictures together, from which the words are made
SEED = 0

Pair = tuple[str, str]
Descriptors = UInt8[np.ndarray, "feature 128"]


def exhaustive(names: Sequence[str]) -> list[Pair]:
    return list(combinations(names, 2))


def in_turn(names: Sequence[str]) -> list[Pair]:
    ends = range(len(names))
    return [(names[i], other) for i in ends for other in names[i + 1 : i + 1 + NEIGHBOURS]]


def alike(names: Sequence[str], descriptors: Sequence[Descriptors], most: int) -> list[Pair]:
    """Each with those that share most of its features' kinds (VLAD: Jégou et al., Aggregating local descriptors into a
    compact image representation, CVPR 2010)."""
    codes = vlad(descriptors)
    near = codes @ codes.T
    np.fill_diagonal(near, -np.inf)
    order = np.argsort(-near, axis=1, kind="stable")[:, : min(most, len(names) - 1)]
    pairs = {(min(i, int(j)), max(i, int(j))) for i, row in enumerate(order) for j in row}
    return [(names[i], names[j]) for i, j in sorted(pairs)]


def vlad(descriptors: Sequence[Descriptors]) -> Float[np.ndarray, "picture code"]:
    """Of each picture, for every word, how its features of that word differ from it in sum; of length one."""
    from scipy.cluster.vq import kmeans2, vq  # slow to import, and seldom needed

    everything = np.concatenate(descriptors).astype(np.float64)
    if len(everything) < WORDS:
        return np.zeros((len(descriptors), 1))
    drawn = np.random.default_rng(SEED).permutation(len(everything))[:SAMPLE]
    words, _ = kmeans2(everything[drawn], everything[drawn[:WORDS]], minit="matrix")
    codes = np.zeros((len(descriptors), WORDS, everything.shape[1]))
    for code, each in zip(codes, descriptors, strict=True):
        if len(each):
            nearest, _ = vq(each.astype(np.float64), words)
            np.add.at(code, nearest, each - words[nearest])
    codes /= np.maximum(np.linalg.norm(codes, axis=2, keepdims=True), 1e-9)
    codes = codes.reshape(len(descriptors), -1)
    return codes / np.maximum(np.linalg.norm(codes, axis=1, keepdims=True), 1e-9)


def both(*lists: list[Pair]) -> list[Pair]:
    """All pairs of several lists, each once."""
    return sorted({(min(pair), max(pair)) for pairs in lists for pair in pairs})
