"""What is painted of a picture besides its colour."""

import pytest
import torch
from omnifield.scenes import Cameras
from omnifield.scripts import view_outputs
from omnifield.viewer.subject import Picture

from ..viewer.conftest import RADIUS, Ball, cameras

WIDTH, HEIGHT = 120, 90


@pytest.fixture
def picture() -> Picture:
    camera = cameras()[:1].resized(WIDTH, HEIGHT)
    seen = Ball().trace(camera.pixel_rays(0), torch.ones(3))
    return Picture(camera, {"depth": seen.depth[:, None], "opacity": seen.opacity[:, None]})


def test_normals_of_a_ball_point_away_from_its_middle(picture: Picture) -> None:
    rays, depth = picture.camera.pixel_rays(0), picture.layers["depth"]
    expected = (rays.origins + depth * rays.directions) / RADIUS
    found = view_outputs.PAINTS["Normals"](picture).reshape(-1, 3) / 255 * 2 - 1
    facing = (expected * -rays.directions).sum(-1) > 0.5  # at the rim a pixel is as wide as the ball bends
    assert facing.sum() > 500
    assert (found - expected)[facing].abs().max() < 0.1
    assert (found[depth[:, 0].isinf()].abs() < 0.01).all()


def test_normals_are_found_band_by_band_and_none_shows(picture: Picture, monkeypatch) -> None:
    asked, made = [], Cameras.rays

    def counting(self: Cameras, view: torch.Tensor, x: torch.Tensor, y: torch.Tensor):
        asked.append(len(view))
        return made(self, view, x, y)

    monkeypatch.setattr(Cameras, "rays", counting)
    whole = view_outputs.PAINTS["Normals"](picture)
    monkeypatch.setattr(view_outputs, "BAND", 7 * WIDTH + 1)
    assert torch.equal(view_outputs.PAINTS["Normals"](picture), whole)
    assert asked[0] == (HEIGHT + 2) * WIDTH and len(asked) == 1 + 13
    assert max(asked[1:]) == (7 + 2) * WIDTH
