"""Who gets in, and how much they may say there: nothing from other pages, and no more than can be kept."""

import asyncio
import http.client
from pathlib import Path
from typing import Any

import pytest
import viser
from omnifield.bench.viewer_client import PlainClient, plain_client
from omnifield.viewer import guard
from omnifield.viewer.lens import pose_of
from omnifield.viewer.page import Page
from omnifield.viewer.server import Viewer
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from .conftest import Ball, cameras, display
from .visiting import FOV, SIZE, controls, said, seen, set_to, until, visit

pytestmark = pytest.mark.filterwarnings("ignore:Queued a .* on a closed connection")
PROTOCOL: Any = f"viser-v{viser.__version__}"


def test_requests_by_another_name_or_from_another_page_get_403_and_words(tmp_path: Path):
    def get(port: int, **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/", headers=headers)
        answer = connection.getresponse()
        assert answer.status != 200 or "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
        return answer.status, answer.read().decode()

    async def scene(page: Page, client: PlainClient) -> None:
        port = page.viewer.port
        for headers, status in (
            ({}, 200),
            ({"Host": "localhost:9000"}, 200),
            ({"Host": f"localhost:{port}", "Origin": f"http://localhost:{port}"}, 200),
            ({"Host": f"evil.example:{port}"}, 403),
            ({"Origin": "http://evil.example"}, 403),
            ({"Origin": "null"}, 403),
        ):
            got, words = await asyncio.to_thread(get, port, **headers)
            assert got == status and (got == 200 or words.startswith("Refused: "))

    visit(tmp_path, scene)


def test_a_websocket_from_another_page_or_by_another_name_is_refused(tmp_path: Path):
    async def come(port: int, host: str, origin: str | None) -> int:
        address: dict[str, Any] = {"host": "127.0.0.1", "port": port, "subprotocols": [PROTOCOL]}
        try:
            async with connect(f"ws://{host}", origin=origin, **address):
                return 101
        except InvalidStatus as refused:
            assert refused.response.body.startswith(b"Refused: ")
            return refused.response.status_code

    async def scene(page: Page, client: PlainClient) -> None:
        port = page.viewer.port
        for host, origin, status in (
            (f"127.0.0.1:{port}", None, 101),
            ("localhost:9000", "http://localhost:9000", 101),
            (f"evil.example:{port}", None, 403),
            (f"evil.example:{port}", f"http://evil.example:{port}", 403),
            (f"127.0.0.1:{port}", "http://evil.example", 403),
            (f"localhost:{port}", "http://localhost:3000", 403),
            (f"localhost:{port}", "null", 403),
        ):
            assert await come(port, host, origin) == status, (host, origin)

    visit(tmp_path, scene)


def test_a_viser_without_a_place_for_the_gate_is_refused(monkeypatch: pytest.MonkeyPatch):
    """One that serves in another way would let everybody in."""

    class Later:
        def __init__(self, **settings: object) -> None:
            self.gui = None

        def stop(self) -> None:
            pass

    monkeypatch.setattr(viser, "ViserServer", Later)
    with pytest.raises(RuntimeError, match=r"install viser 1\.1"):
        Viewer(display(Ball().subject()), host="127.0.0.1", port=0)


def test_a_message_is_of_bounded_size(tmp_path: Path):
    async def scene(page: Page, client: PlainClient) -> None:
        async with plain_client(page.viewer.port, SIZE) as rude:
            await rude.connection.send(b"\0" * (guard.MOST_BYTES + 1))
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(rude.connection.wait_closed(), 10)
                await rude.connection.send(b"")
        assert rude.connection.close_code == 1009

    visit(tmp_path, scene)


def test_cameras_by_the_thousand_leave_only_the_newest(tmp_path: Path):
    """Nothing is drawn meanwhile: whatever was kept would be there to count."""

    async def scene(page: Page, client: PlainClient) -> None:
        with page.viewer.scheduler.turn("job"):
            loop = page.viewer.server.get_event_loop()
            for number in range(500):
                await client.look(pose_of(cameras(), number % 4), FOV)
            await seen(page, client)
            waiting = sum(map(len, page.viewer.scheduler._waiting.values()))
            assert waiting <= 1 and len(asyncio.all_tasks(loop)) < 30

    visit(tmp_path, scene)


def test_presses_by_the_thousand_are_as_many_as_a_person_s(tmp_path: Path):
    pressed = []

    async def scene(page: Page, client: PlainClient) -> None:
        button = page.viewer.server.gui.add_button("Count")
        button.on_click(lambda event: pressed.append(event))
        began = asyncio.get_running_loop().time()
        for _ in range(1000):
            await set_to(page, client, button, True)
        await seen(page, client)
        seconds = asyncio.get_running_loop().time() - began
        await until(lambda: len(pressed) >= guard.MOST_PRESSES)
        assert len(pressed) <= guard.MOST_PRESSES * (seconds + 1)

    visit(tmp_path, scene)


def test_keys_and_jobs_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("omnifield.viewer.path_tab.MOST_KEYS", 3)
    monkeypatch.setattr("omnifield.viewer.job_board.MOST_JOBS", 2)

    async def scene(page: Page, client: PlainClient) -> None:
        buttons = {control.label: control for control in controls(page).values()}
        while not all(any(words in each for each in said(client)) for words in ("3 keys", "2 jobs")):
            await set_to(page, client, buttons["Add this view"], True)
            await set_to(page, client, buttons["Make"], True)
            await asyncio.sleep(0.2)
        assert len(page.path.keys) == 3 and page.board._rows == 2

    visit(tmp_path, scene)
