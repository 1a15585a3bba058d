"""A whole page, served, and visited by plain websocket clients, who say what no browser would."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from omnifield.bench.viewer_client import PlainClient, plain_client
from omnifield.scenes.world_frames import SAME
from omnifield.scripts.view_tools import tools_for
from omnifield.viewer.lens import pose_of
from omnifield.viewer.make_tab import Action, Made
from omnifield.viewer.page import Page
from omnifield.viewer.server import Viewer

from .conftest import Ball, cameras, display, serving

SIZE, FOV = (64, 48), 0.7
Scene = Callable[[Page, PlainClient], Awaitable[None]]


def visit(folder: Path, scene: Scene, seconds: float = 60) -> Page:
    """A scene with a whole page, and a browser that has sent its first camera. Ends with another one that is served."""

    async def play(page: Page) -> None:
        async with plain_client(page.viewer.port, SIZE) as client:
            client.keep_messages = True
            await seen(page, client)
            await scene(page, client)
        async with plain_client(page.viewer.port, SIZE) as other:
            sent = await other.look(pose_of(cameras(), 1), FOV)
            await other.next_picture(sent, 10)

    made = Action("Make", "", lambda task, scheduler, order: Made(folder), ("one", "two"), "As", 5.0)
    viewer = Viewer(display(Ball().subject("one"), Ball().subject("two")), host="127.0.0.1", port=0)
    page = Page(viewer, tools_for(folder, SAME), (made,))
    with serving(viewer):
        asyncio.run(asyncio.wait_for(play(page), seconds))
    return page


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.01)


async def seen(page: Page, client: PlainClient) -> None:
    """Until all that was sent so far has been dealt with: a camera that comes after it has arrived."""
    seen.turn += 0.01
    await client.look(pose_of(cameras(), 0), FOV + seen.turn)
    renderer = page.viewer.renderer
    await until(lambda: any(c.view and c.view.fov == FOV + seen.turn for c in renderer._clients.values()))


seen.turn = 0.0


def controls(page: Page) -> dict[str, Any]:
    return dict(page.viewer.server.gui._gui_input_handle_from_uuid)


def number_of(page: Page, control: object) -> str:
    return next(number for number, each in controls(page).items() if each is control)


async def set_to(
    page: Page, client: PlainClient, control: object, value: Any, attribute: str = "value"
) -> None:
    updates = {attribute: value}
    await client.send({"type": "GuiUpdateMessage", "uuid": number_of(page, control), "updates": updates})


def said(client: PlainClient) -> list[str]:
    return [m["props"]["body"] for m in client.messages if m["type"] == "NotificationShowMessage"]
