"""The page as a whole: what stands where in the panel."""

import contextlib
import time

import viser

from .field_tab import FieldTab
from .job_board import JobBoard
from .make_tab import Action, MakeTab
from .path_files import PathFiles
from .path_tab import PathTab
from .server import Tools, Viewer, Watcher
from .tile_renderer import Finished
from .view_tab import ViewTab

STATUS_SECONDS = 0.5


class Page:
    """A viewer's controls. They are shared: every browser shows, and sets, the same ones."""

    def __init__(self, viewer: Viewer, tools: Tools, actions: tuple[Action, ...]) -> None:
        self.viewer = viewer
        gui = viewer.server.gui
        gui.configure_theme(show_logo=False, show_share_button=False, control_width="large")
        gui.main_panel.dock_right()
        self.head = gui.add_folder(None)
        self.board = JobBoard(viewer)
        self.tabs = gui.add_tab_group()
        with self.tabs.add_tab("View", viser.Icon.EYE):
            self.view = ViewTab(viewer, self.board, self._switched)
        with self.tabs.add_tab("Path", viser.Icon.ROUTE):
            self.path = PathTab(viewer)
            PathFiles(viewer, tools, self.board, self.path)
        with self.tabs.add_tab("Make", viser.Icon.TOOLS):
            MakeTab(viewer, self.board, actions, self.view.add_name)
        with self.tabs.add_tab("Field", viser.Icon.CHART_LINE):
            self.field_folder = gui.add_folder(None)  # room for a training's controls, above the figures
            self.field = FieldTab(viewer)
        viewer.watchers.append(self._status)
        viewer.open()

    def close(self) -> None:
        self.path.stop()
        self.viewer.close()

    def _switched(self) -> None:
        self.field.refresh()

    def _status(self, client: viser.ClientHandle) -> Watcher:
        """A line of its own for every browser, in the folder that all share."""
        with self.head:
            line = client.gui.add_markdown("")
        told = 0.0

        def watch(finished: Finished) -> None:
            nonlocal told
            if finished.last or time.monotonic() - told > STATUS_SECONDS:
                told = time.monotonic()
                with contextlib.suppress(RuntimeError):  # the browser has gone, and the line with it
                    line.content = described(finished)

        return watch


def described(finished: Finished) -> str:
    height, width, _ = finished.image.shape
    size = f"**{width}×{height}**" if finished.last else f"{width}×{height} …"
    return f"{size}, {finished.seconds:.2f} s, {finished.samples_per_ray:.0f} samples per ray"
