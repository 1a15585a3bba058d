"""A camera path on its way out: as nerfstudio's JSON, and as a video."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import viser

from .film import Film
from .job_board import JobBoard
from .jobs import Task
from .names import file_in, names_in
from .path_tab import PathTab
from .route import Route
from .server import Tools, Viewer

NONE: str = "–"
MOST_BYTES = 20 << 20  # of a file that a browser sends
MOST_FRAMES = 20_000


class PathFiles:
    def __init__(self, viewer: Viewer, tools: Tools, board: JobBoard, path: PathTab) -> None:
        self.viewer = viewer
        self.tools = tools
        self.board = board
        self.path = path
        self._video_controls()
        self._file_controls()
        self.path.listeners.append(self._show)
        self._show()

    def _video_controls(self) -> None:
        gui = self.viewer.server.gui
        self.video = gui.add_folder("Video")
        with self.video:
            self.size = gui.add_vector2("Pixels", (800, 800), min=(16, 16), max=(4096, 4096), step=2)
            self.fps = gui.add_number("Frames per second", 30, min=1, max=120, step=1)
            self.video_name = gui.add_text("Name", "path")
            render = gui.add_button(
                "Render video", icon=viser.Icon.MOVIE, hint="What is shown, along the path"
            )
        render.on_click(self._told(self._render))

    def _file_controls(self) -> None:
        gui = self.viewer.server.gui
        with gui.add_folder("Save and load", expand_by_default=False):
            self.name = gui.add_text("Name", "path")
            save = gui.add_button(
                "Save", icon=viser.Icon.DEVICE_FLOPPY, hint="As nerfstudio's JSON, beside the field"
            )
            self.saved = gui.add_dropdown("Saved", (NONE,))
            load = gui.add_button("Load", icon=viser.Icon.FOLDER_OPEN)
            upload = gui.add_upload_button("Load a file of yours", icon=viser.Icon.UPLOAD, mime_type=".json")
        self._list()
        save.on_click(self._told(self._save))
        load.on_click(self._told(self._load))
        upload.on_upload(self._told(self._upload))

    def _told(self, act: Callable[[viser.GuiEvent], None]) -> Callable[[viser.GuiEvent], None]:
        """Bad input is answered in the browser, in the words of whoever refuses it."""

        def acted(event: viser.GuiEvent) -> None:
            try:
                act(event)
            except (ValueError, FileNotFoundError) as error:
                if event.client is not None:
                    event.client.add_notification(
                        "That did not work", str(error), color="red", auto_close_seconds=10
                    )

        return acted

    def _show(self) -> None:
        self.video.visible = len(self.path.keys) > 1

    def _route(self) -> Route:
        if not self.path.keys:
            raise ValueError("The path has no keys yet: add the view that you see.")
        width, height = self.size.value
        return replace(self.path.route(), fps=float(self.fps.value), size=(int(width), int(height)))

    def _render(self, event: viser.GuiEvent) -> None:
        file, route = file_in(self.tools.folder, self.video_name.value, ".mp4"), self._route()
        if route.frames() > MOST_FRAMES:
            raise ValueError(f"That would be {route.frames():,} frames: {MOST_FRAMES:,} at most.")
        look = self.viewer.studio.look
        cameras = route.cameras(self.viewer.studio.subject(look).cameras.near)

        def work(task: Task) -> Path:
            film = Film(self.viewer.studio, self.viewer.floor, look)
            frames = film.frames(cameras, lambda done: task.report(done, f"{len(cameras)} frames"))
            self.tools.write_video(file, frames, route.fps)
            return file

        self.board.run(f"Video {file.name}", work)

    def _save(self, event: viser.GuiEvent) -> None:
        file = file_in(self.tools.folder, self.name.value, ".json")
        self.tools.write_route(file, self._route())
        self._list()
        self.saved.value = file.stem
        if event.client is not None:
            event.client.send_file_download(file.name, file.read_bytes())

    def _load(self, event: viser.GuiEvent) -> None:
        if self.saved.value == NONE:
            raise ValueError("No camera path is saved with this field yet.")
        self._take(self.tools.read_route(file_in(self.tools.folder, self.saved.value, ".json")))

    def _upload(self, event: viser.GuiEvent) -> None:
        content = event.target.value.content
        if len(content) > MOST_BYTES:
            raise ValueError("That file is too large to be a camera path.")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "uploaded.json"
            file.write_bytes(content)
            self._take(self.tools.read_route(file))

    def _take(self, route: Route) -> None:
        self.path.load(route)
        self.fps.value, self.size.value = round(route.fps), route.size

    def _list(self) -> None:
        self.saved.options = (NONE, *names_in(self.tools.folder, ".json"))
