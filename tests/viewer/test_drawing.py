"""Pictures from coarse to fine: every pixel once, the last one exact, and sizes that follow the speed."""

from types import SimpleNamespace

import pytest
import torch
from omnifield.scenes import Rays
from omnifield.viewer import drawing
from omnifield.viewer.drawing import COARSE_SECONDS, Pace, Plan, draw
from omnifield.viewer.lens import rays_of

from .conftest import Ball, cameras, display


def sized(width: int, height: int):
    return cameras()[:1].resized(width, height)


@pytest.mark.parametrize("size", [(64, 48), (97, 61), (100, 9), (300, 200)])
def test_the_last_picture_is_that_of_every_pixel(ball: Ball, size: tuple[int, int]):
    camera, ask = sized(*size), display(ball.subject()).asker(display(ball.subject()).look)
    *_, last = draw(camera, ask, Pace(), Plan(first_seconds=COARSE_SECONDS / 2))
    pixels = torch.arange(size[0] * size[1])
    truth = ask(rays_of(camera, pixels), pixels, camera)
    assert last.last and last.show
    for name, values in truth.items():
        assert torch.equal(last.picture.layers[name], values), name


def test_no_pixel_of_the_full_picture_is_computed_twice(ball: Ball):
    camera, room = sized(200, 150), display(ball.subject())
    drawing = draw(camera, room.asker(room.look), Pace(), Plan())
    first = next(drawing)
    coarse = first.picture.camera.width * first.picture.camera.height
    assert ball.traced == coarse < 200 * 150
    for _ in drawing:
        pass
    assert ball.traced == coarse + 200 * 150


def test_the_first_picture_is_of_the_whole_view_and_comes_in_one_turn(ball: Ball):
    room = display(ball.subject())
    first = next(draw(sized(640, 480), room.asker(room.look), Pace(), Plan()))
    assert first.show and not first.last
    camera = first.picture.camera
    assert camera.width / camera.height == pytest.approx(4 / 3, rel=0.02)
    seen = first.picture.layer("opacity")
    assert seen[camera.height // 2, camera.width // 2] == 1 and seen[0, 0] == 0


class Clock:
    """Time as the drawing sees it: it passes only where rays are traced, so that no busy machine can disturb it."""

    def __init__(self, ball: Ball, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.ball = 0.0, ball
        monkeypatch.setattr(drawing, "time", SimpleNamespace(perf_counter=lambda: self.now))

    def costs(self, per_ray: float, per_call: float) -> None:
        def trace(rays: Rays) -> None:
            self.now += per_call + per_ray * len(rays)

        self.ball.knob = trace


@pytest.fixture
def clock(ball: Ball, monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(ball, monkeypatch)


def first_side(ball: Ball, pace: Pace, frames: int) -> int:
    room = display(ball.subject())
    for _ in range(frames):
        first = next(draw(sized(800, 800), room.asker(room.look), pace, Plan()))
    return first.picture.camera.width


def test_first_pictures_grow_again_after_a_slow_spell(ball: Ball, clock: Clock):
    """Each call costs much, each pixel little: whoever divides time by pixels stays at tiny pictures for good."""
    pace = Pace()
    clock.costs(0.0, 0.5)
    small = first_side(ball, pace, 2)
    clock.costs(1e-7, 0.005)
    large = first_side(ball, pace, 16)
    assert small < 100 and large > 2 * small


def test_first_pictures_settle_where_they_take_the_time_they_may(ball: Ball, clock: Clock):
    clock.costs(1e-5, 0.01)
    side = first_side(ball, Pace(), 8)
    assert side**2 * 1e-5 + 0.01 == pytest.approx(COARSE_SECONDS, rel=0.1)


def test_a_plan_for_a_training_ends_with_its_first_picture(ball: Ball):
    room = display(ball.subject())
    stages = list(draw(sized(800, 600), room.asker(room.look), Pace(), Plan(0.4, in_full=False)))
    assert stages[-1].last and stages[-1].picture.camera.width < 800
    assert [stage.show for stage in stages[:-1]] == [False] * (len(stages) - 1)


def test_a_small_picture_is_full_at_once(ball: Ball):
    room = display(ball.subject())
    stages = list(draw(sized(40, 30), room.asker(room.look), Pace(), Plan()))
    assert len(stages) == 1 and stages[0].last
