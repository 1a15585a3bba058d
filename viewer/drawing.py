"""One picture from coarse to fine: a generator that a scheduler advances, and drops when a newer camera has come."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from ..scenes import Cameras, Rays
from .lens import rays_of, resized
from .subject import Layers, Picture

COARSE_SECONDS = 0.08  # what the picture of a moving camera may take
TILE_SECONDS = 0.04  # what a tile may take: nobody waits longer for their turn
SHOW_SECONDS = 0.25  # between two pictures on the way to the full one
FEWEST_PIXELS, MOST_PIXELS = 1 << 10, 1 << 16  # of a tile
COARSEST = 48 * 48  # pixels of a picture
MEMORY = 0.6  # of the pace, how much is kept from one tile to the next

Ask = Callable[[Rays, Int[Tensor, "pixel"], Cameras], Layers]
"""What some pixels of a camera see."""


class Pace:
    """Seconds per pixel, measured tile by tile and never frame by frame: a slow first frame, or a small one, must not
    keep the pictures small for good."""

    def __init__(self, seconds_per_pixel: float = 1e-5) -> None:
        self.seconds_per_pixel = seconds_per_pixel

    def learn(self, seconds: float, pixels: int) -> None:
        measured = max(seconds / pixels, 1e-9)
        # A tile of background costs next to nothing, and says little of the next one.
        bounded = min(max(measured, self.seconds_per_pixel / 3), self.seconds_per_pixel * 10)
        self.seconds_per_pixel = MEMORY * self.seconds_per_pixel + (1 - MEMORY) * bounded

    def pixels(self, seconds: float) -> int:
        return int(seconds / self.seconds_per_pixel)


@dataclass(frozen=True)
class Plan:
    """How a picture is drawn: what its first version may take, and whether it is then drawn out in full."""

    first_seconds: float = COARSE_SECONDS
    in_full: bool = True


@dataclass(frozen=True)
class Stage:
    """Where a drawing stands after a tile: its picture, whether it is time to show it, and whether it is the last."""

    picture: Picture
    show: bool
    last: bool = False


def draw(camera: Cameras, ask: Ask, pace: Pace, plan: Plan) -> Iterator[Stage]:
    """Yields after every tile.

    First the whole view with fewer pixels, in one turn if it is quick; then, where the plan says so, every pixel of
    `camera`: those at the middle of coarse squares first, so that none is ever computed twice.
    """
    size = _smaller(camera, pace.pixels(plan.first_seconds))
    full = size == (camera.width, camera.height)
    first = Picture(resized(camera, size), {})
    everywhere = torch.arange(size[0] * size[1], device=camera.focal.device)
    for tile in _tiles(everywhere, pace, max(TILE_SECONDS, min(plan.first_seconds, 2 * COARSE_SECONDS))):
        _fill(first, tile, ask, pace)
        if tile[-1] != everywhere[-1]:
            yield Stage(first, show=False)
    yield Stage(first, show=True, last=full or not plan.in_full)
    if plan.in_full and not full:
        yield from _draw_out(camera, _enlarged(first, camera), ask, pace)


def _draw_out(camera: Cameras, picture: Picture, ask: Ask, pace: Pace) -> Iterator[Stage]:
    """Every pixel, in rounds: the middles of 9×9 squares, of 3×3, then the others; from the middle of the picture
    outwards."""
    known = torch.zeros(camera.width * camera.height, dtype=torch.bool, device=camera.focal.device)
    outwards = _outwards(camera)
    shown = time.perf_counter()
    for stride in _strides(camera, pace):
        lattice = _lattice(camera, stride)
        wanted = lattice[~known[lattice]] if stride > 1 else outwards[~known[outwards]]
        for tile in _tiles(wanted, pace, TILE_SECONDS):
            _fill(picture, tile, ask, pace)
            known[tile] = True
            show = stride == 1 and time.perf_counter() - shown > SHOW_SECONDS
            yield Stage(picture, show)
            shown = time.perf_counter() if show else shown
        if stride > 1:
            rough = _enlarged(_picked(picture, lattice, stride), camera)
            for name, values in rough.layers.items():
                values[known] = picture.layers[name][known]
            picture = rough
            yield Stage(picture, show=True)
            shown = time.perf_counter()
    yield Stage(picture, show=True, last=True)


def _fill(picture: Picture, tile: Int[Tensor, "pixel"], ask: Ask, pace: Pace) -> None:
    began = time.perf_counter()
    layers = ask(rays_of(picture.camera, tile), tile, picture.camera)
    pixels = picture.camera.width * picture.camera.height
    for name, values in layers.items():
        if name not in picture.layers:
            picture.layers[name] = values.new_zeros(pixels, values.shape[1])
        picture.layers[name][tile] = values
    pace.learn(time.perf_counter() - began, len(tile))


def _smaller(camera: Cameras, pixels: int) -> tuple[int, int]:
    """The size with about so many pixels; the camera's own where it is no larger, or hardly."""
    scale = math.sqrt(max(pixels, COARSEST) / (camera.width * camera.height))
    if scale > 0.9:
        return camera.width, camera.height
    return max(1, round(camera.width * scale)), max(1, round(camera.height * scale))


