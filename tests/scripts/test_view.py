"""`omnifield view` as people use it: the program, its page in a real browser, and its end."""

import io
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import torch
from omnifield.fields import HashConfig
from omnifield.renderers import OccupancyGrid
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
PATIENCE = 30_000  # milliseconds
PICTURE = {"x": 0, "y": 180, "width": 300, "height": 270}  # below the notifications, left of the panel

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: `make install-browser`")


@dataclass
class Program:
    process: subprocess.Popen[str]
    url: str
    folder: Path


def small_field(path: Path, seed: int) -> None:
    """Two lumps of fog in the middle of the box: untrained, but nothing else, and it looks different from each side."""
    torch.manual_seed(seed)
    config = HashConfig(**HashConfig.PRESETS["tiny"])
    field, occupancy = config.build(BOX), OccupancyGrid(BOX)
    for parameter in field.parameters():
        parameter.data.add_(torch.randn_like(parameter) * 0.5)
    middle = torch.zeros(occupancy.resolution, occupancy.resolution, occupancy.resolution, dtype=torch.bool)
    third = occupancy.resolution // 3
    middle[third : 2 * third, third : third * 3 // 2, third : 2 * third] = True
    middle[third : third * 3 // 2, third : 2 * third, third : third * 3 // 2] = True
    occupancy.restrict(middle.reshape(-1))
    poses = torch.tensor(
        [[[0.0, 0, 1, 3], [1, 0, 0, 0], [0, 1, 0, 0]], [[-1.0, 0, 0, 0], [0, 0, 1, 3], [0, 1, 0, 0]]]
    )
    cameras = pinhole(poses, (64, 48), 0.7, 0.1)
    thumbnail = torch.zeros(4, 4, 3, dtype=torch.uint8)
    provenance = {"scene": "lumps", "seconds": 1.0, "steps": 7}
    save_field(
        path, TrainedField(field, occupancy, cameras, (1.0, 1.0, 1.0), torch.eye(4), provenance, thumbnail)
    )


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    folder = tmp_path_factory.mktemp("run")
    files = [folder / "field.safetensors", folder / "other.safetensors"]
    for seed, file in enumerate(files):
        small_field(file, seed)
    (folder / "curve.json").write_text('[{"seconds": 1, "psnr": 20}, {"seconds": 2, "psnr": 25}]')
    command = [sys.executable, "-c", MAIN, "view", *map(str, files), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        url = next(found[0] for line in lines if (found := re.search(r"http://\S+", line)))
        assert "ssh -L" in next(lines)
        yield Program(process, url, folder)
        process.kill()


@pytest.fixture(scope="module")
def page(program: Program):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SOFTWARE)
        page = browser.new_page(viewport={"width": 700, "height": 460}, accept_downloads=True)
        page.set_default_timeout(PATIENCE)
        page.goto(program.url)
        page.get_by_text("Background").wait_for()
        yield page
        browser.close()


def picture(page, good: Callable[[np.ndarray], bool] = lambda now: True) -> np.ndarray:
    """The left of the page, where nothing but the picture is, once it has stopped changing and is as it should be."""
    before, ends = None, time.monotonic() + PATIENCE / 1000
    while time.monotonic() < ends:
        now = np.asarray(Image.open(io.BytesIO(page.screenshot(clip=PICTURE))).convert("RGB")).astype(float)
        rests = before is not None and np.abs(now - before).max() == 0
        if rests and now.std() > 1 and good(now):
            return now
        before = now
        page.wait_for_timeout(300)
    raise AssertionError("The picture never came to rest as it should be.")


def unlike(other: np.ndarray) -> Callable[[np.ndarray], bool]:
    return lambda now: differ(now, other) > 0.2


def like(other: np.ndarray) -> Callable[[np.ndarray], bool]:
    return lambda now: differ(now, other) < 0.2


def differ(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).mean())


def choose(page, label: str, value: str) -> None:
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=value, exact=True).click()


def drag(page, across: int) -> None:
    page.mouse.move(100, 300)
    page.mouse.down()
    page.mouse.move(100 + across, 290, steps=4)
    page.mouse.up()


