"""How long somebody lets something work."""

import math

from ..train.loop import Budget
from .arguments import MOST_STEPS, check_above_zero, check_seconds

DEFAULT_SECONDS = 60.0


def budget_of(max_seconds: float | None, max_steps: int | None, usual: float = DEFAULT_SECONDS) -> Budget:
    """What is not given does not bound the work; `usual` seconds do where neither is. Raises ValueError for none."""
    check_seconds("--max-seconds", max_seconds)
    check_above_zero("--max-steps", max_steps, MOST_STEPS)
    if max_seconds is None and max_steps is None:
        return Budget(seconds=usual)
    return Budget(
        seconds=math.inf if max_seconds is None else max_seconds,
        steps=1 << 62 if max_steps is None else max_steps,
    )
