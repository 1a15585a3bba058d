"""The page that people open: a viser server, a picture for every browser, and the panel of controls."""

import contextlib
import logging
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import viser

from ..scenes.looked_at import middle_looked_at
from ..train.files import one_line
from .display import Display
from .guard import guarded_server
from .jobs import Jobs
from .lens import fov_of, opencv_from_pose, pose_of, view_of
from .listener import open_listener
from .orbit_center import OrbitCenter
from .route import Route
from .scheduler import Scheduler
from .subject import Subject
from .tile_renderer import Client, Finished, TileRenderer

log = logging.getLogger(__name__)
QUALITY = 70, 90  # JPEG: on the way, and of the full picture
SAY_AGAIN_SECONDS = 5.0  # a camera that moves through an error reports it once
SENDING = threading.Lock()

# A browser may go while its picture is on the way; viser says so on standard error, and nobody needs to know.
warnings.filterwarnings("ignore", "Queued a .* on a closed connection", UserWarning)

Watcher = Callable[[Finished], None]
"""Hears of every picture that one browser gets."""


def make_floor() -> Scheduler:
    """Trainer, viewer and jobs, each for the share of the time that the others leave or that it is due."""
    return Scheduler(trainer=0.5, viewer=0.5, job=0.25)


@dataclass(frozen=True)
class Tools:
    """What the viewer can do beyond looking, handed in from outside. Files go to `folder`, by name."""

    folder: Path
    write_video: Callable[[Path, Iterator, float], int]
    write_route: Callable[[Path, Route], None]
    read_route: Callable[[Path], Route]


class Viewer:
    """A running server. Nothing is drawn before it is open, and some thread serves its scheduler; `close` ends it and
    everything that it has begun."""

    def __init__(self, display: Display, *, host: str, port: int) -> None:
        """Raises ValueError where nobody can listen there."""
        listener = open_listener(host, port)
        self.display = display
        self.scheduler = make_floor()
        self.renderer = TileRenderer(display, self.scheduler)
        self.jobs = Jobs()
        self.watchers: list[Callable[[viser.ClientHandle], Watcher]] = []
        self._centers: dict[int, OrbitCenter] = {}
        self.server = guarded_server(listener, "omnifield")
        self.port = self.server.get_port()
        self.set_home(self.first_camera())

    def open(self) -> None:
        """Greet whoever comes, and has come: a tab that outlived another program is here before the page is made."""
        self.server.on_client_connect(self._greet)
        self.server.on_client_disconnect(self._part)

    def close(self) -> None:
        self.renderer.stop()
        self.scheduler.close()
        self.jobs.stop()
        with contextlib.redirect_stdout(sys.stderr):  # viser says so on standard output
            self.server.stop()

    def first_camera(self) -> tuple[np.ndarray, float, np.ndarray]:
        """The first training camera: its pose, field of view, and the point at which it looks. Of a data set from twice
        as far, so that its photographs stand in the picture."""
        subject = self.display.subject(self.display.look)
        first = subject.cameras[0]
        pose = pose_of(first, 0)
        target = point_ahead(subject, pose)
        if subject.photograph is not None:
            pose[:, 3] += pose[:, 3] - target
        return pose, fov_of(first), target

    def set_home(self, camera: tuple[np.ndarray, float, np.ndarray]) -> None:
        """Where a new browser begins, and where Reset brings it."""
        pose, fov, target = camera
        home = self.server.initial_camera
        domain = self.display.subject(self.display.look).domain
        home.position, home.look_at, home.fov = pose[:, 3], target, fov
        home.up = (0.0, 0.0, 1.0)
        home.near, home.far = domain.side * 1e-3, domain.side * 1e3

    def turn_around(self, client: viser.ClientHandle, point: np.ndarray) -> None:
        """What a browser's camera turns around from now on, and looks at."""
        if center := self._centers.get(client.client_id):
            center.pick(point)

    async def _greet(self, client: viser.ClientHandle) -> None:
        number = client.client_id
        self._centers[number] = center = OrbitCenter(client, self.renderer, self.server.initial_camera)

        def ended(finished: Finished) -> None:
            if finished.last:
                center.picture_ended()

        screen = Screen(client, [*(watch(client) for watch in self.watchers), ended])
        self.renderer.add(number, Client(screen.show, screen.fail))

        async def moved(camera: viser.CameraHandle) -> None:
            view = view_of(camera)
            self.renderer.look_from(number, view)
            center.moved(view)

        await moved(client.camera)
        client.camera.on_update(moved)

    async def _part(self, client: viser.ClientHandle) -> None:
        self.renderer.remove(client.client_id)
        if center := self._centers.pop(client.client_id, None):
            center.close()


class Screen:
    """One browser's background: where its pictures go."""

    def __init__(self, client: viser.ClientHandle, watchers: list[Watcher]) -> None:
        self.client = client
        self.watchers = watchers
        self.said = -SAY_AGAIN_SECONDS

    def show(self, finished: Finished) -> None:
        quality = QUALITY[finished.last]
        self.client.scene.set_background_image(
            finished.image.cpu().numpy(), format="jpeg", jpeg_quality=quality
        )
        self.client.flush()
        for watcher in self.watchers:
            watcher(finished)

    def fail(self, error: BaseException) -> None:
        if time.monotonic() - self.said < SAY_AGAIN_SECONDS:
            return
        self.said = time.monotonic()
        self.client.add_notification(
            "This picture could not be drawn",
            f"{type(error).__name__}: {one_line(error)}",  # pyright: ignore
            color="red",
            auto_close_seconds=10,
        )


def point_ahead(subject: Subject, pose: np.ndarray) -> np.ndarray:
    """The point on a camera's axis that is nearest to the middle of the scene: what to turn around."""
    middle = middle_looked_at(subject.domain, subject.cameras).numpy()
    forward = -pose[:, 2]
    ahead = max(float((middle - pose[:, 3]) @ forward), subject.domain.side / 10)
    return pose[:, 3] + ahead * forward


def fly(client: viser.ClientHandle, pose: np.ndarray, fov: float) -> None:
    """Put a browser's camera somewhere (OpenGL's axes; radians)."""
    position, wxyz = opencv_from_pose(pose)
    with client.atomic():
        client.camera.position = position
        client.camera.wxyz = wxyz
        client.camera.fov = fov
    client.flush()


def send(client: viser.ClientHandle | None, file: Path, *, at_once: bool) -> None:
    """Have a browser save a file, at once or where its person says. Raises ValueError while one is on its way: each is
    held in memory until it has got there."""
    if client is None:
        return
    with SENDING:
        waiting = client._websock_connection.get_message_buffer().message_from_id
        if any(type(message).__name__ == "FileTransferPart" for message in list(waiting.values())):
            raise ValueError("The file before this one is still on its way to your browser.")
        client.send_file_download(file.name, file.read_bytes(), save_immediately=at_once)
