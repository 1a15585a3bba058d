"""How quickly the viewer answers: what a browser gets after its camera moves, measured from a browser's side."""

import asyncio
import io
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from PIL import Image
from rich.console import Console

from ..export.paths import orbit
from ..scenes import Cameras
from ..terminal.bar import counted
from ..train.field_file import TrainedField
from ..viewer.display import Display
from ..viewer.lens import fov_of, pose_of
from ..viewer.server import Viewer
from .machine import slug
from .report import Measured, Sheet, figure, median
from .viewer_client import Arrived, PlainClient, plain_client

TURN = 180  # cameras of a turn around the scene
CAMERAS_PER_SECOND = 50  # what viser's page sends at most
MOVING_SECONDS = 5.0
QUIET_SECONDS = 1.5  # without a picture, after which the last one was the full one
PATIENCE_SECONDS = 60.0
TARGETS = {"first": 0.3, "rate": 8.0, "full": 3.0}
Found = TypeVar("Found")


@dataclass(frozen=True)
class ViewerPlan:
    """How many moves of the camera to take the medians of, in a browser with so many pixels along each side."""

    side: int
    repeats: int


def measure_viewer(plan: ViewerPlan, trained: TrainedField, display: Display, console: Console) -> Measured:
    """Of a display that shows the field. Raises ValueError in the user's words."""
    cameras = orbit(trained, TURN, (plan.side, plan.side))
    figures = served(display, lambda port: _measure(port, cameras, console, plan.repeats))
    facts = _facts(trained) | asdict(plan) | {"targets": TARGETS}
    return Measured(
        slug(f"viewer {facts['scene']} {facts['field']}"), facts | figures, _sheet(facts, figures)
    )


def served(display: Display, measure: Callable[[int], Coroutine[Any, Any, Found]]) -> Found:
    """What was measured from a thread of its own, at the port of a viewer that serves meanwhile."""
    viewer = Viewer(display, host="127.0.0.1", port=0)
    viewer.open()
    with ThreadPoolExecutor(1) as pool:
        measuring = pool.submit(lambda: asyncio.run(measure(viewer.port)))
        viewer.scheduler.serve(measuring.done)
    viewer.close()
    return measuring.result()


async def first_picture(client: PlainClient, cameras: Cameras, place: int) -> tuple[float, float]:
    """When the camera at that place was sent, and the seconds from there to the first picture."""
    sent = await client.look(pose_of(cameras, place), fov_of(cameras))
    return sent, (await client.next_picture(sent, PATIENCE_SECONDS)).at - sent


async def move(client: PlainClient, cameras: Cameras, place: int) -> tuple[float, float]:
    """Seconds from sending the camera at that place to the first picture, and to the full one."""
    sent, first = await first_picture(client, cameras, place)
    last = await client.last_picture(sent, QUIET_SECONDS, PATIENCE_SECONDS)
    if _size(last) != client.size:
        raise ValueError(f"The last picture was of {_size(last)} pixels and not of {client.size}.")
    return first, last.at - sent


async def _measure(port: int, cameras: Cameras, console: Console, repeats: int) -> dict[str, Any]:
    size = cameras.width, cameras.height
    async with plain_client(port, size) as client:
        await move(client, cameras, 0)  # one that does not count
        first, full = [], []
        for turn in counted(range(repeats), repeats, "moves", console):
            times = await move(client, cameras, (turn + 1) * TURN // (repeats + 1))
            first.append(times[0])
            full.append(times[1])
        rate, sizes = await _keep_moving(client, cameras)
    return {
        "first_seconds": median(first),
        "first_seconds_worst": max(first),
        "full_seconds": median(full),
        "full_seconds_worst": max(full),
        "moving_pictures_per_second": rate,
        "moving_side": median([float(width) for width, _ in sizes]),
        "first_seconds_each": first,
        "full_seconds_each": full,
    }


async def _keep_moving(client: PlainClient, cameras: Cameras) -> tuple[float, list[tuple[int, int]]]:
    """Pictures per second while cameras come as fast as a browser sends them, and their sizes."""
    began, sent = time.perf_counter(), 0
    before = len(client.pictures)
    while time.perf_counter() - began < MOVING_SECONDS:
        await client.look(pose_of(cameras, sent % TURN), fov_of(cameras))
        sent += 1
        await asyncio.sleep(max(0.0, began + sent / CAMERAS_PER_SECOND - time.perf_counter()))
    came = [picture for picture in client.pictures[before:] if picture.at < began + MOVING_SECONDS]
    return len(came) / MOVING_SECONDS, [_size(picture) for picture in came]


def _size(picture: Arrived) -> tuple[int, int]:
    return Image.open(io.BytesIO(picture.jpeg)).size


def _facts(trained: TrainedField) -> dict[str, Any]:
    return {
        "scene": str(trained.provenance.get("scene", "field")),
        "field": trained.config.tag,
        "config": asdict(trained.config),
    }


def _sheet(facts: dict[str, Any], figures: dict[str, Any]) -> Sheet:
    side = facts["side"]
    rows = (
        (
            "first picture after a move (s)",
            *(figure(figures[f"first_seconds{end}"]) for end in ("", "_worst")),
            "0.3",
        ),
        (
            f"all {side}×{side} pixels after a move (s)",
            *(figure(figures[f"full_seconds{end}"]) for end in ("", "_worst")),
            "3",
        ),
        ("pictures per second while moving", figure(figures["moving_pictures_per_second"]), "–", "8"),
        ("their width and height", figure(figures["moving_side"]), "–", "–"),
    )
    notes = (
        f"{facts['repeats']} moves from rest to another place on a turn around the scene, "
        f"then {MOVING_SECONDS:g} s of {CAMERAS_PER_SECOND} cameras per second.",
        "Measured by a plain websocket client on the same machine, from sending a camera to having its picture.",
    )
    return Sheet(
        f"The viewer, on a {facts['field']} field of {facts['scene']}",
        ("", "median", "worst", "target"),
        rows,
        notes,
    )
