"""What a camera turns around, as a browser hears of it: a point on its axis, and only while it rests."""

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
import pytest
from omnifield.bench.viewer_client import PlainClient, plain_client
from omnifield.viewer.lens import pose_of
from omnifield.viewer.orbit_center import REST_SECONDS
from omnifield.viewer.server import Viewer, fly

from .conftest import DISTANCE, RADIUS, Ball, cameras, display, serving

SIZE, FOV = (64, 48), 0.7
RING = cameras(8)
THERE = DISTANCE - RADIUS  # from a camera of the ring to the ball
LONG = 3 * REST_SECONDS
Scene = Callable[[Viewer, PlainClient], Awaitable[None]]


def pose(number: int) -> np.ndarray:
    return pose_of(RING, number)


def visit(ball: Ball, scene: Scene) -> None:
    async def play(viewer: Viewer) -> None:
        async with plain_client(viewer.port, SIZE) as client:
            client.keep_messages = True
            await client.look(pose(0), FOV, THERE)  # home, where a page begins
            await scene(viewer, client)

    viewer = Viewer(display(ball.subject()), host="127.0.0.1", port=0)
    with serving(viewer):
        asyncio.run(asyncio.wait_for(play(viewer), 60))


def centers(client: PlainClient) -> list[np.ndarray]:
    """All that the browser was told since it came; the one of the viewer's home is none of them."""
    told = [m for m in client.messages if m["type"] == "SetCameraLookAtMessage"]
    return [np.array(m["look_at"]) for m in told if not m["initial"]]


async def first_center(client: PlainClient) -> np.ndarray:
    while not centers(client):
        await asyncio.sleep(0.02)
    return centers(client)[0]


@pytest.mark.parametrize("ahead", [0.5, 1.0, 7.0])
def test_a_camera_that_rests_turns_around_what_it_looks_at(ball: Ball, ahead: float):
    async def scene(viewer: Viewer, client: PlainClient) -> None:
        await client.look(pose(1), FOV, ahead)
        found = await first_center(client)
        np.testing.assert_allclose(found, pose(1)[:, 3] - THERE * pose(1)[:, 2], atol=1e-4)
        await client.look(pose(1), FOV, THERE)  # as the browser says it then
        await asyncio.sleep(LONG)
        assert len(centers(client)) == 1

    visit(ball, scene)


def test_a_page_that_has_yet_to_come_home_is_left_alone(ball: Ball):
    """Its own first camera, before it has heard of ours, must not say what the first picture has in its middle."""

    async def play(viewer: Viewer) -> None:
        async with plain_client(viewer.port, SIZE) as client:
            client.keep_messages = True
            sent = await client.look(pose(3), FOV)
            await client.last_picture(sent, LONG, 10)
            assert not centers(client)
            await client.look(pose(0), FOV)
            found = await first_center(client)
            np.testing.assert_allclose(found, pose(0)[:, 3] - THERE * pose(0)[:, 2], atol=1e-4)

    viewer = Viewer(display(ball.subject()), host="127.0.0.1", port=0)
    with serving(viewer):
        asyncio.run(asyncio.wait_for(play(viewer), 60))


def test_a_camera_that_moves_is_left_alone(ball: Ball):
    """Also where its pictures are finished between two of its moves."""

    async def scene(viewer: Viewer, client: PlainClient) -> None:
        for turn in range(20):
            await client.look(pose(turn % 8), FOV)
            await asyncio.sleep(REST_SECONDS / 6)
        assert len(client.pictures) > 5 and not centers(client)
        await client.look(pose(2), FOV)
        found = await first_center(client)
        np.testing.assert_allclose(found, pose(2)[:, 3] - THERE * pose(2)[:, 2], atol=1e-4)

    visit(ball, scene)


def test_where_nothing_is_the_center_stays(ball: Ball):
    away = pose(0).copy()
    away[:, 0], away[:, 2] = -away[:, 0], -away[:, 2]

    async def scene(viewer: Viewer, client: PlainClient) -> None:
        sent = await client.look(away, FOV)
        await client.last_picture(sent, LONG, 10)
        assert not centers(client)

    visit(ball, scene)


def test_what_comes_into_the_middle_of_a_camera_at_rest_is_its_center(ball: Ball):
    """As a training does it: no move of the camera says so, but a new picture."""
    trace = ball.trace
    hidden = {"yes": True}

    def traced(rays, background):
        seen = trace(rays, background)
        if hidden["yes"]:
            seen.opacity.zero_()
        return seen

    ball.trace = traced  # type: ignore[method-assign]

    async def scene(viewer: Viewer, client: PlainClient) -> None:
        sent = await client.look(pose(3), FOV)
        await client.last_picture(sent, LONG, 10)
        assert not centers(client)
        hidden["yes"] = False
        viewer.renderer.learned()
        found = await first_center(client)
        np.testing.assert_allclose(found, pose(3)[:, 3] - THERE * pose(3)[:, 2], atol=1e-4)

    visit(ball, scene)


def test_what_a_person_has_chosen_stays_until_the_camera_turns_around_something_else(ball: Ball):
    async def scene(viewer: Viewer, client: PlainClient) -> None:
        sent = await client.look(pose(0), FOV, THERE)
        await client.last_picture(sent, LONG, 10)
        (handle,) = viewer.server.get_clients().values()
        viewer.turn_around(handle, np.zeros(3))  # the middle of the ball, which nobody sees
        np.testing.assert_array_equal(await first_center(client), np.zeros(3))
        await client.look(pose(5), FOV, DISTANCE)
        await asyncio.sleep(LONG)
        assert len(centers(client)) == 1
        await client.look(pose(5), FOV, DISTANCE + 1)  # shifted, as far as anybody can tell
        await client.look(pose(6), FOV, DISTANCE + 1)
        await asyncio.sleep(LONG)
        np.testing.assert_allclose(centers(client)[1], pose(6)[:, 3] - THERE * pose(6)[:, 2], atol=1e-4)

    visit(ball, scene)


def test_a_camera_that_is_put_elsewhere_is_not_turned_back(ball: Ball):
    """A distance that was asked for the old place is none for the new one, which the browser has yet to confirm."""

    async def scene(viewer: Viewer, client: PlainClient) -> None:
        await client.look(pose(0), FOV)
        await asyncio.sleep(REST_SECONDS / 2)
        (handle,) = viewer.server.get_clients().values()
        fly(handle, pose(3), FOV)
        await asyncio.sleep(LONG)
        np.testing.assert_allclose(centers(client)[-1], pose(3)[:, 3] - 1.0 * pose(3)[:, 2], atol=1e-6)
        await client.look(pose(3), FOV)
        told = len(centers(client))
        while len(centers(client)) == told:
            await asyncio.sleep(0.02)
        np.testing.assert_allclose(centers(client)[-1], pose(3)[:, 3] - THERE * pose(3)[:, 2], atol=1e-4)

    visit(ball, scene)
