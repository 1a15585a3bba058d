"""Which of the pictures of one set are kept for testing, where the set itself does not say."""

from collections.abc import Sequence
from typing import TypeVar

TEST_EVERY = 8  # as in the papers on LLFF and mip-NeRF 360
Posed = TypeVar("Posed")


def hold_out(frames: Sequence[Posed], every: int = TEST_EVERY) -> tuple[list[Posed], list[Posed]]:
    """Those for training, and every so many-th, from the first on, for testing."""
    return [frame for i, frame in enumerate(frames) if i % every], list(frames[::every])
