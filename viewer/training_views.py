"""The training cameras in the picture: each a frustum with its photograph, or with what the field shows from there; a
click goes there."""

import viser

from ..scenes import Cameras
from ..scenes.camera_groups import camera, camera_count
from .answering import answered
from .job_board import JobBoard
from .jobs import Task
from .lens import fov_of, opencv_from_pose, pose_of
from .offline import OfflineRenderer
from .server import Viewer, fly
from .subject import Photograph

MOST = 100  # more frusta slow a browser down
THUMBNAIL = 64  # pixels along the longer side
PHOTOGRAPH = 400
BLUE = (40, 110, 220)


class TrainingViews:
    """Thumbnails are drawn by the field itself, so a single file is enough, when they are asked for first. Before there
    is a field they are the photographs, and shown at once."""

    def __init__(self, viewer: Viewer, board: JobBoard) -> None:
        self.viewer = viewer
        self.board = board
        self.frusta: dict[int, viser.CameraFrustumHandle] = {}  # by the number of the camera
        self.looking_from = 0
        gui = viewer.server.gui
        count = camera_count(self.cameras)
        with gui.add_folder("Training cameras", expand_by_default=False):
            self.shown = gui.add_checkbox(
                "Show them", self.photograph is not None, hint="Click one to look from there"
            )
            self.size = gui.add_slider("Their size", 0.02, 0.5, 0.01, 0.1, hint="Of the scene's side")
            self.number = gui.add_slider("Look from", 0, max(count - 1, 1), 1, 0, hint="Number of the camera")
        self.shown.on_update(answered(self._show))
        self.size.on_update(self._scale)
        self.number.on_update(self._go)
        if self.shown.value:
            self._begin()

    @property
    def cameras(self) -> tuple[Cameras, ...]:
        return self.viewer.display.subject(self.viewer.display.look).cameras

    @property
    def photograph(self) -> Photograph | None:
        return self.viewer.display.subject(self.viewer.display.look).photograph

    def _show(self, event: viser.GuiEvent) -> None:
        if not self.frusta:
            self._begin()
        self._uncover()

    def _begin(self) -> None:
        self._add()
        if self.photograph is None:
            self.board.run("Thumbnails of the training cameras", self._draw)
            return
        for view, frustum in self.frusta.items():
            frustum.image = self.photograph(view, PHOTOGRAPH)

    def _uncover(self) -> None:
        """All are seen, but the one that somebody looks from: its thumbnail would stand before the picture. A
        photograph is the picture."""
        for view, frustum in self.frusta.items():
            beside = view != self.looking_from or self.photograph is not None
            frustum.visible = self.shown.value and beside

    def _add(self) -> None:
        cameras = self.cameras
        count = camera_count(cameras)
        for view in range(0, count, max(1, -(-count // MOST))):
            one = camera(cameras, view)
            position, wxyz = opencv_from_pose(pose_of(one, 0))
            frustum = self.viewer.server.scene.add_camera_frustum(
                f"/training/{view}",
                fov_of(one),
                one.width / one.height,
                scale=self._side(),
                thickness=1.5,
                thickness_units="screen",
                color=BLUE,
                wxyz=wxyz,
                position=position,
                cast_shadow=False,
                receive_shadow=False,
            )
            frustum.on_click(lambda event, view=view: self._jump(event.client, view))
            self.frusta[view] = frustum

    def _draw(self, task: Task) -> None:
        renderer = OfflineRenderer(self.viewer.display, self.viewer.scheduler, self.viewer.display.look)
        small = [_small(camera(self.cameras, view)) for view in self.frusta]
        images = renderer.frames(small, lambda done: task.report(done, "drawing"))
        for frustum, image in zip(self.frusta.values(), images, strict=False):
            frustum.image = image.cpu().numpy()

    def _side(self) -> float:
        return self.size.value * self.viewer.display.subject(self.viewer.display.look).domain.side

    async def _scale(self, event: viser.GuiEvent) -> None:
        for frustum in self.frusta.values():
            frustum.scale = self._side()

    async def _go(self, event: viser.GuiEvent) -> None:
        # Another field may have been switched to, which has fewer.
        self._jump(event.client, min(int(self.number.value), camera_count(self.cameras) - 1))

    def _jump(self, client: viser.ClientHandle | None, view: int) -> None:
        if client is not None:
            self.looking_from = self.number.value = view
            self._uncover()
            one = camera(self.cameras, view)
            fly(client, pose_of(one, 0), fov_of(one))


def _small(one: Cameras) -> Cameras:
    scale = THUMBNAIL / max(one.width, one.height)
    return one.resized(max(1, round(one.width * scale)), max(1, round(one.height * scale)))
