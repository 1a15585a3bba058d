"""What a phone would film on a walk around the built-in still life: sharp truth, with the blur of a hand that moves."""

import math
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from ..scenes.cameras import Cameras, pinhole
from ..studio.raycast import ONE_POINT, srgb_from_linear
from ..studio.shade import LitSurface
from ..studio.shots import ViewOf, Window, boxes, window

DISTANCE, NEAR = 3.4, 0.5  # scene units
TURN = 1.1 * 2 * math.pi  # a little more than once around
HEIGHT = (0.45, 0.2)  # radians above the table: the mean, and how far it swings
WIDE = 1.15  # radians across a frame, as a phone's main lens
TREMBLE = 0.005  # radians, of a hand
SHAKES = ((2.3, 0.0), (5.1, 1.0), (7.7, 2.0))  # times a second, and from where they begin
LATTICE = (0.7549, 0.5698)  # of a pixel, from one moment to the next (Roberts's sequence)
AT_ONCE = 8  # frames that wait to be encoded


@dataclass(frozen=True)
class Phone:
    """`fps` frames a second, each the mean of so many moments while the `shutter` is open (seconds)."""

    width: int = 1920
    height: int = 1080
    seconds: float = 30.0
    fps: int = 10
    shutter: float = 1 / 60
    moments: int = 3

    @property
    def frames(self) -> int:
        return round(self.seconds * self.fps)


def poses(phone: Phone, moments: Float[Tensor, "moment"]) -> Float[Tensor, "moment row=3 column=4"]:
    """Where the phone is, at seconds since the film began: world from camera, +Z up."""
    shakes = [torch.sin(2 * math.pi * rate * moments + begin) / len(SHAKES) for rate, begin in SHAKES]
    across, up = TREMBLE * shakes[0] + TREMBLE * shakes[1], TREMBLE * shakes[1] + TREMBLE * shakes[2]
    angle = TURN * moments / phone.seconds
    mean, swing = HEIGHT
    height = mean + swing * torch.sin(2.6 * angle)
    back = torch.stack([height.cos() * angle.cos(), height.cos() * angle.sin(), height.sin()], -1)
    place = DISTANCE * back
    right = torch.nn.functional.normalize(
        torch.linalg.cross(torch.tensor([0.0, 0.0, 1.0]).expand_as(back), back)
    )
    looking = torch.nn.functional.normalize(back + across[:, None] * right)
    looking = torch.nn.functional.normalize(looking + up[:, None] * torch.linalg.cross(back, right))
    right = torch.nn.functional.normalize(
        torch.linalg.cross(torch.tensor([0.0, 0.0, 1.0]).expand_as(back), looking)
    )
    return torch.stack([right, torch.linalg.cross(looking, right), looking, place], -1)


def middles(phone: Phone) -> Float[Tensor, "frame"]:
    """The middle of each frame's exposure, in seconds."""
    return (torch.arange(phone.frames) + 0.5) / phone.fps


def filmed(subject: LitSurface, phone: Phone) -> Iterator[UInt8[Tensor, "height width rgb=3"]]:
    """Frame by frame, before white."""
    apart = ((torch.arange(phone.moments) + 0.5) / phone.moments - 0.5) * phone.shutter
    corners = boxes(subject.surface)

    def frame(middle: float) -> UInt8[Tensor, "height width rgb=3"]:
        light = np.ones((phone.width, phone.width, 3), np.float32)
        cameras = _cameras(phone, poses(phone, middle + apart))
        windows = [_visible(phone, window(corners, cameras, moment)) for moment in range(phone.moments)]
        for moment, seen_in in enumerate(windows):
            light += (_seen(subject, cameras, moment, seen_in) - 1) / phone.moments
        top = (phone.width - phone.height) // 2
        rows = light[top : top + phone.height].reshape(-1, 3)
        picture = srgb_from_linear(rows).reshape(phone.height, phone.width, 3)
        return torch.from_numpy((picture * 255).round().astype(np.uint8))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for some in middles(phone).split(AT_ONCE):
            yield from pool.map(frame, some.tolist())


def _cameras(phone: Phone, world_from_camera: Float[Tensor, "moment row=3 column=4"]) -> Cameras:
    """Square ones, of which a frame is the middle."""
    return pinhole(world_from_camera, (phone.width, phone.width), WIDE, NEAR)


def _visible(phone: Phone, seen_in: Window) -> Window:
    top = (phone.width - phone.height) // 2
    y0, y1 = (min(max(y, top), top + phone.height) for y in (seen_in.y0, seen_in.y1))
    return Window(seen_in.x0, y0, seen_in.x1, y1)


def _seen(
    subject: LitSurface, cameras: Cameras, moment: int, part: Window
) -> Float[np.ndarray, "width width rgb=3"]:
    """Linear light before white, each moment at another place of the pixels."""
    x, y = part.centers()
    across, down = (math.modf(0.5 + moment * step)[0] - 0.5 for step in LATTICE)
    seen = ViewOf(subject, cameras, moment).see(x + np.float32(across), y + np.float32(down), ONE_POINT)
    light = np.ones((cameras.height, cameras.width, 3), np.float32)
    color = np.where(seen.part[:, None] >= 0, seen.color, np.float32(1))
    light[part.y0 : part.y1, part.x0 : part.x1] = color.reshape(part.y1 - part.y0, part.x1 - part.x0, 3)
    return light
