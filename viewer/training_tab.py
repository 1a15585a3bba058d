"""The controls of a training that goes on behind the picture: how it fares, its share of the machine, pause."""

import threading
import time

import viser

from .server import Viewer

SAY_SECONDS = 0.5


class TrainingTab:
    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.going = threading.Event()  # cleared while paused
        self.going.set()
        self._said = 0.0
        gui = viewer.server.gui
        self.folder = gui.add_folder("Training")
        with self.folder:
            self.words = gui.add_markdown("begins")
            self.bar = gui.add_progress_bar(0.0)
            self.share = gui.add_slider(
                "Viewer's share",
                0.1,
                0.9,
                0.05,
                viewer.scheduler.weights["viewer"],
                hint="Of the machine, while there is something to draw; training has all of it otherwise",
            )
            self.pause = gui.add_button("Pause", icon=viser.Icon.PLAYER_PAUSE)
        self.share.on_update(self._shared)
        self.pause.on_click(self._paused)

    def say(self, spent: float, words: str) -> bool:
        """Show how far the training has come, every half second; whether that was done now."""
        if time.monotonic() - self._said < SAY_SECONDS:
            return False
        self._said = time.monotonic()
        self.bar.value, self.words.content = 100 * min(spent, 1.0), words
        return True

    def end(self, words: str) -> None:
        self.bar.value, self.words.content = 100.0, words
        self.pause.visible = self.share.visible = False

    async def _shared(self, event: viser.GuiEvent) -> None:
        share = float(self.share.value)
        self.viewer.scheduler.weights |= {"viewer": share, "trainer": 1 - share}

    async def _paused(self, event: viser.GuiEvent) -> None:
        """A training that rests leaves time to draw its pictures out in full."""
        if self.going.is_set():
            self.going.clear()
            self.pause.label, self.pause.icon = "Resume", viser.Icon.PLAYER_PLAY
        else:
            self.going.set()
            self.pause.label, self.pause.icon = "Pause", viser.Icon.PLAYER_PAUSE
        self.viewer.renderer.redraw()
