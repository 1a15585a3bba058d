"""The ball, made once: it is only ever asked."""

import pytest
from omnifield.train import TrainedField

from .ball_scene import ball


@pytest.fixture(scope="session")
def teacher_ball() -> TrainedField:
    return ball()
