"""What browsers may say: only what the page would, and every number within its bounds."""

import asyncio
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import viser
from omnifield.bench.viewer_client import PlainClient, plain_client
from omnifield.viewer import guard
from omnifield.viewer.lens import opencv_from_pose, pose_of
from omnifield.viewer.page import Page

from .conftest import cameras
from .visiting import FOV, SIZE, controls, seen, set_to, until, visit

pytestmark = pytest.mark.filterwarnings("ignore:Queued a .* on a closed connection")


def camera(**other: object) -> dict[str, Any]:
    position, wxyz = opencv_from_pose(pose_of(cameras(), 0))
    said = {"wxyz": wxyz, "position": position, "fov": FOV, "near": 0.01, "far": 100.0}
    said |= {
        "image_width": 64,
        "image_height": 48,
        "look_at": (0.0, 0.0, 0.0),
        "up_direction": (0.0, 0.0, 1.0),
    }
    return {"type": "ViewerCameraMessage"} | said | other


NAN, INF = math.nan, math.inf
SILLY = [
    *({"image_width": size} for size in (0, -5, 1 << 40, 1.5, NAN, INF, "wide", None, [1])),
    *({"image_height": size} for size in (0, -(1 << 62), 1e300, -INF)),
    {"image_width": 10**9, "image_height": 10**9},
    *({"fov": fov} for fov in (0.0, -1.0, 1e-300, math.pi, 1e9, NAN, INF, "wide")),
    *({"position": place} for place in ((NAN, 0.0, 0.0), (INF, 0, 0), (1e300, 0, 0), (1.0, 2.0), "here")),
    *({"wxyz": turn} for turn in ((0.0,) * 4, (NAN,) * 4, (1e300,) * 4, (1.0,) * 3, (1e-30, 0, 0, 0))),
    *({"look_at": place} for place in ((NAN,) * 3, (1e300,) * 3, opencv_from_pose(pose_of(cameras(), 0))[0])),
    *({"up_direction": up} for up in ((0.0,) * 3, (NAN,) * 3, (INF,) * 3, (1e300, 0, 0))),
    *({"near": NAN}, {"far": INF}, {"near": -1e300}, {"more": "fields"}),
]


def test_cameras_of_any_numbers_are_no_harm(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    async def scene(page: Page, client: PlainClient) -> None:
        for silly in SILLY:
            await client.send(camera(**silly))
            await asyncio.sleep(0.01)  # or the newest would be the only one to be drawn
        await seen(page, client)
        sent = await client.look(pose_of(cameras(), 2), FOV)
        await client.next_picture(sent, 10)
        told = [message for message in client.messages if message["type"] == "NotificationShowMessage"]
        assert not told  # such as that a picture could not be drawn

    visit(tmp_path, scene)
    assert [record.levelname for record in caplog.records] == ["WARNING"]  # once for all


WILD = [
    *(NAN, INF, -INF, 1e300, -1e300, 1 << 63, -1, 0, 0.5, True, None, "", "text", "../../up", "x" * 5000),
    *([], [NAN] * 3, [INF] * 2, [1e300] * 3, [-1e300] * 2, [1, 2, 3, 4], ["a", "b", "c"], {"a": 1}, b"bytes"),
]


def kind(value: Any) -> Any:
    return [type(each) for each in value] if isinstance(value, tuple) else type(value)


def is_within(control: Any) -> bool:
    """Whether a control is set to what a person could have set it to."""
    values = control.value if isinstance(control.value, tuple) else (control.value,)
    if isinstance(control, viser.GuiDropdownHandle | viser.GuiButtonGroupHandle):
        return control.value in control.options
    if isinstance(control, viser.GuiTextHandle):
        return len(control.value) <= 200
    if isinstance(control, viser.GuiRgbHandle):
        return all(0 <= value <= 255 for value in values)
    if isinstance(control, viser.GuiCheckboxHandle | viser.GuiUploadButtonHandle):
        return True
    lows, highs = (np.broadcast_to(limit, len(values)) for limit in (control.min, control.max))
    return all(
        abs(value) <= 1e9 and (low is None or value >= low) and (high is None or value <= high)
        for value, low, high in zip(values, lows, highs, strict=True)
    )


def test_no_control_can_be_set_out_of_its_limits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
):
    async def scene(page: Page, client: PlainClient) -> None:
        inputs = [each for each in controls(page).values() if not isinstance(each, viser.GuiButtonHandle)]
        kinds = [kind(control.value) for control in inputs]
        for wild in WILD:
            for control in inputs:
                await set_to(page, client, control, wild)
            await seen(page, client)
            assert [kind(control.value) for control in inputs] == kinds, wild
            assert all(map(is_within, inputs)), wild
        assert 128 <= page.viewer.display.look.longest_side <= 2048

    visit(tmp_path, scene)
    assert {record.name for record in caplog.records} == {guard.__name__}
    assert "Traceback" not in capfd.readouterr().err


