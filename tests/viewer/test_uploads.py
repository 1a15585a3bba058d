"""Files from browsers: bounded while they come, gone with their browser, and read as data that may be anything."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import viser
from omnifield.bench.viewer_client import PlainClient, plain_client
from omnifield.scripts.view_tools import write_route
from omnifield.viewer import guard, uploads
from omnifield.viewer.lens import pose_of
from omnifield.viewer.page import Page
from omnifield.viewer.route import Key, Route

from .conftest import cameras
from .visiting import SIZE, controls, number_of, said, seen, until, visit

pytestmark = pytest.mark.filterwarnings("ignore:Queued a .* on a closed connection")


async def announce(page: Page, client: PlainClient, transfer: str, size: int, parts: int) -> None:
    upload = next(
        control for control in controls(page).values() if isinstance(control, viser.GuiUploadButtonHandle)
    )
    message = {"type": "FileTransferStartUpload", "source_component_uuid": number_of(page, upload)}
    message |= {"transfer_uuid": transfer, "filename": "a.json", "mime_type": "", "part_count": parts}
    await client.send(message | {"size_bytes": size})


async def part(client: PlainClient, transfer: str, number: int, content: bytes) -> None:
    message = {"type": "FileTransferPart", "source_component_uuid": None, "transfer_uuid": transfer}
    await client.send(message | {"part_index": number, "content": content})


def held(page: Page) -> dict[str, int]:
    """What viser holds of unfinished files: bytes of each."""
    states = page.viewer.server.gui._current_file_upload_states
    return {transfer: sum(map(len, state["parts"].values())) for transfer, state in states.items()}


def a_path(folder: Path, **other: Any) -> bytes:
    keys = tuple(Key(pose_of(cameras(), view), 40.0) for view in range(3))
    settings = {"seconds": 1.0, "fps": 10.0, "size": (64, 48), "keys": keys} | other
    write_route(folder / "sent.json", Route(**settings))
    return (folder / "sent.json").read_bytes()


def test_a_file_in_parts_arrives(tmp_path: Path):
    content = a_path(tmp_path)

    async def scene(page: Page, client: PlainClient) -> None:
        size = -(-len(content) // 3)
        await announce(page, client, "a", len(content), 3)
        for number in (2, 0, 0, 1):  # in any order; what comes twice counts once
            await part(client, "a", number, content[number * size : (number + 1) * size])
        await until(lambda: page.path.seconds.value == 1.0 and page.path.fov.value == 40.0)
        assert held(page) == {} and len(page.path.keys) == 3

    visit(tmp_path, scene)


def test_a_file_that_is_too_large_is_refused_before_it_comes(tmp_path: Path):
    async def scene(page: Page, client: PlainClient) -> None:
        await announce(page, client, "a", uploads.MOST_BYTES + 1, 41)
        await part(client, "a", 0, b"\0" * 1000)
        await until(lambda: any("larger than 20 MiB" in words for words in said(client)))
        assert held(page) == {}

    visit(tmp_path, scene)


def test_a_file_never_takes_more_than_was_announced(tmp_path: Path):
    async def scene(page: Page, client: PlainClient) -> None:
        await announce(page, client, "a", 5000, 1000)
        for number in range(10):
            await part(client, "a", number, b"\0" * 1000)
        await seen(page, client)
        assert held(page) == {}
        for size, parts in (
            (10, 10**9),
            (10, 0),
            (0, 3),
            (-1, 1),
            (1 << 62, 1),
            (uploads.MOST_BYTES, 1 << 20),
        ):
            await announce(page, client, "b", size, parts)
            await part(client, "b", 0, b"\0" * 1000)
        await announce(page, client, "c", 10, 10)
        for number in (*range(10), 10, 1 << 62):
            await part(client, "c", number, b"")  # fewer than announced
        await seen(page, client)
        assert held(page) == {}

    visit(tmp_path, scene)


def test_files_that_are_never_finished_are_few_and_go_with_their_browsers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(guard, "MOST_PRESSES", 1000)

    async def scene(page: Page, client: PlainClient) -> None:
        for number in range(50):
            await announce(page, client, f"mine {number}", 1000, 2)
            await part(client, f"mine {number}", 0, b"\0" * 10)
        await seen(page, client)
        assert held(page) == {"mine 49": 10}  # one of each browser
        crowd = [await stack_up(page, f"other {number}") for number in range(uploads.AT_ONCE + 2)]
        assert len(held(page)) == uploads.AT_ONCE
        await part(crowd[0][0], "mine 49", 1, b"\0" * 990)  # no part of anybody else's
        await seen(page, client)
        assert held(page)["mine 49"] == 10
        for _, gone in crowd:
            await gone()
        await until(lambda: len(held(page)) == 1)

    page = visit(tmp_path, scene)
    assert held(page) == {}


async def stack_up(page: Page, transfer: str) -> tuple[PlainClient, Callable[[], Awaitable[None]]]:
    context = plain_client(page.viewer.port, SIZE)
    client = await context.__aenter__()
    await seen(page, client)
    await announce(page, client, transfer, 1000, 2)
    await part(client, transfer, 0, b"\0" * 10)
    await seen(page, client)
    return client, lambda: context.__aexit__(None, None, None)


def test_whoever_sends_no_camera_sends_no_file(tmp_path: Path):
    """viser forgets the files only of those who did."""

    async def scene(page: Page, client: PlainClient) -> None:
        async with plain_client(page.viewer.port, SIZE) as blind:
            await announce(page, blind, "a", 1000, 2)
            await part(blind, "a", 0, b"\0")
            await asyncio.wait_for(await blind.connection.ping(), 10)
            await seen(page, client)
            assert held(page) == {}

    visit(tmp_path, scene)


def test_receipts_of_files_do_not_pile_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(guard, "MOST_PRESSES", 1000)

    async def scene(page: Page, client: PlainClient) -> None:
        buffer = page.viewer.server._websock_server._broadcast_buffer
        for number in range(30):
            await announce(page, client, str(number), 4, 2)
            await part(client, str(number), 0, b"no")
            await part(client, str(number), 1, b"ne")
        await seen(page, client)
        names = [type(message).__name__ for message in list(buffer.message_from_id.values())]
        assert names.count("FileTransferPartAck") <= 2

    visit(tmp_path, scene)


def test_a_path_that_the_controls_could_not_show_is_refused_in_words(tmp_path: Path):
    far = Key(np.concatenate([np.eye(3), np.full((3, 1), 1e12)], 1), 40.0)
    near = Key(np.eye(4)[:3], 40.0)
    wrong = {
        "700 seconds": {"seconds": 700.0, "fps": 1.0},
        "240 frames per second": {"fps": 240.0},
        "8192 pixels": {"size": (8192, 64)},
        "1e+12 world units": {"keys": (near, far)},
        "179 degrees": {"keys": (near, Key(near.pose, 179.0))},
        "1001 keys": {"keys": (near,) * 1001},
    }

    async def scene(page: Page, client: PlainClient) -> None:
        for number, (words, other) in enumerate(wrong.items()):
            content = a_path(tmp_path, **other)
            await announce(page, client, str(number), len(content), 1)
            await part(client, str(number), 0, content)
            await until(lambda words=words: any(words in each for each in said(client)))
        assert page.path.keys == [] and page.path.seconds.value == 4.0

    visit(tmp_path, scene)
