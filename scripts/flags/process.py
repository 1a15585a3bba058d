"""The flags of `omnifield process`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from ..arguments import LARGEST_SIDE, check_count
from .choices import named, usually

SMALLEST_SIZE = 200  # pixels, in which hardly a feature is found any more
FEWEST_FRAMES, MOST_FRAMES = 3, 10_000


@dataclass(frozen=True)
class Process:
    """Find out from where photographs were taken, or the frames of a video, and make a data set of them."""

    photos: Annotated[Path, tyro.conf.Positional, named("PHOTOS")]
    """A folder of photographs (masks beside them in masks/PHOTO.png, black is left out), or a video."""
    output: Annotated[Path | None, named("SCENE"), usually("PHOTOS-scene")] = None
    """The folder of the data set: transforms.json, images, sparse points, and COLMAP's model."""
    matcher: Literal["auto", "exhaustive", "sequential", "similar"] = "auto"
    """Which pictures are compared: all with all, those that follow one another, or those that look alike.
    auto takes all with all of up to 80 pictures, then those that follow one another in a video, else those alike."""
    features: Literal["auto", "sift", "affine"] = "auto"
    """What is recognised: affine bridges larger steps aside, and takes four times as long.
    auto takes it for up to 40 pictures."""
    max_size: int = 1600
    """Pixels of the longer side in which features are looked for; fewer are faster, and find less."""
    lens: Literal["simple_radial", "radial", "opencv", "opencv_fisheye"] = "simple_radial"
    """How the lens bends light: one coefficient, two, two with a tilt, or a fisheye."""
    frames: int = 150
    """Of a video: how many are taken, the sharpest of each stretch."""
    overwrite: bool = False
    """Let the result take the place of another one in SCENE."""
    json: bool = False
    """Print the result as one JSON object on standard output."""

    def check(self) -> None:
        """Raises ValueError, naming the flag."""
        check_count("--max-size", self.max_size, LARGEST_SIDE)
        check_count("--frames", self.frames, MOST_FRAMES)
        if self.max_size < SMALLEST_SIZE:
            raise ValueError(f"--max-size must be {SMALLEST_SIZE} or more, not {self.max_size}.")
        if self.frames < FEWEST_FRAMES:
            raise ValueError(f"--frames must be {FEWEST_FRAMES} or more, not {self.frames}.")
