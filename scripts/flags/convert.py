"""The flags of `omnifield convert`."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from ..arguments import check_above_zero, check_seed, check_test_every
from .choices import Device, FieldName, Repeated, named, usually

BOX = "X0,Y0,Z0,X1,Y1,Z1"


@dataclass(frozen=True)
class Convert:
    """Convert a trained field into another representation: any into any, without its images."""

    files: Annotated[
        tuple[Path, ...],
        tyro.conf.Positional,
        tyro.conf.arg(metavar="FILE ...", help_behavior_hint="(one or more)"),
    ]
    """The field's file, or the folder of its training; several are joined into one."""
    to: FieldName  # pyright: ignore
    """Which representation to make of it."""
    preset: Annotated[str | None, usually("fine where the field has that, else default")] = None
    """Its size: tiny, default or paper; some fields have more, and an unknown one lists them."""
    set: Annotated[Repeated, named("NAME=VALUE")] = ()
    """A setting of the new field; may be given several times, and an unknown one lists them."""
    max_seconds: Annotated[float | None, usually("60, or none with --max-steps")] = None
    """Seconds of work, pictures not counted."""
    max_steps: Annotated[int | None, usually("as many as there is time for")] = None
    """Steps of work."""
    target_psnr: Annotated[float, usually("no such end")] = math.inf
    """End as soon as held-out views agree with the teacher's to so many dB."""
    output: Annotated[Path | None, named("FILE"), usually("FIELD-TO.safetensors beside the first file")] = (
        None
    )
    """The new field's file, NAME.safetensors; the report goes beside it, into NAME-report."""
    keep_box: Annotated[Repeated, named(BOX)] = ()
    """Keep only what is in this box, in world units; may be given several times.
    A first number below zero needs --keep-box= before it."""
    remove_box: Annotated[Repeated, named(BOX)] = ()
    """Remove what is in this box; may be given several times."""
    transform: Annotated[Repeated, named("X,Y,Z[,RX,RY,RZ]")] = ()
    """Move a field before all else, in world units, and turn it by degrees about the axes, X first.
    With several files once for each, in their order. A first number below zero needs --transform= before it."""
    time: Annotated[float | None, usually("a moving scene goes on moving")] = None
    """The moment of a moving scene, from 0 to 1, at which it is taken."""
    data: Annotated[str | None, named("DATA"), usually("no comparison")] = None
    """What the field was trained on, for a comparison with real pictures in the report."""
    test_every: Annotated[int | None, usually("as the data's format has it")] = None
    """For --data: which pictures are held out, every so many-th by name, as in the training."""
    schedule: Literal["progressive", "together", "pvd"] = "progressive"
    """From features to pixels, as long as each helps; all at once; or PVD's own, for comparison."""
    start: Literal["solved", "noise"] = "solved"
    """Voxels are solved for before the first step, or begin from noise."""
    decoder: Literal["inherited", "own"] = "inherited"
    """The teacher's colour decoder is copied where it fits, or the student begins with one of its own."""
    active: tuple[Literal["camera", "ray", "point"], ...] = ("camera", "ray", "point")
    """Levels at which hard cases are asked more often; none: --active with nothing behind it."""
    device: Device = "auto"
    """auto takes a GPU once there are kernels for it, until then the CPU; cuda runs plain torch."""
    seed: int = 0
    """Of everything random."""
    json: bool = False
    """Print the result as one JSON object on standard output."""

    def check(self) -> None:
        """Raises ValueError, naming the flag."""
        if not self.files:
            raise ValueError("Name at least one field's file, or the folder of its training.")
        check_seed(self.seed)
        check_test_every(self.test_every)
        check_above_zero("--target-psnr", self.target_psnr, math.inf)
