"""Whose picture is drawn next, tile by tile, so that everybody's stays fresh."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from .display import Display
from .drawing import COARSE_SECONDS, Pace, Plan, Stage, draw
from .lens import View
from .scheduler import Scheduler
from .subject import Look

log = logging.getLogger(__name__)
VIEWER = "viewer"  # its name at the scheduler
MOST_SHARED = 4  # cameras moving at once make each other's first pictures smaller, down to this share
LIVE_SHARE = 0.1  # of a training's seconds so far: what a picture of it may take, between these
LIVE_SECONDS = (0.4, 6.0)


@dataclass(frozen=True)
class Finished:
    """A picture on its way to a browser. `seconds` is its age since its camera came; `last` says whether it has all
    the pixels that it will have."""

    image: UInt8[Tensor, "height width rgb=3"]
    last: bool
    seconds: float
    samples_per_ray: float


@dataclass
class Client:
    """One browser tab: what it wants to see, and the drawing of it while one goes on."""

    show: Callable[[Finished], None]
    fail: Callable[[BaseException], None]
    view: View | None = None
    look: Look | None = None  # of the drawing
    asked: int = 0  # how often it wanted something new
    began: int = 0  # which of those is being drawn, or was
    version: int = -1  # of the fields, when the drawing began
    since: float = 0.0
    drawing: Iterator[Stage] | None = None
    coarse: bool = False  # whether the first picture of its newest camera is still to come


class Artist:
    """Draws for any number of clients, a tile at a turn: first for those who have nothing of their newest
    camera yet, and among equals for whoever has waited longest."""

    def __init__(self, display: Display, scheduler: Scheduler) -> None:
        self.display = display
        self.scheduler = scheduler
        self.training: Callable[[], float] | None = None  # seconds of it so far, while one goes on
        self._clients: dict[int, Client] = {}  # in the order of their last turns
        self._paces: dict[tuple[str, ...], Pace] = {}
        self._version = 0
        self._lock = threading.Lock()
        self._current: Client | None = None
        self._busy = self._stopped = False

    def add(self, number: int, client: Client) -> None:
        with self._lock:
            self._clients[number] = client

    def remove(self, number: int) -> None:
        with self._lock:
            self._clients.pop(number, None)

    def look_from(self, number: int, view: View) -> None:
        """A client's camera has moved."""
        with self._lock:
            client = self._clients.get(number)
            if client is None or (client.view is not None and client.view.is_still(view)):
                return
            client.view = view
            _ask(client)
        self._go_on()

    def redraw(self) -> None:
        """The look has changed: everybody's picture is out of date."""
        with self._lock:
            for client in self._clients.values():
                _ask(client)
        self._go_on()

    def learned(self) -> None:
        """A field that is shown has been trained a little further."""
        self._version += 1
        self._go_on()

    def distance(self, origin: Float[Tensor, "xyz=3"], direction: Float[Tensor, "xyz=3"]) -> "Future[float]":
        """How far away a ray meets something, when its turn has come; infinite where it meets nothing."""
        return self.scheduler.submit(VIEWER, lambda: self._distance(origin, direction))

    def stop(self) -> None:
        self._stopped = True

    def _distance(self, origin: Tensor, direction: Tensor) -> float:
        with torch.no_grad():
            return self.display.distance(origin, direction)

    def _go_on(self) -> None:
        with self._lock:
            if self._busy or self._stopped:
                return
            self._busy = True
        self._queue()

    def _queue(self) -> None:
        self.scheduler.submit(VIEWER, self._turn).add_done_callback(self._after)

    def _after(self, turn: "Future[bool]") -> None:
        """A picture that fails is news for its client and no end of the viewer: the future has caught whatever it was,
        and the client's next camera gets a new chance."""
        if turn.cancelled():
            return
        if error := turn.exception():
            log.error("A picture could not be drawn.", exc_info=error)
            if self._current is not None:
                self._current.drawing, self._current.coarse = None, False
                self._current.fail(error)
        if error or turn.result():
            self._queue()

    def _turn(self) -> bool:
        """One tile for one client; False when nobody wants anything more."""
        with self._lock:
            self._current = client = None if self._stopped else self._choose()
            if client is None:
                self._busy = False
                return False
            if client.drawing is None:
                self._begin(client)
            drawing, look = client.drawing, client.look
            assert drawing is not None and look is not None
        with torch.no_grad():
            stage = next(drawing)
            image = self.display.paint(stage.picture, look) if stage.show else None
        if stage.last:
            client.drawing = None
        if image is not None:
            client.coarse = False
            samples = stage.picture.layers["samples"].mean().item()
            client.show(Finished(image, stage.last, time.perf_counter() - client.since, samples))
        return True

    def _choose(self) -> Client | None:
        wanting = [number for number, client in self._clients.items() if self._wants(client)]
        if not wanting:
            return None
        first = [number for number in wanting if _is_first(self._clients[number])]
        number = (first or wanting)[0]
        self._clients[number] = client = self._clients.pop(number)
        # A first picture is never dropped for a newer camera, or one that never rests would show nothing.
        if client.asked > client.began and not client.coarse:
            client.drawing = None
        return client

    def _wants(self, client: Client) -> bool:
        newer = client.asked > client.began or client.version != self._version
        return client.view is not None and (client.drawing is not None or newer)

    def _begin(self, client: Client) -> None:
        assert client.view is not None
        moved = client.asked > client.began
        if not moved:
            client.since = time.perf_counter()
        client.began, client.version, client.coarse = client.asked, self._version, moved
        client.look = look = self.display.look
        plan = self._plan(moved)
        camera = self.display.camera(client.view, look)
        client.drawing = draw(camera, self.display.asker(look), self._pace(look), plan)

    def _plan(self, moved: bool) -> Plan:
        """While a field is trained its pictures are not drawn out in full, for they are out of date by then: they take
        longer, and get finer, as the training slows."""
        moving = sum(client.coarse for client in self._clients.values())
        first = COARSE_SECONDS / max(1, min(moving, MOST_SHARED))
        if self.training is None:
            return Plan(first)
        least, most = LIVE_SECONDS
        lively = min(max(LIVE_SHARE * self.training(), least), most)
        return Plan(first if moved else lively, in_full=False)

    def _pace(self, look: Look) -> Pace:
        key = (look.subject, look.comparison, look.other)
        return self._paces.setdefault(key, Pace())


def _ask(client: Client) -> None:
    client.asked += 1
    client.since = time.perf_counter()


def _is_first(client: Client) -> bool:
    return client.coarse or client.asked > client.began
