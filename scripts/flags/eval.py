"""The flags of `omnifield eval`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from ..arguments import LARGEST_SIDE, MOST_SCALES, check_count, check_test_every
from .choices import Device, named, usually


@dataclass(frozen=True)
class Eval:
    """Compare a trained field with the held-out pictures of a data set."""

    file: Annotated[Path, tyro.conf.Positional, named("FILE")]
    """The field's file, or the folder of its training."""
    data: Annotated[str, tyro.conf.Positional, named("DATA")]
    """What it was trained on: `demo` (the built-in scene), a dataset folder, or a mesh file."""
    output: Annotated[Path | None, named("FOLDER"), usually("nothing is written")] = None
    """A folder for eval.json and, of every view, rendering, truth and error (white from 0.25 on) in a row."""
    stride: int = 1
    """Compare every n-th pixel of every n-th row only; at least 8 of each have to be left.
    Above 1 there is no SSIM, which is of whole pictures."""
    downscale: int = 1
    """Compare with images smaller by this factor."""
    test_every: Annotated[int | None, usually("as the data's format has it")] = None
    """Which pictures are held out: every so many-th by name, as in the training."""
    scales: int = 1
    """Compare at so many scales, each side of the images half of the one before; the means are over all of them."""
    device: Device = "auto"
    """auto takes a GPU once there are kernels for it, until then the CPU; cuda runs plain torch."""
    json: bool = False
    """Print the result as one JSON object on standard output."""

    def check(self) -> None:
        """Raises ValueError, naming the flag."""
        check_count("--stride", self.stride, LARGEST_SIDE)
        check_count("--downscale", self.downscale, LARGEST_SIDE)
        check_test_every(self.test_every)
        check_count("--scales", self.scales, MOST_SCALES)
