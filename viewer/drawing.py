"""One picture from coarse to fine: a generator that a scheduler advances, and drops when a newer camera has come."""

import functools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from ..scenes import Cameras, Rays
from .lens import rays_of
from .subject import Layers, Picture

COARSE_SECONDS = 0.08  # what the picture of a moving camera may take
TILE_SECONDS = 0.06  # what a tile may take: nobody waits longer for their turn
SHOW_SECONDS = 0.35  # between two pictures on the way to the full one
FEWEST_PIXELS, MOST_PIXELS = 1 << 10, 1 << 15  # of a tile
COARSEST, FINEST = 48 * 48, 1 << 24  # pixels of a picture
FIRST_GUESS = 1 << 12  # pixels

Ask = Callable[[Rays, Int[Tensor, "pixel"], Cameras], Layers]
"""What some pixels of a camera see."""


class Pace:
    """How many pixels fit into a first picture, and into a tile.

    Each is corrected by how long the last one took, and never by seconds per pixel: a small picture costs more per
    pixel than a large one, and whoever divides the one by the other makes pictures small for good.
    """

    def __init__(self) -> None:
        self.first = self.tile = FIRST_GUESS

    def first_took(self, pixels: int, seconds: float, wanted: float) -> None:
        self.first = round(
            min(max(_corrected(pixels, seconds, wanted) * COARSE_SECONDS / wanted, COARSEST), FINEST)
        )

    def tile_took(self, pixels: int, seconds: float) -> None:
        self.tile = round(min(max(_corrected(pixels, seconds, TILE_SECONDS), FEWEST_PIXELS), MOST_PIXELS))


def _corrected(pixels: int, seconds: float, wanted: float) -> float:
    """At most by a factor of two either way: one slow turn, of a machine that had other things to do, says little."""
    return pixels * min(max(wanted / max(seconds, 1e-6), 0.5), 2.0)


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
    size = _smaller(camera, pace.first * plan.first_seconds / COARSE_SECONDS)
    full = size == (camera.width, camera.height)
    first = Picture(camera.resized(*size), {})
    everywhere = torch.arange(size[0] * size[1], device=camera.focal.device)
    seconds, tile = 0.0, everywhere
    quick = plan.first_seconds <= 2 * COARSE_SECONDS
    for tile in _tiles(everywhere, pace) if not quick else [everywhere]:
        seconds += _fill(first, tile, ask, pace)
        if tile[-1] != everywhere[-1]:
            yield Stage(first, show=False)
    if not full:
        pace.first_took(len(everywhere), seconds, plan.first_seconds)
    yield Stage(first, show=True, last=full or not plan.in_full)
    if plan.in_full and not full:
        yield from _draw_out(camera, _enlarged(first, camera), ask, pace)


def _draw_out(camera: Cameras, picture: Picture, ask: Ask, pace: Pace) -> Iterator[Stage]:
    """Every pixel, in rounds: the middles of 9×9 squares, of 3×3, then the others; from the middle of the picture
    outwards."""
    known = torch.zeros(camera.width * camera.height, dtype=torch.bool, device=camera.focal.device)
    shown = time.perf_counter()
    for stride in _strides(camera, pace):
        lattice = _lattice(camera, stride)
        for tile in _tiles(lattice[~known[lattice]], pace):
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


def _fill(picture: Picture, tile: Int[Tensor, "pixel"], ask: Ask, pace: Pace) -> float:
    """Compute some pixels of a picture; returns how long it took."""
    began = time.perf_counter()
    layers = ask(rays_of(picture.camera, tile), tile, picture.camera)
    pixels = picture.camera.width * picture.camera.height
    for name, values in layers.items():
        if name not in picture.layers:
            picture.layers[name] = values.new_zeros(pixels, values.shape[1])
        picture.layers[name][tile] = values
    seconds = time.perf_counter() - began
    pace.tile_took(len(tile), seconds)
    return seconds


def _smaller(camera: Cameras, pixels: float) -> tuple[int, int]:
    """The size with about so many pixels; the camera's own where it is no larger, or hardly."""
    scale = math.sqrt(max(pixels, COARSEST) / (camera.width * camera.height))
    if scale > 0.9:
        return camera.width, camera.height
    return max(1, round(camera.width * scale)), max(1, round(camera.height * scale))


def _tiles(pixels: Int[Tensor, "pixel"], pace: Pace) -> Iterator[Int[Tensor, "tile"]]:
    done = 0
    while done < len(pixels):
        tile = pixels[done : done + pace.tile]
        done += len(tile)
        yield tile


def _strides(camera: Cameras, pace: Pace) -> list[int]:
    """Those whose rounds show more than the first picture did."""
    pixels = camera.width * camera.height
    return [stride for stride in (9, 3) if pixels / stride**2 > 1.5 * pace.first] + [1]


def _lattice(camera: Cameras, stride: int) -> Int[Tensor, "pixel"]:
    """The pixels at the middle of squares of `stride` by `stride`, row by row: odd strides that divide one another
    share their middles. Of stride 1 all, from the middle of the picture outwards."""
    if stride == 1:
        return _outwards(camera.width, camera.height).to(camera.focal.device)
    device = camera.focal.device
    y = (torch.arange(0, camera.height, stride, device=device) + stride // 2).clamp_max(camera.height - 1)
    x = (torch.arange(0, camera.width, stride, device=device) + stride // 2).clamp_max(camera.width - 1)
    return (y[:, None] * camera.width + x).reshape(-1)


def _picked(picture: Picture, lattice: Int[Tensor, "pixel"], stride: int) -> Picture:
    camera = picture.camera
    small = camera.resized(-(-camera.width // stride), -(-camera.height // stride))
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


@functools.lru_cache(4)
def _outwards(width: int, height: int) -> Int[Tensor, "pixel"]:
    """All pixels, in blocks of 32 by 32 that begin at the middle: people look there first."""
    y = torch.arange(height)[:, None] // 32 * 32 + 16 - height / 2
    x = torch.arange(width) // 32 * 32 + 16 - width / 2
    # The angle keeps the pixels of one block together where blocks are equally far.
    far = (y.square() + x.square()) + torch.atan2(y.expand(-1, width), x.expand(height, -1)) * 1e-2
    return far.reshape(-1).argsort(stable=True)
