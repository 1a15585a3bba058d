"""What a person is told in plain sentences, and figures as words."""

import math
from collections.abc import Sequence

from rich.console import Console

from ..scenes import Views
from ..scenes.views import view_count
from ..train.evaluate import masked_everywhere


def say(console: Console, text: str) -> None:
    """A sentence as it is: rich would take a bracket in a file name for markup, and break long lines."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def say_masked(console: Console, groups: Sequence[Views]) -> None:
    """Name the held-out views of which no figure can be told."""
    names = masked_everywhere(groups)
    if names:
        who = f"Held-out view {names[0]} is" if len(names) == 1 else f"Held-out views {', '.join(names)} are"
        say(console, f"{who} masked everywhere, and left out of all figures.")


def check_some_counted(console: Console, groups: Sequence[Views]) -> None:
    """As `say_masked`; raises ValueError where that is all of them."""
    if len(masked_everywhere(groups)) == view_count(groups):
        raise ValueError("Every held-out view is masked everywhere: there is nothing to measure by.")
    say_masked(console, groups)


def decibels(psnr: float) -> str:
    """A dash where there is no figure."""
    return "– dB" if math.isnan(psnr) else f"{psnr:.2f} dB"


def rate(per_second: float) -> str:
    """A rate with three figures: 1.23 M, 45.6 k, 789."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if per_second >= size:
            return f"{per_second / size:.3g} {unit}"
    return f"{per_second:.0f}"