def _tiles(pixels: Int[Tensor, "pixel"], pace: Pace, seconds: float) -> Iterator[Int[Tensor, "tile"]]:
    done = 0
    while done < len(pixels):
        count = max(FEWEST_PIXELS, min(pace.pixels(seconds), MOST_PIXELS))
        yield pixels[done : done + count]
        done += count


def _strides(camera: Cameras, pace: Pace) -> list[int]:
    """Those whose rounds are worth showing: finer than the first picture, and with more than a tile to do."""
    first = pace.pixels(2 * COARSE_SECONDS)
    pixels = camera.width * camera.height
    return [stride for stride in (9, 3) if pixels / stride**2 > first] + [1]


def _lattice(camera: Cameras, stride: int) -> Int[Tensor, "pixel"]:
    """The pixels at the middle of squares of `stride` by `stride`, row by row; odd strides that divide one another
    share their middles."""
    device = camera.focal.device
    y = (torch.arange(0, camera.height, stride, device=device) + stride // 2).clamp_max(camera.height - 1)
    x = (torch.arange(0, camera.width, stride, device=device) + stride // 2).clamp_max(camera.width - 1)
    return (y[:, None] * camera.width + x).reshape(-1)


def _picked(picture: Picture, lattice: Int[Tensor, "pixel"], stride: int) -> Picture:
    camera = picture.camera
    small = resized(camera, (-(-camera.width // stride), -(-camera.height // stride)))
    return Picture(small, {name: values[lattice] for name, values in picture.layers.items()})


def _enlarged(picture: Picture, camera: Cameras) -> Picture:
    """The same layers at the camera's size: colours smoothly, distances not, which may be infinite."""
    layers = {}
    for name in picture.layers:
        image = picture.layer(name).permute(2, 0, 1)[None]
        smooth = name.startswith("color")
        image = torch.nn.functional.interpolate(
            image,
            (camera.height, camera.width),
            mode="bilinear" if smooth else "nearest",
            align_corners=False if smooth else None,
        )
        layers[name] = image[0].permute(1, 2, 0).reshape(camera.height * camera.width, -1)
    return Picture(camera, layers)


def _outwards(camera: Cameras) -> Int[Tensor, "pixel"]:
    """All pixels, in blocks of 32 by 32 that begin at the middle: people look there first."""
    device = camera.focal.device
    y = torch.arange(camera.height, device=device)[:, None] // 32 * 32 + 16 - camera.height / 2
    x = torch.arange(camera.width, device=device) // 32 * 32 + 16 - camera.width / 2
    # The angle keeps the pixels of one block together where blocks are equally far.
    far = (y.square() + x.square()) + torch.atan2(y.expand(-1, len(x)), x.expand(len(y), -1)) * 1e-2
    return far.reshape(-1).argsort(stable=True)
