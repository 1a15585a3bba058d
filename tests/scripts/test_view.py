"""`omnifield view` as people use it: the program, what can be looked at in its page, and its end."""

import math
import re
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omnifield.scripts.cli import main
from omnifield.scripts.page_address import how_to_open, page_url

from .browser import (
    FOV,
    ONE,
    OTHER,
    PATIENCE,
    WINDOW,
    choose,
    differ,
    drag,
    fields,
    like,
    needs_browser,
    picture,
    press,
    show,
    type_in,
    unlike,
    viewing,
)

ARROW = (106, 110)  # of the crop box, along z


def place(point: tuple[float, float, float]) -> tuple[float, float]:
    """Where the first camera, at (3, 0, 0), sees a point: pixels of the page."""
    x, y, z = point
    scale = WINDOW["height"] / 2 / math.tan(FOV / 2) / (3 - x)
    return 212 / 2 + y * scale, WINDOW["height"] / 2 - z * scale


@needs_browser
def test_the_picture_follows_the_camera(page: Any):
    still = picture(page)
    drag(page, 120)
    picture(page, unlike(still))
    press(page, "Reset view")
    picture(page, like(still))


@needs_browser
def test_outputs_and_fields_are_switched(page: Any):
    color = picture(page)
    choose(page, "Show", "Depth")
    depth = picture(page, unlike(color))
    choose(page, "Show", "Normals")
    picture(page, unlike(depth, color))
    choose(page, "Show", "Colour")
    picture(page, like(color))
    choose(page, "Field", OTHER)
    began = picture(page, unlike(color))
    type_in(page, "Time", "1")
    picture(page, unlike(began))
    type_in(page, "Time", "0")
    picture(page, like(began))
    choose(page, "Field", ONE)
    picture(page, like(color))


@needs_browser
def test_two_fields_are_compared(page: Any):
    color = picture(page)
    choose(page, "With", OTHER)
    picture(page, lambda now: differ(now[:, :90], color[:, :90]) < 0.2 and unlike(color)(now))
    choose(page, "How", "Difference")
    picture(page, lambda now: now[-1, 0].max() < 10)  # the background is the same in both: black
    choose(page, "How", "Split")
    choose(page, "With", "nothing")
    picture(page, like(color))


@needs_browser
def test_a_crop_box_hides_what_is_outside(page: Any):
    """In numbers, and dragged by the arrow along z, which leads up."""
    color = picture(page)
    page.get_by_label("Cut", exact=True).click()
    picture(page, unlike(color))  # the handles stand before it
    drag(page, 0, ARROW, 60)
    page.wait_for_function(
        "field => Number(field.value) < 0", arg=fields(page, "Centre").nth(2).element_handle()
    )
    press(page, "Whole scene")
    page.get_by_label("Handles", exact=True).click()
    picture(page, like(color))
    type_in(page, "Size", "0.3")
    picture(page, unlike(color))
    press(page, "Whole scene")
    for name in ("Handles", "Cut"):
        page.get_by_label(name, exact=True).click()
    picture(page, like(color))


@needs_browser
def test_a_click_on_a_training_camera_goes_there(page: Any):
    still = picture(page)
    page.get_by_label("Show them", exact=True).click()
    page.get_by_text("Thumbnails of the training cameras").wait_for(state="detached")
    shown = picture(page, unlike(still))
    page.mouse.click(*place((-1.4, 0.4, 0.9)))
    picture(page, unlike(still, shown))
    page.get_by_label("Show them", exact=True).click()
    type_in(page, "Look from", "0")
    picture(page, like(still))


@needs_browser
def test_a_click_on_a_surface_is_what_one_turns_around(page: Any):
    still = picture(page)
    page.keyboard.down("Control")
    page.mouse.click(*place((0.0, -0.2, -0.2)))
    page.keyboard.up("Control")
    picture(page, unlike(still))
    press(page, "Reset view")
    picture(page, like(still))
    press(page, "Turn around a point")
    page.get_by_text("Click a surface in the picture").wait_for(state="attached")
    page.mouse.click(10, 10)
    page.get_by_text("That click met no surface").wait_for(state="attached")
    choose(page, "Up axis", "+y")
    picture(page, unlike(still))
    choose(page, "Up axis", "+z")
    press(page, "Reset view")
    picture(page, like(still))


@needs_browser
def test_a_tab_stays_through_a_reload_and_an_end_of_the_program(browser: Any, tmp_path: Path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    page = browser.new_page(viewport=WINDOW)
    page.set_default_timeout(PATIENCE)
    with viewing(tmp_path, port) as program:
        show(page, program.url)
        still = picture(page)
        choose(page, "Show", "Depth")
        depth = picture(page, unlike(still))
        page.reload()
        picture(page, like(depth))
    with viewing(tmp_path, port):
        picture(page, like(still))
    page.close()


def seconds_to_end(tmp_path: Path) -> float:
    with viewing(tmp_path) as program:
        began = time.monotonic()
        program.process.send_signal(signal.SIGINT)
        assert program.process.wait(10) == 0
        return time.monotonic() - began


def test_ctrl_c_ends_it(tmp_path: Path):
    seconds_to_end(tmp_path)


@pytest.mark.slow  # not for its time, but for its limit: beside other tests it took 2.2 s
def test_ctrl_c_ends_it_within_two_seconds(tmp_path: Path):
    assert seconds_to_end(tmp_path) < 2


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--port", "99999"], "--port must be from 0 to 65535, not 99999."),
        (["--port", "-5"], "--port must be from 0 to 65535, not -5."),
        (["--host", "no such host"], "--host 'no such host' is neither an IP address nor a name"),
        (["--host", "192.0.2.1"], "--host 192.0.2.1 is an address of another machine"),
    ],
)
def test_where_nobody_can_listen_is_said_before_anything_is_written(
    ball_file: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    words: str,
):
    for command in (
        ["view", str(ball_file())],
        ["train", "demo", "--viewer", "--run-dir", str(tmp_path / "new")],
    ):
        monkeypatch.setattr("sys.argv", ["omnifield", *command, *flags])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr().err.strip()
        assert ended.value.code == 2 and re.fullmatch(r"omnifield: [^\n]+\.", said) and words in said
    assert not (tmp_path / "new").exists()


def test_a_training_that_would_be_watched_at_a_taken_port_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = ["train", "demo", "--viewer", "--run-dir", str(tmp_path / "new")]
        monkeypatch.setattr("sys.argv", ["omnifield", *command, "--port", str(taken.getsockname()[1])])
        with pytest.raises(SystemExit) as ended:
            main()
    assert ended.value.code == 2 and "is taken by another program" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_addresses_are_ones_that_a_browser_takes():
    assert page_url("127.0.0.1", 80) == page_url("0.0.0.0", 80) == "http://localhost:80"
    assert page_url("fd00::7", 80) == "http://[fd00::7]:80"
    assert socket.gethostname() in how_to_open("0.0.0.0", 80)[1]
