"""What the viewer is handed and what a person asks of it: subjects, and how they are looked at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float, UInt8
from torch import Tensor

from ..renderers import Rendering
from ..scenes import Cameras, Domain, Rays
from ..scenes.crop import Crop
from ..scenes.sparse_points import SparsePoints

Rgb = tuple[float, float, float]
Trace = Callable[[Rays, Float[Tensor, "rgb=3"]], Rendering]
"""Rays and a background to what they see: all that the viewer knows of a field."""

AtSurface = Callable[[Rays, Float[Tensor, "ray"]], Float[Tensor, "ray"]]
"""Rays and the distance at which they meet something to a figure of that place."""

Photograph = Callable[[int, int], UInt8[np.ndarray, "height width rgb=3"]]
"""What a camera took, by its number, at most so many pixels wide and high."""

Comparison = Literal["nothing", "split", "difference"]


@dataclass(frozen=True)
class Subject:
    """A field under a name, or a data set before there is one, with what surrounds it. `figures` is Markdown; `surface`
    holds what else can be shown of its surfaces; `background` is sRGB."""

    name: str
    trace: Trace
    cameras: tuple[Cameras, ...]
    domain: Domain
    background: Rgb
    figures: str = ""
    curve: tuple[tuple[float, float], ...] = ()
    """Seconds of training and PSNR."""
    surface: Mapping[str, AtSurface] = field(default_factory=dict)
    points: SparsePoints | None = None
    photograph: Photograph | None = None


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
