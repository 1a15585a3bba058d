"""What a look makes of rays: crop boxes, comparisons, and the layers that are painted."""

import math
from dataclasses import replace

import pytest
import torch
from omnifield.scenes import Rays
from omnifield.viewer.display import FIGURE, OTHER
from omnifield.viewer.subject import Crop
from scipy.spatial.transform import Rotation

from .conftest import Ball, cameras, display


def crop(turn: tuple[float, float, float], center=(0.1, -0.2, 0.3), size=(1.2, 2.0, 0.8)) -> Crop:
    rotation = torch.from_numpy(Rotation.from_euler("xyz", turn).as_matrix()).float()
    return Crop(torch.tensor(center), rotation, torch.tensor(size))


def rays(generator: torch.Generator, count: int = 400) -> Rays:
    origins = torch.randn(count, 3, generator=generator)
    directions = torch.nn.functional.normalize(torch.randn(count, 3, generator=generator), dim=-1)
    one = torch.ones(count)
    return Rays(
        origins=origins,
        directions=directions,
        near=one * 0.05,
        far=one * math.inf,
        footprint=one * 1e-3,
        time=one * 0,
        view=torch.arange(len(one)),
    )


@pytest.mark.parametrize("turn", [(0.0, 0.0, 0.0), (0.3, -0.8, 1.2)])
def test_a_crop_keeps_of_every_ray_just_what_is_inside_the_box(turn, generator: torch.Generator):
    box, whole = crop(turn), rays(generator)
    cut = box.apply(whole)
    t = torch.linspace(0.05, 6, 600)
    place = whole.origins[:, None] + t[:, None] * whole.directions[:, None]
    local = (place - box.center) @ box.rotation
    inside = (local.abs() < box.size / 2).all(-1)
    kept = (t >= cut.near[:, None]) & (t <= cut.far[:, None])
    # Samples that lie on a face may fall either way.
    assert (inside != kept).float().mean() < 2e-3
    assert inside.any(-1).float().mean() > 0.05
    assert (cut.near <= cut.far).all()


def test_a_ray_along_a_face_is_no_accident():
    one = torch.ones(1)
    along = Rays(
        origins=torch.tensor([[-2.0, 0.0, 0.0]]),
        directions=torch.tensor([[1.0, 0.0, 0.0]]),
        near=one * 0.1,
        far=one * math.inf,
        footprint=one,
        time=one * 0,
        view=torch.tensor([3]),
    )
    cut = crop((0.0, 0.0, 0.0), center=(0.0, 0.0, 0.0)).apply(along)
    assert cut.near.item() == pytest.approx(1.4) and cut.far.item() == pytest.approx(2.6)


def test_a_split_shows_one_left_and_the_other_right():
    left, right = Ball((1.0, 0.0, 0.0)), Ball((0.0, 0.0, 1.0))
    room = display(left.subject("left"), right.subject("right"))
    look = replace(room.look, comparison="split", other="right", split=0.25)
    camera = cameras()[:1]
    pixels = torch.arange(camera.width * camera.height)
    layers = room.asker(look)(camera.pixel_rays(0), pixels, camera)
    color, hit = layers["color"].reshape(30, 40, 3), layers["opacity"].reshape(30, 40) > 0
    assert (color[:, :10][hit[:, :10]] == torch.tensor([1.0, 0.0, 0.0])).all()
    assert (color[:, 10:][hit[:, 10:]] == torch.tensor([0.0, 0.0, 1.0])).all()
    assert left.traced == 10 * 30 and right.traced == 30 * 30


def test_a_difference_has_the_colours_of_both():
    one, other = Ball((1.0, 0.0, 0.0)), Ball((0.0, 0.0, 1.0))
    room = display(one.subject("one"), other.subject("other"))
    look = replace(room.look, comparison="difference", other="other")
    camera = cameras()[:1]
    layers = room.asker(look)(camera.pixel_rays(0), torch.arange(1200), camera)
    assert (layers["color"] - layers[OTHER]).abs().max() == 1


def test_what_a_subject_says_of_its_surface_is_asked_only_when_shown(ball: Ball):
    subject = replace(ball.subject(), surface={"Distance": lambda rays, depth: depth})
    room, camera = display(subject), cameras()[:1]
    ask = torch.arange(1200)
    assert FIGURE not in room.asker(room.look)(camera.pixel_rays(0), ask, camera)
    room.change(output="Distance")
    layers = room.asker(room.look)(camera.pixel_rays(0), ask, camera)
    assert torch.equal(layers[FIGURE], layers["depth"])
    assert room.outputs() == ("Colour", "Depth", "Distance")


def test_a_click_meets_the_surface_in_the_dataset_s_units(ball: Ball):
    room = display(ball.subject())
    there = room.distance(torch.tensor([3.0, 0.0, 0.0]), torch.tensor([-1.0, 0.0, 0.0]))
    assert there == pytest.approx(3.0 - 0.6, abs=1e-5)
    assert room.distance(torch.tensor([3.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0])) == math.inf
