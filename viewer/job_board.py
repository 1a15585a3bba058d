"""The jobs as people see them: a row for each, with progress, a way to stop it, and its file in the end."""

import threading
from pathlib import Path

import viser

from ..train.files import one_line
from .answering import answered
from .jobs import Cancelled, Task, Work
from .server import Viewer, send

MOST_JOBS = 20  # that run, wait, or have ended and are still there to see


class JobBoard:
    """On top of all tabs; empty, and out of sight, until there is a job."""

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.folder = viewer.server.gui.add_folder("Jobs", visible=False)
        self._rows = 0
        self._changing = threading.Lock()

    def run(self, name: str, work: Work) -> None:
        """Begin, or queue behind the job that runs. Raises ValueError where there are too many."""
        with self._changing:
            if self._rows >= MOST_JOBS:
                raise ValueError(
                    f"There are {self._rows} jobs already: cancel or dismiss some of them first."
                )
            self._rows += 1
            self.folder.visible = True
            with self.folder:
                row = Row(self, name)
        self.viewer.jobs.start(row.task, work, row.end)

    def gone(self) -> None:
        with self._changing:
            self._rows -= 1
            self.folder.visible = self._rows > 0


class Row:
    def __init__(self, board: JobBoard, name: str) -> None:
        self.board = board
        self.name = name
        self.task = Task(name, self.hear)
        gui = board.viewer.server.gui
        self.folder = gui.add_folder(name)
        with self.folder:
            self.words = gui.add_markdown("waiting")
            self.bar = gui.add_progress_bar(0.0, animated=True)
            self.stop = gui.add_button("Cancel", icon=viser.Icon.PLAYER_STOP, color="gray")
        self.stop.on_click(self._cancel)

    def hear(self, fraction: float, words: str) -> None:
        self.bar.value = 100 * fraction
        self.words.content = f"{words}, {fraction:.0%}"

    def end(self, file: Path | None, error: BaseException | None) -> None:
        gui = self.board.viewer.server.gui
        if file is None and (error is None or isinstance(error, Cancelled)):
            self._dismiss()
            return
        self.bar.remove()
        self.stop.remove()
        with self.folder:
            if file is not None:
                self.words.content = f"{file.name}, {file.stat().st_size / 2**20:.1f} MiB"
                download = gui.add_button("Download", icon=viser.Icon.DOWNLOAD)
                download.on_click(answered(lambda event: send(event.client, file, at_once=True)))
            elif error is not None:
                self.words.content = f"**Failed.** {one_line(error)}"  # pyright: ignore[reportArgumentType]
            close = gui.add_button("Dismiss", icon=viser.Icon.X, color="gray")
        close.on_click(self._closed)

    async def _cancel(self, event: viser.GuiEvent) -> None:
        self.task.cancel()
        self.words.content = "stopping"

    async def _closed(self, event: viser.GuiEvent) -> None:
        self._dismiss()

    def _dismiss(self) -> None:
        self.folder.remove()
        self.board.gone()
