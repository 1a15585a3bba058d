"""What is made in the page of `omnifield view`: camera paths, videos, point clouds, other fields; each as a job."""

import json
import re
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest

from .browser import (
    Program,
    choose,
    differ,
    drag,
    fields,
    like,
    needs_browser,
    picture,
    press,
    tab,
    type_in,
    unlike,
)

pytestmark = needs_browser


@pytest.fixture
def path(page: Any) -> Any:
    """The page with a path of two keys, whose video would take a moment."""
    still = picture(page)
    tab(page, "Path")
    page.get_by_role("button", name="Add this view", exact=True).wait_for()
    deleting = page.get_by_role("button", name="Delete", exact=True)
    while deleting.count():  # and no waiting for one: it may be gone with the press before
        deleting.evaluate_all("buttons => buttons.forEach(button => button.click())")
        page.wait_for_timeout(100)
    press(page, "Add this view")
    drag(page, 150)
    picture(page, unlike(still))
    press(page, "Add this view")
    type_in(page, "Seconds", "0.5")
    type_in(page, "Pixels", "64")
    type_in(page, "Frames per second", "10")
    return page


def download(page: Any, file: Path) -> Path:
    with page.expect_download() as coming:
        press(page, "Download")
    coming.value.save_as(file)
    return file


def test_a_video_is_rendered_downloaded_and_plays(path: Any, program: Program, tmp_path: Path):
    press(path, "Render video")
    frames = iio.imread(download(path, tmp_path / "video.mp4"))
    assert len(frames) == 5 and frames.shape[2] == 64
    assert frames.astype(float).std() > 1
    assert (program.folder / "viewer" / "path.mp4").is_file()
    press(path, "Dismiss")


def test_a_job_is_cancelled(path: Any, program: Program):
    type_in(path, "Seconds", "500")
    press(path, "Render video")
    path.get_by_text(re.compile(r"5000 frames, \d+%")).wait_for()
    press(path, "Cancel")
    path.get_by_role("button", name="Cancel").wait_for(state="detached")
    assert not list((program.folder / "viewer").glob(".*"))  # and nothing half-written is left


def test_a_name_that_is_a_path_is_refused(path: Any, program: Program):
    type_in(path, "Name", "../../escaped")
    press(path, "Render video")
    path.get_by_text("is no name for a file").first.wait_for(state="attached")
    assert not list(program.folder.parent.rglob("escaped*"))
    type_in(path, "Name", "path")


@pytest.mark.slow  # not for its time: in one full run the picture never came to rest at the end of the path
def test_a_path_is_played_saved_and_loaded(path: Any, program: Program):
    end = picture(path)
    type_in(path, "Look from", "0.5")
    type_in(path, "Look from", "0")
    begin = picture(path, unlike(end))
    press(path, "Play")
    path.get_by_role("button", name="Stop", exact=True).wait_for(state="detached")
    picture(path, like(end))
    path.get_by_label("Loop", exact=True).click()
    press(path, "Play")
    press(path, "Stop")
    type_in(path, "Chosen", "1")
    type_in(path, "Look from", "0.5")  # a loop is at its second key there, and shows other lines
    end = picture(path, lambda now: differ(now, end) < differ(now, begin) / 4)
    type_in(path, "Look from", "0")
    begin = picture(path, lambda now: differ(now, begin) < differ(now, end) / 4)
    path.get_by_text("Save and load", exact=True).click()
    press(path, "Save")
    saved = path.get_by_label("Saved", exact=True).element_handle()
    path.wait_for_function("field => field.value == 'path'", arg=saved)
    assert '"is_cycle": true' in (program.folder / "viewer" / "path.json").read_text()
    press(path, "Delete")
    path.get_by_role("button", name="Play", exact=True).wait_for(state="hidden")
    press(path, "Load")
    path.get_by_role("button", name="Play", exact=True).wait_for()
    type_in(path, "Look from", "0.5")
    picture(path, like(end))
    type_in(path, "Look from", "0")
    picture(path, like(begin))
    path.get_by_label("Loop", exact=True).click()


def test_a_point_cloud_is_made_and_the_curve_is_shown(page: Any, program: Program, tmp_path: Path):
    import trimesh

    tab(page, "Make")
    press(page, "Make point cloud")
    cloud = trimesh.load(download(page, tmp_path / "points.ply"))
    assert len(cloud.vertices) > 50 and np.abs(cloud.vertices).max() < 1
    press(page, "Dismiss")
    tab(page, "Field")
    page.get_by_text("PSNR of held-out views").wait_for()


def test_a_mesh_is_made(page: Any, program: Program, tmp_path: Path):
    import trimesh

    tab(page, "Make")
    choose(page, "File", "PLY, with coloured vertices")
    press(page, "Make mesh")
    mesh = trimesh.load(download(page, tmp_path / "mesh.ply"))
    assert len(mesh.faces) > 50 and np.abs(mesh.vertices).max() < 1.5
    press(page, "Dismiss")


def test_a_page_is_made_and_cameras_are_saved(page: Any, tmp_path: Path):
    tab(page, "Make")
    choose(page, "Detail", "default")
    seconds = fields(page, "Seconds")
    seconds.last.fill("3")
    seconds.last.press("Enter")
    press(page, "Make web page")
    page.get_by_text(re.compile(r"step \d+, .* dB from its teacher")).wait_for()
    made = download(page, tmp_path / "page.html").read_text()
    assert made.startswith("<!DOCTYPE html>") and made.rstrip().endswith("</html>")
    press(page, "Dismiss")
    press(page, "Save cameras")
    saved = json.loads(download(page, tmp_path / "transforms.json").read_text())
    assert saved["frame"] == "input" and len(saved["frames"]) > 1
    press(page, "Dismiss")


def test_a_field_is_converted_and_compared(page: Any, program: Program):
    color = picture(page)
    tab(page, "Make")
    choose(page, "Into", "vm")
    press(page, "Convert")
    page.get_by_text(re.compile(r"step \d+, .* dB from its teacher")).wait_for()
    press(page, "Cancel")
    page.get_by_role("button", name="Cancel").wait_for(state="detached")
    type_in(page, "Seconds", "5")
    press(page, "Convert")
    page.get_by_role("button", name="Download", exact=True).wait_for()
    assert list((program.folder / "viewer").glob("* as vm.safetensors"))
    press(page, "Dismiss")
    tab(page, "View")
    assert page.get_by_label("With", exact=True).input_value() == "vm · lumps"
    picture(page, unlike(color))
    choose(page, "With", "nothing")
    picture(page, like(color))
