"""What a browser's camera turns around: whatever is in the middle of its picture, once it rests."""

import asyncio
import contextlib
from concurrent.futures import Future

import numpy as np
import torch
import viser

from .lens import View, view_of
from .tile_renderer import TileRenderer

REST_SECONDS = 0.3  # longer than a hand that drags stands still
ALIKE = 0.01  # of the distance: nobody sees around which of two such points a picture turns
OWN_VIEWS = 3  # a page has as many at most before it has heard of ours, and then begins at home


class OrbitCenter:
    """Keeps one browser's centre at the depth of what its picture shows in the middle, and always on the viewing axis:
    so the camera does not move. Where nothing is there, and where a person has said what to turn around, it stays.

    All of it happens on the server's event loop, but `picture_ended`, which any thread may call.
    """

    def __init__(
        self, client: viser.ClientHandle, renderer: TileRenderer, home: viser.InitialCameraConfig
    ) -> None:
        self.client, self.renderer, self.home = client, renderer, home
        self.loop = asyncio.get_running_loop()
        self.view: View | None = None
        self.views = 0
        self.arrived = False  # or the page would go home looking at what its own camera had in its middle
        self.waiting: asyncio.TimerHandle | None = None
        self.picked: np.ndarray | None = None

    def moved(self, view: View) -> None:
        """The camera is not to be disturbed until it has rested for a while."""
        if self.view is not None and self.view.is_still(view):
            return
        self.view = view
        self.views += 1
        near = ALIKE * np.linalg.norm(self.home.look_at - self.home.position)
        at_home = np.linalg.norm(self.home.position - view.position) < near
        self.arrived |= bool(at_home) or self.views > OWN_VIEWS
        self.close()
        self.waiting = self.loop.call_later(REST_SECONDS, self._rests)

    def picture_ended(self) -> None:
        """A field that is trained, or another one, may show something else to a camera that rests."""
        with contextlib.suppress(RuntimeError):  # the server has ended, and its loop
            self.loop.call_soon_threadsafe(self._look)

    def pick(self, point: np.ndarray) -> None:
        """Turn around this point until another one is looked at."""
        self.picked = point
        self.client.camera.look_at = point

    def close(self) -> None:
        if self.waiting is not None:
            self.waiting.cancel()

    def _rests(self) -> None:
        self.waiting = None
        self._look()

    def _look(self) -> None:
        view = self.view
        if view is None or not self.arrived or self.waiting is not None:
            return

        def answered(distance: "Future[float]") -> None:
            # What cannot be rendered is told with the picture.
            if not distance.cancelled() and distance.exception() is None:
                with contextlib.suppress(RuntimeError):
                    self.loop.call_soon_threadsafe(self._place, view, distance.result())

        self.renderer.distance(torch.tensor(view.position), torch.tensor(view.axis)).add_done_callback(
            answered
        )

    def _place(self, view: View, distance: float) -> None:
        """Unless the camera has gone on, by hand or because it was put elsewhere."""
        camera = self.client.camera
        if view is not self.view or self.waiting is not None or not view.is_still(view_of(camera)):
            return
        now = float(np.linalg.norm(camera.look_at - camera.position))
        if self.picked is not None and np.allclose(camera.look_at, self.picked, rtol=0, atol=ALIKE * now):
            return
        if np.isfinite(distance) and abs(distance - now) > ALIKE * now:
            camera.look_at = camera.position + distance * np.array(view_of(camera).axis)
