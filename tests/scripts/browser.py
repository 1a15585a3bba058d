"""A viewer as a program, and its page in Chromium, for all the tests that look at it."""

import io
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omnifield.fields import CamConfig, HashConfig
from omnifield.renderers import OccupancyConfig
from omnifield.scenes import Box, pinhole
from omnifield.train.field_file import TrainedField, save_field
from PIL import Image

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SOFTWARE = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
]
MAIN = "from omnifield.scripts.cli import main; main()"
BOX = Box((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0))
FOV = 0.7
PATIENCE = 150_000  # milliseconds; nothing takes so long but on a busy machine
WINDOW = {"width": 600, "height": 460}
PICTURE = {"x": 0, "y": 0, "width": 200, "height": 460}  # left of the panel
NO_NOTIFICATIONS = """addEventListener("DOMContentLoaded", () => {
    const style = document.createElement("style")
    style.textContent = ".mantine-Notifications-root * { visibility: hidden !important }"
    document.head.append(style)
})"""
ONE, OTHER = "hash · lumps", "cam · lumps"

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: `make install-browser`")


@dataclass
class Program:
    process: subprocess.Popen[str]
    url: str
    folder: Path


def small_field(path: Path, config: HashConfig | CamConfig) -> None:
    """Two lumps of fog in the middle of the box: untrained, but nothing else, and it looks different from each side.
    Three cameras, of which the first sees the third."""
    torch.manual_seed(0)
    field, occupancy = config.build(BOX), OccupancyConfig().build(BOX)
    for parameter in field.parameters():
        parameter.data.add_(torch.randn_like(parameter))
    middle = torch.zeros(occupancy.resolution, occupancy.resolution, occupancy.resolution, dtype=torch.bool)
    third = occupancy.resolution // 3
    middle[third : 2 * third, third : third * 3 // 2, third : 2 * third] = True
    middle[third : third * 3 // 2, third : 2 * third, third : third * 3 // 2] = True
    occupancy.restrict(middle.reshape(-1))
    poses = torch.tensor(
        [
            [[0.0, 0, 1, 3], [1, 0, 0, 0], [0, 1, 0, 0]],
            [[-1.0, 0, 0, 0], [0, 0, 1, 3], [0, 1, 0, 0]],
            [[0.0, 0, -1, -1.5], [-1, 0, 0, 0.4], [0, 1, 0, 0.9]],
        ]
    )
    cameras = replace(pinhole(poses, (64, 48), FOV, 0.1), time=torch.tensor([0.0, 0.5, 1.0]))
    thumbnail = torch.zeros(4, 4, 3, dtype=torch.uint8)
    provenance = {"scene": "lumps", "seconds": 1.0, "steps": 7}
    save_field(
        path, TrainedField(field, occupancy, (cameras,), (1.0, 1.0, 1.0), torch.eye(4), provenance, thumbnail)
    )


@contextmanager
def viewing(folder: Path, port: int = 0) -> Iterator[Program]:
    """`omnifield view` of two fields, of which the second moves."""
    files = folder / "field.safetensors", folder / "other.safetensors"
    if not files[0].exists():
        small_field(files[0], HashConfig(**HashConfig.PRESETS["tiny"]))
        small_field(files[1], replace(CamConfig(**CamConfig.PRESETS["tiny"]), coordinate="time"))
        (folder / "curve.json").write_text('[{"seconds": 1, "psnr": 20}, {"seconds": 2, "psnr": 25}]')
    with showing(folder, files, port) as program:
        yield program


@contextmanager
def showing(folder: Path, files: Sequence[Path], port: int = 0) -> Iterator[Program]:
    """`omnifield view` of files. On one thread: while others compute on the same cores, threads that wait for one
    another are ten times as slow."""
    command = [sys.executable, "-c", MAIN, "view", *map(str, files), "--port", str(port)]
    alone = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=alone) as process:
        try:
            assert process.stderr is not None
            lines = iter(process.stderr.readline, "")
            url = next(found[0] for line in lines if (found := re.search(r"http://\S+", line)))
            assert "ssh -L" in next(lines)
            # Or it would wait for a reader one day.
            threading.Thread(target=process.stderr.read, daemon=True).start()
            yield Program(process, url, folder)
        finally:  # or a test that fails would wait for its end for ever
            process.kill()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with viewing(tmp_path_factory.mktemp("run")) as program:
        yield program


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Of a module and not of a session: while it is open no other test can run an event loop of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SOFTWARE)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def opened(browser: Any, program: Program) -> Any:
    page = browser.new_page(viewport=WINDOW, accept_downloads=True)
    page.set_default_timeout(PATIENCE)
    show(page, program.url)
    for folder in ("Camera", "Crop box", "Training cameras"):
        page.get_by_text(folder, exact=True).click()
    return page


@pytest.fixture
def page(opened: Any) -> Any:
    """As a person finds it who has just come: the first tab, the first view."""
    tab(opened, "View")
    press(opened, "Reset view")
    return opened


def show(page: Any, url: str) -> None:
    """The page at the sharpness of its window: viser lowers it in a browser that has no GPU, which changes pictures."""
    page.add_init_script(NO_NOTIFICATIONS)
    page.goto(f"{url}/?fixedDpr=1")
    page.get_by_text("Background").wait_for()


def picture(page: Any, good: Callable[[np.ndarray], bool] = lambda now: True) -> np.ndarray:
    """The left of the page, where nothing but the picture is, once it is finished, at rest and as it should be. The
    page says that it is finished before the browser has decoded it: so it has to stand for a moment."""
    shots, ends = [], time.monotonic() + PATIENCE / 1000
    while time.monotonic() < ends:
        shots = [*shots[-3:], screen(page)] if finished(page) else []
        if len(shots) == 4 and all(np.array_equal(shots[0], shot) for shot in shots):
            if shots[0].std() > 1 and good(shots[0]):
                return shots[0]
        page.wait_for_timeout(100)
    raise AssertionError("The picture never came to rest as it should be.")


def screen(page: Any) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(page.screenshot(clip=PICTURE))).convert("RGB")).astype(float)


def finished(page: Any) -> bool:
    """Whether the page says so: the size of a full picture is bold."""
    return page.locator("strong").filter(has_text=re.compile(r"^\d+×\d+$")).count() > 0


def unlike(*others: np.ndarray) -> Callable[[np.ndarray], bool]:
    return lambda now: all(differ(now, other) > 0.2 for other in others)


def like(other: np.ndarray) -> Callable[[np.ndarray], bool]:
    return lambda now: differ(now, other) < 0.2


def differ(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).mean())


def choose(page: Any, label: str, value: str) -> None:
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=value, exact=True).click()


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def fields(page: Any, label: str) -> Any:
    """Where one types, beside a label: one field, or those of a vector."""
    named = page.locator("label", has_text=re.compile(f"^{label}$"))
    return named.locator("xpath=ancestor::div[contains(@class, 'Flex-root')][1]").locator("input:visible")


def type_in(page: Any, label: str, value: str) -> None:
    field = fields(page, label).first
    field.fill(value)
    field.press("Enter")


def drag(page: Any, across: int, begin: tuple[int, int] = (100, 300), down: int = -10) -> None:
    x, y = begin
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + across, y + down, steps=4)
    page.mouse.up()


def tab(page: Any, name: str) -> None:
    """Wherever the panel is scrolled to: its head would stand over the tabs, and get the click."""
    named = page.get_by_role("tab", name=name)
    named.evaluate("tab => tab.scrollIntoView({ block: 'center' })")
    named.click()
