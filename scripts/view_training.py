"""A training that can be watched: the viewer beside the loop, and who has the machine when."""

import threading
import time
from dataclasses import replace

from rich.console import Console

from ..terminal.interrupts import until_told_to_stop
from ..terminal.say import rate, say
from ..train.loop import Progress
from ..train.run import Run
from ..viewer.display import Display
from ..viewer.page import Page
from ..viewer.server import Viewer
from ..viewer.training_tab import TrainingTab
from .page_address import how_to_open
from .view_actions import actions
from .view_outputs import PAINTS, difference, figure
from .view_subjects import Library
from .view_tools import tools_for

TRAINER = "trainer"  # its name at the scheduler


class Watched:
    """A viewer of a run, called after every step of its training: between two of them the others on the viewer's floor
    have their turns; while the training is paused, until it goes on or is `told` to stop, all of them."""

    def __init__(self, run: Run, told: threading.Event, console: Console, *, host: str, port: int) -> None:
        self.run, self.told, self.console = run, told, console
        library = Library()
        self.subject = library.add(run.in_training(), run.folder / "field.safetensors", run.trained)
        display = Display([self.subject], PAINTS, figure, difference)
        self.viewer = Viewer(display, host=host, port=port)
        tools = tools_for(run.folder, run.in_training().frames)
        made = actions(library, lambda: display.look, tools.folder)
        self.page = Page(self.viewer, tools, made)
        with self.page.field_folder:
            self.tab = TrainingTab(self.viewer)
        self.viewer.renderer.training = lambda: run.training.seconds
        self.gave_way = time.perf_counter()  # and had the machine back
        for line in how_to_open(host, self.viewer.port):
            say(console, line)

    def __call__(self, progress: Progress) -> None:
        worked = time.perf_counter() - self.gave_way
        self.viewer.renderer.learned()
        self._say(progress)
        self._rest()
        if progress.spent >= 1:
            self.viewer.renderer.training = None
            self.viewer.renderer.redraw()
        self.viewer.scheduler.give_way(TRAINER, worked)
        self.gave_way = time.perf_counter()

    def stay(self, words: str) -> None:
        """The training is over: show the field until Ctrl-C."""
        self.tab.end(words)
        self._refresh()
        say(self.console, "The viewer goes on showing the field; Ctrl-C ends it.")
        with until_told_to_stop() as told:
            self.viewer.scheduler.serve(told.is_set)

    def __enter__(self) -> "Watched":
        return self

    def __exit__(self, *exception: object) -> None:
        self.page.close()

    def _rest(self) -> None:
        if self.tab.going.is_set():
            return
        live, self.viewer.renderer.training = self.viewer.renderer.training, None
        self.viewer.renderer.redraw()
        self.viewer.scheduler.serve(lambda: self.tab.going.is_set() or self.told.is_set())
        self.viewer.renderer.training = live

    def _say(self, progress: Progress) -> None:
        words = (
            f"step {progress.step:,}, {progress.seconds:.0f} s  \n"
            f"{rate(progress.rays_per_second)} rays/s, {rate(progress.samples_per_second)} samples/s  \n"
            f"{progress.psnr:.1f} dB on its own pixels"
        )
        if self.tab.say(progress.spent, words):
            self._refresh()

    def _refresh(self) -> None:
        curve = tuple((point["seconds"], point["psnr"]) for point in self.run.curve)
        if curve != self.subject.curve:
            self.subject = replace(self.subject, curve=curve)
            self.viewer.display.subjects[self.subject.name] = self.subject
            self.page.field.refresh()