def tab(page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


@pytest.mark.slow
@needs_browser
def test_the_picture_follows_the_camera(page):
    still = picture(page)
    drag(page, 120)
    picture(page, unlike(still))


@pytest.mark.slow
@needs_browser
def test_outputs_and_fields_are_switched(page):
    color = picture(page)
    choose(page, "Show", "Depth")
    depth = picture(page, unlike(color))
    choose(page, "Show", "Normals")
    picture(page, lambda now: unlike(depth)(now) and unlike(color)(now))
    choose(page, "Show", "Colour")
    picture(page, like(color))
    choose(page, "Field", "hash · lumps #2")
    picture(page, unlike(color))
    choose(page, "Field", "hash · lumps")
    picture(page, like(color))


@pytest.mark.slow
@needs_browser
def test_two_fields_are_compared(page):
    color = picture(page)
    choose(page, "With", "hash · lumps #2")
    picture(page, lambda now: differ(now[:, :100], color[:, :100]) < 0.2 and unlike(color)(now))
    choose(page, "How", "Difference")
    picture(page, lambda now: now[-1, 0].max() < 10)  # the background is the same in both: black
    choose(page, "How", "Split")
    choose(page, "With", "nothing")
    picture(page, like(color))


@pytest.mark.slow
@needs_browser
def test_a_crop_box_hides_what_is_outside(page):
    color = picture(page)
    page.get_by_text("Crop box", exact=True).click()
    page.get_by_label("Handles in the picture").click()
    page.get_by_label("Hide what is outside").click()
    page.get_by_label("Size", exact=True).fill("0.3")
    page.keyboard.press("Enter")
    picture(page, unlike(color))
    page.get_by_label("Hide what is outside").click()
    picture(page, like(color))


@pytest.mark.slow
@needs_browser
def test_a_video_is_rendered_downloaded_and_plays(page, program: Program, tmp_path: Path):
    tab(page, "Path")
    page.get_by_role("button", name="Add this view").click()
    drag(page, 150)
    picture(page)
    page.get_by_role("button", name="Add this view").click()
    page.get_by_label("Seconds").fill("0.5")
    page.get_by_label("Pixels").fill("64")
    page.get_by_label("Frames per second").fill("10")
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    page.get_by_role("button", name="Render video").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    download.value.save_as(tmp_path / "video.mp4")
    frames = iio.imread(tmp_path / "video.mp4")
    assert len(frames) == 5 and frames.shape[2] == 64
    assert frames.astype(float).std() > 1
    assert (program.folder / "viewer" / "path.mp4").is_file()
    page.get_by_role("button", name="Dismiss").click()


@pytest.mark.slow
@needs_browser
def test_a_job_is_cancelled(page, program: Program):
    page.get_by_label("Seconds").fill("500")
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    page.get_by_role("button", name="Render video").click()
    page.get_by_text(re.compile(r"5000 frames, \d+%")).wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel").wait_for(state="detached")
    assert not list((program.folder / "viewer").glob(".*"))  # and nothing half-written is left


@pytest.mark.slow
@needs_browser
def test_a_name_that_is_a_path_is_refused_in_the_page(page, program: Program):
    name = page.get_by_label("Name", exact=True).first
    name.fill("../../escaped")
    page.wait_for_timeout(300)
    page.get_by_role("button", name="Render video").click()
    page.get_by_text("is no name for a file").first.wait_for()
    assert not list(program.folder.parent.rglob("escaped*"))
    name.fill("path")


@pytest.mark.slow
@needs_browser
def test_a_point_cloud_is_made_and_the_curve_is_shown(page, program: Program):
    import trimesh

    tab(page, "Make")
    page.get_by_role("button", name="Make point cloud").click()
    page.get_by_role("button", name="Download").wait_for()
    (file,) = (program.folder / "viewer").glob("*.ply")
    cloud = trimesh.load(file)
    assert len(cloud.vertices) > 50 and np.abs(cloud.vertices).max() < 1
    tab(page, "Field")
    page.get_by_text("PSNR of held-out views").wait_for()
    tab(page, "View")


@pytest.mark.slow
@needs_browser
def test_a_tab_that_is_loaded_anew_has_its_picture_and_its_path(page):
    page.reload()
    page.get_by_text("Background").wait_for()
    picture(page)
    tab(page, "Path")
    page.get_by_role("button", name="Render video").wait_for()


def test_ctrl_c_ends_it_within_two_seconds(program: Program):
    began = time.monotonic()
    program.process.send_signal(signal.SIGINT)
    assert program.process.wait(10) == 0
    assert time.monotonic() - began < 2
