"""The page in a browser: what it draws, how it answers, and what it says where it cannot."""

import http.server
import re
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omnifield.export.page_bake import rounded
from omnifield.export.page_file import PageForm, write_page
from omnifield.train.field_file import TrainedField
from scipy.ndimage import distance_transform_cdt

from ..scripts.browser import needs_browser
from .pages import BOX, UNBOUNDED, around, noisy, opened, picture, psnr, rendered

pytestmark = needs_browser
SETTLED = "() => shownPage.display.complete && !shownPage.glide"


@pytest.fixture(scope="module")
def trained() -> TrainedField:
    return noisy(BOX)


@pytest.fixture(scope="module")
def page(browser: Any, trained: TrainedField, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    page = opened(browser, trained, tmp_path_factory.mktemp("page") / "noise.html")
    yield page
    page.close()


@pytest.mark.parametrize(
    "field",
    [
        noisy(BOX),
        noisy(UNBOUNDED),
        noisy(BOX, coarsest_resolution=32, lod_factor=2.0),
        noisy(BOX, coarsest_resolution=32, lod_factor=2.0, density="finest", level_by="spread"),
        noisy(BOX, occupied_share=0.05, color_hidden=10, color_layers=1),
    ],
    ids=["box", "contraction", "levels", "finest density", "small network"],
)
def test_pictures_are_those_of_the_renderer(browser: Any, tmp_path: Path, field: TrainedField):
    page = opened(browser, field, tmp_path / "noise.html")
    field = rounded(field)
    for view in range(3):
        expected = rendered(field, around(), view)
        assert expected.std() > 0.02
        assert psnr(picture(page, around(), view) / 255, expected) > 42
    page.close()


def test_faint_fog_has_its_colour_too(browser: Any, tmp_path: Path):
    """No sample of it is visible by itself."""
    fog = noisy(BOX, occupied_share=1.0)
    state = fog.field.state_dict()
    state["log_density"] = torch.full_like(state["log_density"], 3.2)
    fog.field.load_state_dict(state)
    page = opened(browser, fog, tmp_path / "fog.html")
    expected = rendered(rounded(fog), around(), 0)
    assert 0.006 < np.abs(expected - np.array(fog.background)).max() < 0.03
    assert np.abs(picture(page, around(), 0) / 255 - expected).max() < 0.003
    page.close()


def test_distances_are_counted_along_the_farthest_axis(page: Any):
    cells = np.random.default_rng(0).random((12, 12, 12)) < 0.01
    bits = np.packbits(cells.reshape(-1), bitorder="little")
    found = page.evaluate("bits => Array.from(distancesFrom(bits, 12))", bits.tolist())
    expected = distance_transform_cdt(~cells, "chessboard")
    assert expected.max() > 3 and np.array_equal(np.array(found).reshape(12, 12, 12), expected)


def test_nothing_is_asked_of_a_network(browser: Any, trained: TrainedField, tmp_path: Path):
    write_page(trained, tmp_path / "noise.html")
    page, asked = browser.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((tmp_path / "noise.html").as_uri())
    page.wait_for_selector("#bar", state="visible")
    assert [url for url in asked if not url.startswith("data:")] == [(tmp_path / "noise.html").as_uri()]
    page.close()


def view_of(page: Any) -> dict[str, Any]:
    names = "position, back, right, distance"
    return page.evaluate(f"() => {{ const {{ {names} }} = shownPage.view; return {{ {names} }} }}")


def drag(page: Any, across: int, down: int, **options: Any) -> None:
    page.mouse.move(100, 80)
    page.mouse.down(**options)
    page.mouse.move(100 + across, 80 + down, steps=3)
    page.mouse.up(**options)


def test_hands_move_the_view(page: Any):
    begin = view_of(page)
    pivot = np.subtract(begin["position"], np.multiply(begin["distance"], begin["back"]))
    drag(page, 60, 20)
    turned = view_of(page)
    assert np.abs(np.subtract(turned["back"], begin["back"])).max() > 0.1
    around_it = np.subtract(turned["position"], np.multiply(turned["distance"], turned["back"]))
    assert np.allclose(around_it, pivot, atol=1e-6) and abs(turned["right"][2]) < 1e-6
    page.mouse.wheel(0, 300)
    page.wait_for_function("before => shownPage.view.distance > before * 1.1", arg=begin["distance"])
    zoomed = view_of(page)
    drag(page, 30, 0, button="right")
    panned = view_of(page)
    assert np.allclose(panned["back"], zoomed["back"])
    assert np.abs(np.subtract(panned["position"], zoomed["position"])).max() > 0.05
    page.get_by_label("Back to this camera").click()
    page.wait_for_function(SETTLED)
    assert np.allclose(view_of(page)["position"], begin["position"], atol=1e-5)


def test_two_fingers_zoom(page: Any):
    page.evaluate("shownPage.goTo(0)")
    page.wait_for_function(SETTLED)
    before, session = view_of(page), page.context.new_cdp_session(page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})
    for kind, apart in (("touchStart", [20]), ("touchMove", [40]), ("touchEnd", [])):
        fingers = [{"x": 150 + side * each, "y": 80, "id": side + 1} for each in apart for side in (-1, 1)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
    page.wait_for_function("before => shownPage.view.distance < 0.7 * before", arg=before["distance"])
    after = view_of(page)
    assert np.allclose(after["back"], before["back"]) and after["distance"] > 0.3 * before["distance"]
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": False})


def test_keys_fly(page: Any):
    page.get_by_label("Back to this camera").click()
    page.wait_for_function(SETTLED)
    begin = view_of(page)
    page.locator("#picture").focus()
    page.keyboard.down("w")
    page.wait_for_timeout(300)
    page.keyboard.up("w")
    ahead = np.dot(np.subtract(view_of(page)["position"], begin["position"]), begin["back"])
    assert ahead < -0.05


def test_cameras_are_stops_and_the_screen_shows_them(page: Any, trained: TrainedField):
    page.evaluate("shownPage.goTo(0)")
    page.wait_for_function(SETTLED)
    page.get_by_label("Next camera").click()
    page.wait_for_function(SETTLED)
    assert page.locator("#stop").inner_text() == "Camera 2 of 3"
    assert np.allclose(view_of(page)["position"], [0, 3.5, 0], atol=1e-5)
    shot = page.evaluate(
        """() => { const { shown } = shownPage.display; return [shown.width, shown.height,
            ...shown.pixels()] }"""
    )
    width, height, *pixels = shot
    cameras = around()[1:2].resized(width, height)
    expected = rendered(rounded(trained), cameras, 0)
    assert psnr(np.array(pixels).reshape(height, width, 4)[::-1, :, :3] / 255, expected) > 42
    page.get_by_label("Camera before").click()
    page.get_by_label("Camera before").click()
    assert page.locator("#stop").inner_text() == "Camera 3 of 3"


def test_a_camera_path_is_played(browser: Any, trained: TrainedField, tmp_path: Path):
    page = opened(browser, trained, tmp_path / "path.html", PageForm(path=around()[1:], fps=10.0))
    page.get_by_label("Camera path").click()
    page.wait_for_function("() => shownPage.film === null")
    assert np.allclose(view_of(page)["position"], [-0.5, 0.1, 0.2], atol=1e-5)
    page.close()


def test_the_background_is_chosen(page: Any):
    page.evaluate("shownPage.goTo(0)")
    page.locator("#background").fill("#102030")
    page.wait_for_function(SETTLED)
    corner = page.evaluate("Array.from(shownPage.display.shown.pixels().slice(0, 3))")
    assert corner == [16, 32, 48]


def test_moving_pictures_are_as_sharp_as_there_is_time_for(page: Any):
    shares = page.evaluate(
        """() => { const pace = new Pace(), shares = [];
            for (const time of [400, 400, 400, ...Array(11).fill(5)]) { pace.note(time); shares.push(pace.share) }
            return shares }"""
    )
    assert shares[2] < 0.1 and shares[-1] > 2 * shares[2] and min(shares) > 0.05 and max(shares) <= 1


def test_a_browser_without_webgl2_says_so(browser: Any, trained: TrainedField, tmp_path: Path):
    write_page(trained, tmp_path / "noise.html")
    page = browser.new_page()
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    page.goto((tmp_path / "noise.html").as_uri())
    page.wait_for_function("document.getElementById('doing').textContent.includes('WebGL2')")
    assert page.locator("#bar").is_hidden() and page.locator("#progress").is_hidden()
    page.close()


def test_a_device_with_small_textures_says_so(browser: Any, trained: TrainedField, tmp_path: Path):
    """cesium PR#13235, Photo-Sphere-Viewer#1015: a black picture, and no word."""
    write_page(trained, tmp_path / "noise.html")
    page = browser.new_page()
    page.add_init_script(
        """const asked = WebGL2RenderingContext.prototype.getParameter;
        WebGL2RenderingContext.prototype.getParameter = function (name) {
            return name === this.MAX_3D_TEXTURE_SIZE ? 8 : asked.call(this, name) }"""
    )
    page.goto((tmp_path / "noise.html").as_uri())
    page.wait_for_function("document.getElementById('doing').textContent.includes('3D textures of up to 8³')")
    with pytest.raises(Exception, match="can hold 343 bricks of a scene, and this one has 344"):
        page.evaluate("atlasSize(344, 63)")
    assert page.evaluate("atlasSize(343, 63)") == [7, 7, 7]
    page.close()


def test_a_screen_of_many_pixels_is_drawn_with_fewer(browser: Any, trained: TrainedField, tmp_path: Path):
    """GaussianSplats3D#204: a phone's pixel ratio takes nine times as long."""
    write_page(trained, tmp_path / "noise.html")
    page = browser.new_page(viewport={"width": 1300, "height": 900}, device_scale_factor=3)
    page.goto((tmp_path / "noise.html").as_uri())
    page.wait_for_selector("#bar", state="visible")
    width, height = page.evaluate("async () => (await page).display.size")
    assert 0.99 < width * height / (1920 * 1200) < 1.01 and abs(width / height - 1300 / 900) < 0.01
    page.close()


def test_a_page_that_is_cut_short_says_so(browser: Any, trained: TrainedField, tmp_path: Path):
    write_page(trained, tmp_path / "noise.html")
    text = (tmp_path / "noise.html").read_text()
    cut = re.sub(r'("bytes": )(\d+)', lambda found: f"{found[1]}{int(found[2]) + 1000}", text)
    assert cut != text
    (tmp_path / "cut.html").write_text(cut)
    page = browser.new_page()
    page.goto((tmp_path / "cut.html").as_uri())
    page.wait_for_function("document.getElementById('doing').textContent.includes('damaged')")
    page.close()


def test_a_folder_is_the_same_on_a_server(browser: Any, trained: TrainedField, tmp_path: Path):
    write_page(trained, tmp_path / "site", PageForm(folder=True))
    handler = partial(Quiet, directory=str(tmp_path / "site"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        page.set_default_timeout(150_000)
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        page.wait_for_selector("#bar", state="visible")
        drawn = picture(page, around(), 0) / 255
        page.close()
        server.shutdown()
    assert psnr(drawn, rendered(rounded(trained), around(), 0)) > 42


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        del format, args
