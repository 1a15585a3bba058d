"""The flags of `omnifield train`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from .choices import FIELDS, LOCAL, PORT, SAMPLERS, Device, Repeated, named, one_of, usually


@dataclass(frozen=True)
class Train:
    """Train a field from images, or from a mesh, and save it as one file."""

    data: Annotated[str, tyro.conf.Positional, named("DATA")]
    """`demo` (the built-in scene; a folder of that name is ./demo), or a mesh file, or a dataset folder.
    (NeRF-synthetic, nerfstudio, instant-ngp, COLMAP, LLFF and NeuS are read.)"""
    field: Annotated[str | None, one_of(FIELDS), usually("hash")] = None
    """Which representation to train."""
    preset: Annotated[str | None, usually("default")] = None
    """Its size: tiny, default or paper; some fields have more, and an unknown one lists them."""
    sampler: Annotated[str | None, one_of(SAMPLERS), usually("occupancy")] = None
    """What chooses where along its rays the field is asked."""
    set: Annotated[Repeated, named("NAME=VALUE")] = ()
    """A setting of the field, or with sampler. before its name of the sampler, or with fit. of the training.
    (fit. has warmup, coarse, final_rate, stop, visible, and exposure, poses, robust, and the
    weights distortion, background_entropy, sample_color, opacity_sparsity.)
    May be given several times, and an unknown one lists them."""
    max_seconds: Annotated[float | None, usually("60, or none with --max-steps")] = None
    """Seconds of training, loading and pictures not counted; with --resume those before count, too."""
    max_steps: Annotated[int | None, usually("as many as there is time for")] = None
    """Steps of training; with --resume those made before count, too."""
    output: Annotated[Path, named("FOLDER")] = Path("outputs")
    """Where run folders go: OUTPUT/SCENE/FIELD/DATE_TIME."""
    run_dir: Annotated[Path | None, named("FOLDER"), usually("a new one in --output")] = None
    """The run folder exactly, instead."""
    overwrite: bool = False
    """Let the training take the place of the one in --run-dir."""
    resume: bool = False
    """Go on with the training in --run-dir, on the same data: its field, settings and seed stay.
    So does its budget, that of the whole training, unless it is given anew."""
    downscale: Annotated[int | None, usually(1)] = None
    """Train on images smaller by this factor."""
    test_every: Annotated[int | None, usually("as the data's format has it")] = None
    """Hold out every so many-th picture, by name, for testing."""
    scales: Annotated[int | None, usually(1)] = None
    """Train on images at so many scales, each side half of the one before, and judge at all of them."""
    device: Device = "auto"
    """auto takes a GPU once there are kernels for it, until then the CPU; cuda runs plain torch."""
    seed: Annotated[int | None, usually(0)] = None
    """Of everything random."""
    viewer: bool = False
    """Show the training live in the browser, and go on showing the field when it is done, until Ctrl-C."""
    host: Annotated[str, named("ADDRESS")] = LOCAL
    """For --viewer: who may connect; 127.0.0.1 is this machine only, 0.0.0.0 anybody who can reach it."""
    port: int = PORT
    """For --viewer: of the page; 0 takes any that is free."""
    json: bool = False
    """Print the result as one JSON object on standard output."""
