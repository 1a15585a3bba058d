"""Between the network and viser: who may come in, and what of their messages is passed on.

viser has no such place itself. It serves through `websockets`, whose `serve` has one for requests and one for
connections, so while a viser server starts, that function is ours.
"""

import asyncio
import contextlib
import functools
import http
import io
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import viser
from viser.infra import Message
from websockets.asyncio import server as websockets_server
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from .controls import Button, allowed
from .listener import Listener
from .uploads import Uploads
from .wire import ENCODER, Camera, Click, Control, Pointer, Refused, Upload, UploadPart, understood

log = logging.getLogger(__name__)
MOST_BYTES = 1 << 20  # of a message; viser's page sends files in parts of half a MiB
MOST_PRESSES = 20  # of buttons, and clicks, in a second from one browser
ADMIT = Callable[[ServerConnection, Request], Response | None]


class Guard:
    """One for a server. It has to be given the server's controls before any of them can be set."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.server: viser.ViserServer | None = None
        self.uploads = Uploads(self._forget)
        self.in_place = False

    def control(self, number: str) -> object:
        return self.server and self.server.gui._gui_input_handle_from_uuid.get(number)

    def admit(self, then: ADMIT | None, connection: ServerConnection, request: Request) -> Response | None:
        """The answer to a request that is no connection, or that is refused; no other page may frame ours, where a
        press could be meant for something else."""
        refusal = self.listener.refusal(request.headers.get_all("Host"), request.headers.get_all("Origin"))
        if refusal is not None:
            return connection.respond(http.HTTPStatus.FORBIDDEN, f"{refusal}\n")
        response = then(connection, request) if then is not None else None
        if response is not None:
            response.headers["Content-Security-Policy"] = "frame-ancestors 'self'"
        return response

    async def attend(self, then: Callable[[Any], Awaitable[None]], connection: ServerConnection) -> None:
        filtered = FilteredConnection(self, connection)
        try:
            await then(filtered)
        finally:
            self.uploads.leave(filtered)

    def begin_upload(self, connection: "FilteredConnection", upload: Upload) -> None:
        if not isinstance(self.control(upload.source_component_uuid), viser.GuiUploadButtonHandle):
            raise Refused("a file for no upload button")
        self.uploads.begin(connection, upload)
        if self.server is not None:  # viser keeps every receipt that it has given, for those who come later
            self.server._websock_server._broadcast_buffer.remove_from_buffer(_is_receipt)

    def _forget(self, transfer: str) -> None:
        if self.server is not None:
            self.server.gui._current_file_upload_states.pop(transfer, None)


class FilteredConnection:
    """A connection as viser sees it, which hears only what a browser may say."""

    def __init__(self, guard: Guard, connection: ServerConnection) -> None:
        self.guard = guard
        self.connection = connection
        self.looks = False  # whether its camera has come: viser cleans up only after those whose has
        self.presses: deque[float] = deque(maxlen=MOST_PRESSES)
        self.told = False

    @property
    def subprotocol(self) -> str | None:
        return self.connection.subprotocol

    async def send(self, message: bytes) -> None:
        await self.connection.send(message)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        await self.connection.close(code, reason)

    async def recv(self) -> bytes:
        while True:
            # viser makes tasks of what it hears, and this is where they run: one by one, so that none pile up.
            await asyncio.sleep(0)
            raw = await self.connection.recv()
            try:
                return self.hear(raw)
            except Refused as refused:
                if not self.told:
                    self.told = True
                    log.warning("A browser is not heard where it says what it may not: %s.", refused)

    def hear(self, raw: bytes | str) -> bytes:
        """The message as it is passed on. Raises Refused."""
        message = understood(raw)
        self.looks = self.looks or isinstance(message, Camera)
        if not self.looks:
            raise Refused("something before its first camera")
        if isinstance(message, Control):
            control = self.guard.control(message.uuid)
            message.updates.value = allowed(control, message.updates.value)
            if isinstance(control, Button):
                self._press()
        elif isinstance(message, Click | Pointer):
            self._press()
        elif isinstance(message, Upload):
            self._press()
            self.guard.begin_upload(self, message)
        elif isinstance(message, UploadPart):
            self.guard.uploads.take(self, message)
        return ENCODER.encode(message)

    def _press(self) -> None:
        """Each is work that waits for a thread; more than a person's are not begun."""
        now = time.monotonic()
        if len(self.presses) == MOST_PRESSES and now - self.presses[0] < 1:
            raise Refused(f"more than {MOST_PRESSES} presses in a second")
        self.presses.append(now)


def guarded_server(listener: Listener, label: str) -> viser.ViserServer:
    """A viser server on that socket, behind a guard. Raises RuntimeError for a viser that cannot have one."""
    guard = Guard(listener)
    host, port = listener.listening.getsockname()[:2]
    # viser prints an address of its own.
    with _in_front_of_viser(guard), contextlib.redirect_stdout(io.StringIO()):
        guard.server = viser.ViserServer(host=host, port=port, label=label, verbose=False)
    if not guard.in_place:
        guard.server.stop()
        listener.listening.close()
        raise RuntimeError(
            f"viser {viser.__version__} serves in another way than 1.1, and would let everybody in: install viser 1.1."
        )
    return guard.server


@contextmanager
def _in_front_of_viser(guard: Guard) -> Iterator[None]:
    plain = websockets_server.serve

    def serve(handler: Callable[[Any], Awaitable[None]], host: str, port: int, **settings: Any) -> Any:
        """As viser calls it, who would try other ports, one by one: it gets the one that is held already."""
        del host, port
        guard.in_place = True
        ours = {
            "sock": guard.listener.listening,
            "process_request": functools.partial(guard.admit, settings.get("process_request")),
            "max_size": MOST_BYTES,
        }
        return plain(functools.partial(guard.attend, handler), **settings | ours)

    websockets_server.serve = serve  # pyright: ignore
    try:
        yield
    finally:
        websockets_server.serve = plain


def _is_receipt(message: Message) -> bool:
    return type(message).__name__ == "FileTransferPartAck"
