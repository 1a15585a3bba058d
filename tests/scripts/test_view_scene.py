"""`omnifield view DATA`: a data set before there is a field."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from omnifield.datasets import load_scene
from omnifield.scenes import Rays
from omnifield.scenes.rays import no_view
from omnifield.scripts.export import run_export
from omnifield.scripts.flags.export import Export
from omnifield.scripts.view import _shown
from omnifield.scripts.view_scene import nothing_seen, scene_subject
from omnifield.scripts.view_subjects import Library
from rich.console import Console

from .browser import differ, needs_browser, screen, show, showing, tab
from .conftest import COLOR, SIZE


def test_it_shows_the_photographs_and_no_field(lego) -> None:
    data = lego()
    subject = scene_subject(load_scene(data), data)
    assert subject.name == "data · lego" and subject.points is None and subject.photograph is not None
    assert sum(len(cameras) for cameras in subject.cameras) == 6
    for number in (0, 5):  # the first for training, the last of the held-out ones
        picture = subject.photograph(number, SIZE // 2)
        assert picture.shape == (SIZE // 2, SIZE // 2, 3) and picture[0, 0].tolist() == [255, 255, 255]
        middle = picture[SIZE // 4, SIZE // 4]
        assert np.abs(middle.astype(int) - [round(255 * channel) for channel in COLOR]).max() <= 1
    assert "4 pictures for training, 2 held out, of 32×32" in subject.figures


def test_rays_see_the_background() -> None:
    ones = torch.ones(5)
    zeros = torch.zeros(5, 3)
    rays = Rays(
        origins=zeros,
        directions=zeros,
        near=ones,
        far=ones,
        footprint=ones,
        time=ones,
        view=no_view(5, ones.device),
    )
    seen = nothing_seen(rays, torch.tensor([0.1, 0.2, 0.3]))
    assert seen.color.tolist() == [pytest.approx([0.1, 0.2, 0.3])] * 5
    assert not seen.opacity.any() and seen.depth.isinf().all() and not seen.samples.any()


def test_pictures_without_a_place_are_named(lego) -> None:
    data = lego()
    scene = load_scene(data)
    (data / "process.json").write_text(json.dumps({"unplaced": [f"{i}.jpg" for i in range(23)]}))
    assert "found no place: `0.jpg`, `1.jpg`" in scene_subject(scene, data).figures
    assert "`19.jpg` and 3 more" in scene_subject(scene, data).figures
    (data / "process.json").write_text("damaged")
    assert "no place" not in scene_subject(scene, data).figures


def test_nothing_can_be_made_of_it(lego) -> None:
    data, library = lego(), Library()
    subject = library.add_scene(scene_subject(load_scene(data), data))
    with pytest.raises(ValueError, match=r"data · lego is a data set: there is no field yet"):
        library.find(subject.name)


def test_a_run_with_its_exported_cameras_is_no_data_set(ball_file) -> None:
    run = ball_file()
    run_export(Export("cameras", run, json=True))
    assert (run / "transforms.json").is_file()
    subject, folder, _ = _shown(run, Library(), torch.device("cpu"), Console(stderr=True))
    assert subject.name == "ball · [b]all" and folder == run


@needs_browser
def test_its_page_has_cameras_pictures_and_points(browser: Any, real) -> None:
    data = real("colmap/banana") / "sparse"
    with showing(data, [data]) as program:
        page = browser.new_page(viewport={"width": 600, "height": 460})
        page.set_default_timeout(150_000)
        show(page, program.url)
        before = until(page, lambda now: now.std() > 20)
        points = page.get_by_label("Sparse points", exact=True)
        assert points.is_checked()
        points.click()
        without = until(page, lambda now: differ(now, before) > 0.2)
        page.get_by_text("Training cameras", exact=True).click()
        page.get_by_label("Show them", exact=True).click()
        until(page, lambda now: differ(now, without) > 2 and now.std() < 1)  # nothing is left
        tab(page, "Field")
        page.get_by_text("9,940 sparse points").wait_for()
        page.close()


def until(page: Any, good: Any) -> np.ndarray:
    for _ in range(600):
        now = screen(page)
        if good(now):
            return now
        page.wait_for_timeout(250)
    raise AssertionError("The page never showed what it should.")
