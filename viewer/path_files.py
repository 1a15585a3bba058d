"""A camera path on its way out: as nerfstudio's JSON, and as a video."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import viser

from ..scenes.camera_groups import one_by_one
from .answering import answered
from .file_names import file_in, names_in
from .job_board import JobBoard
from .jobs import Task
from .offline import OfflineRenderer
from .path_tab import MOST_KEYS, SECONDS, PathTab
from .route import Route
from .server import Tools, Viewer, send
from .uploads import MOST_BYTES
from .wire import FAR

NONE: str = "–"
SIDE = 16, 4096  # pixels
FPS = 1, 120
FOV = 0.5, 175.0  # degrees
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
            self.size = gui.add_vector2(
                "Pixels", (800, 800), min=(SIDE[0], SIDE[0]), max=(SIDE[1], SIDE[1]), step=2
            )
            self.fps = gui.add_number("Frames per second", 30, min=FPS[0], max=FPS[1], step=1)
            self.video_name = gui.add_text("Name", "path")
            render = gui.add_button(
                "Render video", icon=viser.Icon.MOVIE, hint="What is shown, along the path"
            )
        render.on_click(answered(self._render))

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
        save.on_click(answered(self._save))
        load.on_click(answered(self._load))
        upload.on_upload(answered(self._upload))

    def _show(self) -> None:
        self.video.visible = len(self.path.keys) > 1

    def _route(self) -> Route:
        if not self.path.keys:
            raise ValueError("The path has no keys yet: add the view that you see.")
        width, height = self.size.value
        route = replace(self.path.route(), fps=float(self.fps.value), size=(int(width), int(height)))
        if route.frames() > MOST_FRAMES:
            raise ValueError(f"That would be {route.frames():,} frames: {MOST_FRAMES:,} at most.")
        return route

    def _render(self, event: viser.GuiEvent) -> None:
        file, route = file_in(self.tools.folder, self.video_name.value, ".mp4"), self._route()
        look = self.viewer.display.look

        def work(task: Task) -> Path:
            cameras = route.cameras(self.viewer.display.subject(look).cameras[0].near)
            renderer = OfflineRenderer(self.viewer.display, self.viewer.scheduler, look)
            frames = renderer.frames(
                one_by_one(cameras), lambda done: task.report(done, f"{len(cameras)} frames")
            )
            self.tools.write_video(file, frames, route.fps)
            return file

        self.board.run(f"Video {file.name}", work)

    def _save(self, event: viser.GuiEvent) -> None:
        file = file_in(self.tools.folder, self.name.value, ".json")
        self.tools.write_route(file, self._route())
        self._list()
        self.saved.value = file.stem
        send(event.client, file, at_once=False)

    def _load(self, event: viser.GuiEvent) -> None:
        if self.saved.value == NONE:
            raise ValueError("No camera path is saved with this field yet.")
        self._take(self.tools.read_route(file_in(self.tools.folder, self.saved.value, ".json")))

    def _upload(self, event: viser.GuiEvent) -> None:
        content = event.target.value.content
        if not content:
            raise ValueError(
                f"That file is empty, or larger than {MOST_BYTES >> 20} MiB, or too many were on their way at once."
            )
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "uploaded.json"
            file.write_bytes(content)
            self._take(self.tools.read_route(file))

    def _take(self, route: Route) -> None:
        """Raises ValueError for a path that the controls could not show."""
        places = np.abs([key.pose[:, 3] for key in route.keys])
        fovs = [key.fov for key in route.keys]
        for what, least, most, values in (
            ("keys", 1, MOST_KEYS, [len(route.keys)]),
            ("seconds", 0, SECONDS[1], [route.seconds]),
            ("frames per second", *FPS, [round(route.fps)]),
            ("pixels along a side", *SIDE, route.size),
            ("degrees of view", *FOV, fovs),
            ("world units from the origin", 0, FAR, [places.max()]),
        ):
            if wrong := [value for value in values if not least <= value <= most]:
                raise ValueError(
                    f"That path has {wrong[0]:g} {what}: from {least:g} to {most:g} are possible."
                )
        self.path.load(replace(route, seconds=max(route.seconds, SECONDS[0])))
        self.fps.value, self.size.value = round(route.fps), route.size

    def _list(self) -> None:
        self.saved.options = (NONE, *names_in(self.tools.folder, ".json"))