def test_a_number_beyond_a_limit_is_the_limit_and_every_browser_hears_it(tmp_path: Path):
    async def scene(page: Page, client: PlainClient) -> None:
        async with plain_client(page.viewer.port, SIZE) as other:
            other.keep_messages = True
            await other.look(pose_of(cameras(), 1), FOV)

            def heard() -> list:
                return [m["updates"].get("value") for m in other.messages if m["type"] == "GuiUpdateMessage"]

            await set_to(page, client, page.view.sharp, 1e6)
            await until(lambda: 2048 in heard())
            for control, value, is_then in (
                (page.view.sharp, 512, 512),
                (page.path.seconds, -3, 0.1),
                (page.path.seconds, 7.5, 7.5),
                (page.view.background, [300, -4, 17.2], (255, 0, 17)),
                (page.view.crop.size, [0, 2.0, 1e30], (page.view.crop.size.min[0], 2.0, 1e9)),
                (page.view.output, "Depth", "Depth"),
            ):
                await set_to(page, client, control, value)
                await until(lambda control=control, is_then=is_then: control.value == is_then)
            assert 1e6 not in heard()

    visit(tmp_path, scene)


def test_of_a_control_only_its_value_can_be_set(tmp_path: Path):
    async def scene(page: Page, client: PlainClient) -> None:
        inside = vars(page.view.sharp._impl)
        before = inside | {"update_cb": list(inside["update_cb"])}
        for attribute in (*inside, "__class__", "nothing"):
            await set_to(page, client, page.view.sharp, [], attribute)
        await seen(page, client)
        assert vars(page.view.sharp._impl) == before

    visit(tmp_path, scene)


def test_what_the_page_never_says_goes_no_further(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    async def scene(page: Page, client: PlainClient) -> None:
        buffer = page.viewer.server._websock_server._broadcast_buffer
        place, ahead = (3.0, 0.0, 0.0), (-1.0, 0.0, 0.0)
        pointer = {"type": "ScenePointerMessage", "event_type": "click", "modifier": "cmd/ctrl"}
        pointer |= {"ray_origin": place, "ray_direction": ahead, "screen_pos": [[0.5, 0.5]]}
        crop = {"type": "TransformControlsUpdateMessage", "name": "/crop", "owner": ""}
        crop |= {"wxyz": (1.0, 0.0, 0.0, 0.0), "position": (0.0, 0.0, 0.0)}
        await seen(page, client)
        before = len(buffer.message_from_id)
        for number in range(50):
            await client.send({"type": "GuiFormDirtyMessage", "uuid": str(number)})
        for message in (
            *({"type": "ShareUrlRequest"}, {"type": "ShareUrlDisconnect"}),
            {"type": "GuiFormSubmitMessage", "uuid": "x"},
            *(
                {"type": "RunJavascriptMessage", "source": "1"},
                {"type": "CommandTriggerMessage", "uuid": "x"},
            ),
            *(pointer | {"ray_direction": ray} for ray in ((0.0,) * 3, (NAN,) * 3, (1.0,), None)),
            *(pointer | {"ray_origin": (INF, 0.0, 0.0)}, pointer | {"screen_pos": []}),
            pointer | {"event_type": "rect-select"},
            *(crop | {"position": place} for place in ((NAN,) * 3, (INF,) * 3, (1.0,))),
            *(crop | {"wxyz": turn} for turn in ((0.0,) * 4, (NAN,) * 4)),
            {"type": "GuiUpdateMessage"},
            {"type": ["GuiUpdateMessage"]},
            {},
        ):
            await client.send(message)
        for raw in (b"", b"\xc1", b"\x91" * 100_000, "text"):
            await client.connection.send(raw)
        await seen(page, client)
        assert len(buffer.message_from_id) == before
        assert page.view.crop.center.value == (0.0, 0.0, 0.0)
        await client.send(crop | {"position": (1e30, 0.5, 0.0)})
        await until(lambda: page.view.crop.center.value == (1e9, 0.5, 0.0))

    visit(tmp_path, scene)
    assert "Traceback" not in capfd.readouterr().err
