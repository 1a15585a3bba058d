"""Colours must mean what they say."""

import pytest
import torch
from omnifield.export.color_maps import (
    DepthRange,
    depth_picture,
    depth_range,
    error_map,
    opacity_picture,
    side_by_side,
    to_bytes,
    turbo,
)

# Three of Turbo's 256 tabulated colours, as matplotlib has them: a quarter, half, three quarters of the way.
TABULATED = {64: (0.1584, 0.7355, 0.9230), 128: (0.6436, 0.9900, 0.2336), 192: (0.9836, 0.4929, 0.1285)}


@pytest.mark.parametrize("index", TABULATED)
def test_turbo_is_turbo(index: int) -> None:
    found = turbo(torch.tensor([index / 255]))[0]
    torch.testing.assert_close(found, torch.tensor(TABULATED[index]), atol=1e-4, rtol=0)


def test_turbo_ends_dark_and_has_a_colour_for_everything() -> None:
    found = turbo(torch.tensor([[-1.0, 0.0, torch.nan], [1.0, 7.0, torch.inf]]))
    assert torch.equal(found, found[:, :1].expand(2, 3, 3))
    torch.testing.assert_close(found[0, 0], torch.tensor([0.19, 0.0718, 0.2322]), atol=1e-4, rtol=0)
    torch.testing.assert_close(found[1, 0], torch.tensor([0.4796, 0.0158, 0.0106]), atol=1e-4, rtol=0)


def test_near_is_red_far_is_blue_and_nothing_is_white() -> None:
    depth = torch.tensor([[1.0, 4.0, torch.inf]])
    picture = depth_picture(depth, torch.tensor([[1.0, 1.0, 0.0]]), DepthRange(0.9, 5.0)).int()
    red, _, blue = picture[0].unbind(-1)
    assert red[0] > blue[0] + 100 and blue[1] > red[1] + 50
    assert picture[0, 2].tolist() == [255, 255, 255]


def test_the_range_of_depth_is_what_is_seen_and_some_room() -> None:
    depth = torch.linspace(2, 4, 1001).reshape(7, 143)
    opacity = torch.ones_like(depth)
    depth[0, 0], opacity[-1, -1] = torch.inf, 0.1
    found = depth_range([(depth, opacity)])
    assert found.near == pytest.approx(2 - 0.2 * 2, abs=0.05)
    assert found.far == pytest.approx(4 + 0.2 * 2, abs=0.05)


@pytest.mark.parametrize("depth", [3.0, torch.inf], ids=["one depth", "nothing"])
def test_a_picture_without_relief_has_a_range_too(depth: float) -> None:
    flat = torch.full((3, 3), depth)
    found = depth_range([(flat, torch.ones(3, 3))])
    assert 0 < found.near < found.far
    assert depth_picture(flat, torch.ones(3, 3), found).shape == (3, 3, 3)


def test_opacity_is_grey() -> None:
    assert opacity_picture(torch.tensor([[0.0, 0.5, 1.0]])).tolist() == [[[0] * 3, [128] * 3, [255] * 3]]


def test_error_is_black_where_there_is_none_and_white_from_a_quarter_on() -> None:
    truth = torch.full((1, 4, 3), 0.5)
    image = truth + torch.tensor([0.0, 0.25 / 3, -0.25, 0.5])[None, :, None]
    assert error_map(image, truth).tolist() == [[[0, 0, 0], [255, 0, 0], [255] * 3, [255] * 3]]


def test_bytes_are_rounded_and_clamped_and_pictures_stand_in_a_row() -> None:
    first = to_bytes(torch.tensor([[[-1.0, 0.5, 2.0]]]))
    assert first.tolist() == [[[0, 128, 255]]]
    assert side_by_side([first, first.expand(1, 2, 3)]).shape == (1, 3, 3)
