"""`omnifield train`: from images, or a mesh, to a field."""

from contextlib import ExitStack
from typing import Any

from rich.console import Console

from ..ops import keep_freed_memory
from ..terminal.bar import TrainingBar
from ..terminal.interrupts import until_told_to_stop
from ..terminal.say import decibels
from ..train.callbacks import Curve, Saving, Tally
from ..train.events import Events
from ..train.loop import fit
from .flags.train import Train
from .train_begin import begun, checked, write_down
from .train_end import draw, finish


def run_train(flags: Train) -> dict[str, Any]:
    """Raises ValueError or FileNotFoundError in the user's words. The first Ctrl-C ends the training, the next one
    leaves the pictures out."""
    keep_freed_memory()
    console = Console(stderr=True)
    what = checked(flags)
    with ExitStack() as held:
        run = begun(flags, what, console, held)
        with until_told_to_stop(2) as told:
            watching = []
            if flags.viewer:
                from .view_training import Watched

                watching = [held.enter_context(Watched(run, told, console, host=flags.host, port=flags.port))]
            write_down(run, what)
            tally = Tally()
            with (
                run.kept(),
                TrainingBar(console, run.curve) as bar,
                Events(run.folder / "events", run.curve) as events,
            ):
                callbacks = [tally, Curve(run, what.budget), events, bar, told, *watching, Saving(run)]
                fit(run.training, run.scene, what.budget, callbacks)
            result = finish(run, tally, draw(run, console, told), console, told.is_set())
        for watched in watching:
            if not result["interrupted"]:
                watched.stay(f"done: {decibels(result['psnr'])} on held-out views")
        return result
