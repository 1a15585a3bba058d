"""A browser's side of the viewer without a browser: cameras out, pictures in. For measuring it, and for loading it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import viser
import zstandard
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from ..viewer.lens import opencv_from_pose

HEADER = 16  # bytes: two lengths, of the text unpacked and packed
LARGEST = 64 << 20  # bytes of one message


@dataclass(frozen=True)
class Arrived:
    """A picture as it came: when, on `time.perf_counter`'s clock, and the JPEG."""

    at: float
    jpeg: bytes


class PlainClient:
    """Speaks viser's protocol as far as a picture needs it. `messages` counts all that came."""

    def __init__(self, connection: ClientConnection, size: tuple[int, int]) -> None:
        self.connection = connection
        self.size = size
        self.pictures: list[Arrived] = []
        self.messages: list[dict[str, Any]] = []
        self.keep_messages = False

    async def look(self, pose: np.ndarray, fov: float, ahead: float = 1.0) -> float:
        """Send a camera (OpenGL's axes; radians) that turns around a point so far ahead; returns when."""
        position, wxyz = opencv_from_pose(pose)
        message = {
            "type": "ViewerCameraMessage",
            "wxyz": wxyz,
            "position": position,
            "fov": fov,
            "near": 0.01,
            "far": 1000.0,
            "image_width": self.size[0],
            "image_height": self.size[1],
            "look_at": (pose[:, 3] - ahead * pose[:, 2]).tolist(),
            "up_direction": (0.0, 0.0, 1.0),
        }
        sent = time.perf_counter()
        await self.send(message)
        return sent

    async def send(self, message: dict[str, Any]) -> None:
        await self.connection.send(msgspec.msgpack.encode(message))

    async def listen(self) -> None:
        """Until the connection ends."""
        async for raw in self.connection:
            assert isinstance(raw, bytes)
            packed = int.from_bytes(raw[8:HEADER], "little")
            text = zstandard.ZstdDecompressor().decompress(raw[HEADER : HEADER + packed])
            for message in msgspec.msgpack.decode(text)["messages"]:
                if message["type"] == "BackgroundImageMessage":
                    if (
                        message["rgb_data"] is not None
                    ):  # None clears the background, before the first picture
                        self.pictures.append(Arrived(time.perf_counter(), message["rgb_data"]))
                elif self.keep_messages:
                    self.messages.append(message)

    async def next_picture(self, after: float, patience: float) -> Arrived:
        """The first one to come after a moment. Raises TimeoutError where there is none within so many seconds."""
        ends = time.perf_counter() + patience
        while time.perf_counter() < ends:
            for picture in self.pictures:
                if picture.at > after:
                    return picture
            await asyncio.sleep(0.002)
        raise TimeoutError(f"No picture came within {patience:g} s.")

    async def last_picture(self, after: float, quiet: float, patience: float) -> Arrived:
        """The one after which none came for so long."""
        picture = await self.next_picture(after, patience)
        while time.perf_counter() - self.pictures[-1].at < quiet:
            await asyncio.sleep(0.01)
        return self.pictures[-1] if self.pictures[-1].at > after else picture


@asynccontextmanager
async def plain_client(port: int, size: tuple[int, int]) -> AsyncIterator[PlainClient]:
    protocol: Any = f"viser-v{viser.__version__}"
    async with connect(
        f"ws://127.0.0.1:{port}", subprotocols=[protocol], max_size=LARGEST, compression=None
    ) as connection:
        client = PlainClient(connection, size)
        listening = asyncio.create_task(client.listen())
        try:
            yield client
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
                await listening
