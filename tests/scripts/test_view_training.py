"""A training that is watched: it takes all its steps, pictures come meanwhile, and a pause is a pause."""

import asyncio
import io
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from omnifield.bench.viewer_client import Arrived, plain_client
from omnifield.scripts.view_training import Watched
from omnifield.train import Budget, FitConfig, begin, fit
from omnifield.train.callbacks import Curve
from omnifield.train.run import Run
from omnifield.viewer.lens import fov_of, pose_of
from PIL import Image
from rich.console import Console

from ..train.sphere_scene import HASH, sphere_scene

SIZE = 64, 48
pytestmark = pytest.mark.filterwarnings("ignore:Queued a .* on a closed connection")


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    scene = sphere_scene(4, 1)
    run = Run(tmp_path, scene, begin(scene, HASH, FitConfig()), {"scene": scene.name})
    told = threading.Event()
    with Watched(run, told, Console(stderr=True), host="127.0.0.1", port=0) as watched:
        yield watched


def looking(watched: Watched, until: threading.Event, pool: ThreadPoolExecutor) -> "Future[list[Arrived]]":
    """What a browser gets that never moves."""
    cameras = watched.run.scene.train[0].cameras

    async def look() -> list[Arrived]:
        async with plain_client(watched.viewer.port, SIZE) as client:
            await client.look(pose_of(cameras, 0), fov_of(cameras))
            while not until.is_set():
                await asyncio.sleep(0.02)
            return client.pictures

    return pool.submit(lambda: asyncio.run(look()))


def train(watched: Watched, steps: int) -> list[int]:
    """The numbers of the steps that were made."""
    taken, run, budget = list[int](), watched.run, Budget(steps=steps)
    callbacks = [Curve(run, budget), lambda progress: taken.append(progress.step), watched]
    fit(run.training, run.scene, budget, callbacks)
    return taken


def test_steps_and_pictures_take_turns(watched: Watched):
    over = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pictures = looking(watched, over, pool)
        taken = train(watched, 16)
        ends = time.monotonic() + 2
        watched.viewer.scheduler.serve(lambda: time.monotonic() > ends)
        over.set()
        came = pictures.result()
    assert taken == list(range(1, 17))
    assert len({picture.jpeg for picture in came}) > 2  # of a field that changes
    assert Image.open(io.BytesIO(came[-1].jpeg)).size == SIZE


def test_a_pause_stops_the_steps_and_lets_the_picture_come_to_full_size(watched: Watched):
    over = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        pictures = looking(watched, over, pool)
        watched.tab.going.clear()
        resumed = pool.submit(lambda: (time.sleep(2), watched.tab.going.set()))
        began = time.monotonic()
        assert train(watched, 2) == [1, 2]
        assert time.monotonic() - began > 1.5 and resumed.result()
        over.set()
        last = pictures.result()[-1]
    assert Image.open(io.BytesIO(last.jpeg)).size == SIZE


def test_a_pause_ends_where_the_training_is_told_to_stop(watched: Watched):
    watched.tab.going.clear()
    watched.told.set()
    assert train(watched, 2) == [1, 2]
