"""How `omnifield train` ends: its held-out views drawn, its figures written down and told."""

from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from rich.console import Console

from ..terminal.bar import counted
from ..terminal.interrupts import StopRequest
from ..terminal.say import decibels, say
from ..train.callbacks import Tally
from ..train.evaluate import Judged, mean_figure
from ..train.files import write_json
from ..train.run import Run


def draw(run: Run, console: Console, told: StopRequest) -> list[float]:
    """The mean PSNR at each scale; none where a signal to end came before all held-out views were drawn."""
    interrupted = told.is_set()
    enough = told.again if interrupted else told

    def shown(views: Iterator[Judged]) -> Iterator[Judged]:
        wanted = takewhile(lambda _: not enough.is_set(), range(run.pictures))
        return counted(
            (view for _, view in zip(wanted, views, strict=False)), run.pictures, "picture", console
        )

    if interrupted:
        say(
            console,
            f"Stopped after {run.training.step} steps; the field is saved. Held-out views are being drawn: Ctrl-C "
            "leaves them out.",
        )
    return run.write_pictures(shown)


def finish(run: Run, tally: Tally, means: list[float], console: Console, interrupted: bool) -> dict[str, Any]:
    psnr, seconds = mean_figure(means), run.training.seconds
    here = max(seconds - run.earlier_seconds, 1e-9)
    result = {
        "run_dir": str(run.folder),
        "file": str(run.folder / "field.safetensors"),
        "field": run.training.field.config.tag,
        "steps": run.training.step,
        "seconds": run.training.seconds,
        "psnr": psnr,
        "rays_per_second": tally.rays / here,
        "samples_per_second": tally.samples / here,
        "interrupted": interrupted,
        "curve": run.curve,
    }
    if len(means) > 1:
        result["scales"] = [{"scale": 0.5**level, "psnr": mean} for level, mean in enumerate(means)]
    write_json(run.folder / "metrics.json", result)
    held_out = f"{decibels(psnr)} (mean PSNR, white background, {_judged(run)})" if means else "not judged"
    say(
        console,
        f"{run.training.step} steps in {seconds:.1f} s of training; held-out views {held_out}. "
        f"The field is in {result['file']}",
    )
    return result


def _judged(run: Run) -> str:
    """At which of the held-out pixels, as it was in time."""
    strides = sorted(set(run.strides[:-1]))  # the last picture is one of them again
    if strides == [1]:
        return "all pixels"
    return f"at stride {' or '.join(map(str, strides))} across and down"
