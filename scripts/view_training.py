"""A training that can be watched: the viewer beside the loop, and who has the machine when."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import torch
from rich.console import Console

from ..terminal.counting import say
from ..terminal.progress import rate, until_told_to_stop
from ..train.field_file import TrainedField
from ..train.loop import Progress
from ..train.run import WHITE, Run
from ..viewer.display import Display
from ..viewer.page import Page
from ..viewer.server import Viewer
from ..viewer.training_tab import TrainingTab
from .view_actions import actions
from .view_outputs import PAINTS, difference, figure
from .view_subjects import Library
from .view_tools import tools_for
from .where import where

TRAINER = "trainer"  # its name at the scheduler


class Watched:
    """A viewer of a run. Every step of the training takes its turn at the viewer's scheduler."""

    def __init__(self, run: Run, host: str, port: int, console: Console) -> None:
        self.run = run
        self.console = console
        library = Library()
        self.subject = library.add(begun(run), run.folder / "field.safetensors", run.trained)
        display = Display([self.subject], PAINTS, figure, difference)
        self.viewer = Viewer(display, host=host, port=port)
        tools = tools_for(run.folder, begun(run).frames)
        made = actions(library, lambda: display.look, tools.folder)
        self.page = Page(self.viewer, tools, made)
        with self.page.field_folder:
            self.tab = TrainingTab(self.viewer)
        for line in where(host, self.viewer.port):
            say(console, line)

    def steps(self, steps: Iterator[Progress], told: threading.Event) -> Iterator[Progress]:
        """The same steps, each in its turn; none while the training is paused."""
        self.viewer.artist.training = lambda: self.run.training.seconds
        for progress in self.viewer.scheduler.lead(TRAINER, steps):
            yield progress
            self.viewer.artist.learned()
            self._say(progress)
            self._rest(told)
        self.viewer.artist.training = None
        self.viewer.artist.redraw()

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

    def _rest(self, told: threading.Event) -> None:
        if self.tab.going.is_set():
            return
        live, self.viewer.artist.training = self.viewer.artist.training, None
        self.viewer.artist.redraw()
        self.viewer.scheduler.serve(lambda: self.tab.going.is_set() or told.is_set())
        self.viewer.artist.training = live

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


def begun(run: Run) -> TrainedField:
    """The field of a run as it is being trained, without a thumbnail: nobody could tell yet what it shows."""
    return TrainedField(
        run.training.field,
        run.training.sampler,
        run.scene.train.cameras,
        WHITE,
        run.scene.scene_from_input,
        run.provenance,
        torch.zeros(1, 1, 3, dtype=torch.uint8),
        run.scene.input_from_original,
    )
