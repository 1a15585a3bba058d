"""What the viewer is handed and what a person asks of it: subjects, and how they are looked at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from ..renderers import Rendering
from ..scenes import Cameras, Domain, Rays

Rgb = tuple[float, float, float]
Trace = Callable[[Rays, Float[Tensor, "rgb=3"]], Rendering]
"""Rays and a background to what they see: all that the viewer knows of a field."""

AtSurface = Callable[[Rays, Float[Tensor, "ray"]], Float[Tensor, "ray"]]
"""Rays and the distance at which they meet something to a figure of that place."""

Comparison = Literal["nothing", "split", "difference"]


@dataclass(frozen=True)
class Subject:
    """A field under a name, with what surrounds it. `figures` is Markdown; `surface` holds what else can be shown of
    its surfaces; `background` is sRGB."""

    name: str
    trace: Trace
    cameras: tuple[Cameras, ...]
    domain: Domain
    background: Rgb
    figures: str = ""
    curve: tuple[tuple[float, float], ...] = ()
    """Seconds of training and PSNR."""
    surface: Mapping[str, AtSurface] = field(default_factory=dict)


@dataclass(frozen=True)
class Crop:
    """A box of which nothing outside is seen. `rotation` turns the box's axes into the world's."""

    center: Float[Tensor, "xyz=3"]
    rotation: Float[Tensor, "row=3 column=3"]
    size: Float[Tensor, "xyz=3"]

    def apply(self, rays: Rays) -> Rays:
        """Rays that begin and end where they enter and leave the box; one that misses it ends before it begins."""
        center, rotation, size = (each.to(rays.origins) for each in (self.center, self.rotation, self.size))
        origins = (rays.origins - center) @ rotation
        directions = rays.directions @ rotation
        safe = torch.where(directions.abs() < 1e-9, torch.full_like(directions, 1e-9), directions)
        one, other = (-size / 2 - origins) / safe, (size / 2 - origins) / safe
        near = torch.maximum(rays.near, torch.minimum(one, other).amax(-1))
        far = torch.minimum(rays.far, torch.maximum(one, other).amin(-1))
        return replace(rays, near=near, far=torch.maximum(far, near))


@dataclass(frozen=True)
class DisplaySettings:
    """How the subjects are looked at: all that a person can choose but the camera."""

    subject: str
    background: Rgb
    output: str = "Colour"
    comparison: Comparison = "nothing"
    other: str = ""
    split: float = 0.5  # of the width; the other subject is to the right of it
    crop: Crop | None = None
    time: float = 0.0
    longest_side: int = 1024  # pixels


Layers = dict[str, Float[Tensor, "_ _"]]
"""By name, pixel by channel; each has channels of its own number."""


@dataclass(frozen=True)
class Picture:
    """What one camera sees, pixel by pixel: a Rendering's layers, and those that the look asked for besides."""

    camera: Cameras
    layers: Layers

    def layer(self, name: str) -> Float[Tensor, "height width channel"]:
        return self.layers[name].reshape(self.camera.height, self.camera.width, -1)


Paint = Callable[[Picture], UInt8[Tensor, "height width rgb=3"]]
"""One way to show a picture to a person."""
