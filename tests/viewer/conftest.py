"""A ball that rays meet by arithmetic: no field, and a knob for whatever a test needs to go wrong or slowly."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import torch
from jaxtyping import Float, UInt8
from omnifield.renderers import Rendering
from omnifield.scenes import Box, Cameras, Rays, pinhole
from omnifield.viewer.display import Display
from omnifield.viewer.server import Viewer
from omnifield.viewer.subject import Picture, Subject
from torch import Tensor

BOX = Box((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0))
RADIUS = 0.6
DISTANCE = 3.0


@dataclass
class Ball:
    """Of one colour. `knob` is called with every bundle of rays before they are traced."""

    color: tuple[float, float, float] = (0.8, 0.4, 0.2)
    knob: Callable[[Rays], None] = lambda rays: None
    traced: int = 0

    def trace(self, rays: Rays, background: Float[Tensor, "rgb=3"]) -> Rendering:
        self.knob(rays)
        self.traced += len(rays)
        along = -(rays.origins * rays.directions).sum(-1)
        closest = rays.origins + along[:, None] * rays.directions
        half = (RADIUS**2 - closest.square().sum(-1)).clamp_min(0).sqrt()
        near, far = torch.maximum(along - half, rays.near), torch.minimum(along + half, rays.far)
        hit = (half > 0) & (near < far)
        color = torch.where(hit[:, None], torch.tensor(self.color), background)
        depth = torch.where(hit, near, torch.inf)
        return Rendering(color, hit.float(), depth, hit.int())

    def subject(self, name: str = "ball") -> Subject:
        return Subject(name, self.trace, (cameras(),), BOX, (1.0, 1.0, 1.0))


def cameras(count: int = 4) -> Cameras:
    """On a circle around the ball, looking at it."""
    angle = torch.arange(count) * (2 * torch.pi / count)
    back = torch.stack([angle.cos(), angle.sin(), torch.zeros(count)], -1)
    right = torch.stack([-angle.sin(), angle.cos(), torch.zeros(count)], -1)
    up = torch.tensor([0.0, 0.0, 1.0]).expand(count, 3)
    pose = torch.stack([right, up, back, DISTANCE * back], -1)
    return pinhole(pose, (40, 30), 0.7, 0.1)


def colors(picture: Picture) -> UInt8[Tensor, "height width rgb=3"]:
    return (picture.layer("color") * 255).round().to(torch.uint8)


def depths(picture: Picture) -> UInt8[Tensor, "height width rgb=3"]:
    depth = picture.layer("depth").nan_to_num(posinf=0.0)
    return (depth.expand(-1, -1, 3) * 50).to(torch.uint8)


def display(*subjects: Subject) -> Display:
    return Display(list(subjects), {"Colour": colors, "Depth": depths}, colors, colors)


@contextmanager
def serving(viewer: Viewer) -> Iterator[Viewer]:
    """Its scheduler served by a thread, until the end."""
    viewer.open()
    over = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        served = pool.submit(viewer.scheduler.serve, over.is_set)
        try:
            yield viewer
        finally:
            over.set()
            viewer.close()
            served.result()


def wait_for(true: Callable[[], bool], seconds: float = 10.0) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "It did not happen in time."
        time.sleep(0.01)


@pytest.fixture
def ball() -> Ball:
    return Ball()
