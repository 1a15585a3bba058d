"""The flags of `omnifield bench`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from ..arguments import LARGEST_SIDE, check_count, check_seconds, check_seed
from .choices import FIELDS, Device, FieldName, Repeated, SamplerName, named, usually

DEMO = "demo"
SMALLEST_FRAME, LARGEST_FRAME = 2, 8192  # pixels
MOST_REPEATS, MOST_SAMPLES, MOST_STEPS = 10**6, 10**8, 10**6
What = Literal[
    "ops",
    "step",
    "train",
    "busy",
    "fields",
    "photographs",
    "convert",
    "ablations",
    "process",
    "render",
    "export",
    "viewer",
]
TRAINED = ("step", "train", "busy", "photographs")  # one field, with all its settings


@dataclass(frozen=True)
class Bench:
    """Measure speed here: of ops, of trainings, of a trained field's frames, of the viewer."""

    what: Annotated[What, tyro.conf.Positional]
    """ops: kernels against plain-torch references.
    step: what a step of training is made of: each kernel, the glue, and waiting.
    train: PSNR against seconds.
    busy: what is left of a training's and the viewer's speed beside one busy process.
    fields: that of every field, on one scene with one budget.
    photographs: one field on several captures, with pictures.
    convert: every field into every other.
    ablations: one field into others, with parts of the conversion left out.
    process: photographs without their poses, against the poses that they had; of `demo` a phone's film of it, and a
    training on its frames.
    render: ms per frame.
    export: how close exported meshes are to the true one.
    viewer: how soon a browser has its pictures."""
    data: Annotated[str, tyro.conf.Positional, named("[DATA]")] = DEMO
    """For render, export and viewer: a field's file, or the folder of its training. For ops: nothing.
    For process: a dataset folder with images in it, a folder of such, or `demo`.
    For all others: `demo`, a dataset folder, or a mesh file."""
    more: Annotated[Repeated, named("DATA")] = ()
    """For photographs: another data set; may be given several times."""
    field: FieldName = "hash"  # pyright: ignore
    """For step, train, busy and photographs: which representation."""
    sampler: SamplerName = "occupancy"  # pyright: ignore
    """For step, train, busy, fields and photographs: what chooses where along its rays the field is asked."""
    fields: Annotated[tuple[str, ...], named("FIELD ...")] = FIELDS
    """For fields: which of them, in this order; for convert and ablations: which to convert."""
    to: Annotated[tuple[str, ...], named("FIELD ...")] = FIELDS
    """For convert and ablations: into which."""
    preset: str = "default"
    """For step, train, busy, fields, photographs, convert and ablations: their size: tiny, default or paper."""
    set: Annotated[Repeated, named("NAME=VALUE")] = ()
    """For step, train, busy and photographs: a setting of the field, or with sampler. or fit. before its name of these.
    For fields: only those of the sampler and of the training. May be given several times."""
    max_seconds: float = 60.0
    """For train, fields, photographs, process, convert and ablations: seconds of each training, loading and pictures
    not counted.
    For busy: of all turns together."""
    warm_up: int = 200
    """For step: how many steps go before those that are measured."""
    steps: int = 100
    """For step: how many are measured."""
    convert_seconds: float = 15.0
    """For convert and ablations: seconds of each conversion."""
    truth: Annotated[Path | None, named("FILE"), usually("the demo's own mesh")] = None
    """For export: the mesh that the field's pictures are of."""
    views: Annotated[str | None, named("DATA"), usually("the demo's own views")] = None
    """For export: the data set whose held-out views the textured meshes are compared with."""
    stride: int = 1
    """For train, fields, photographs and export: judge every n-th pixel of each n-th row of held-out views."""
    sides: Annotated[tuple[int, ...], named("PIXELS ...")] = (400, 800)
    """For render: pixels along each side of a frame; for viewer and busy the last of them."""
    samples: int = 1 << 16
    """For ops: points in space per call."""
    only: Annotated[str, named("TEXT")] = ""
    """For ops: those with this in their name."""
    repeats: int = 5
    """For ops, render, viewer and busy: how many turns each figure is the median of."""
    output: Annotated[Path, named("FOLDER")] = Path("benchmarks")
    """Where the report goes, as JSON and Markdown, and for trainings a plot."""
    device: Device = "auto"
    """auto takes a GPU once there are kernels for it, until then the CPU; cuda runs plain torch."""
    seed: int = 0
    """For all but ops, render and viewer: of everything random."""
    json: bool = False
    """Print the result as one JSON object on standard output."""

    def check(self) -> None:
        """Raises ValueError, naming the flag."""
        check_count("--repeats", self.repeats, MOST_REPEATS)
        check_count("--samples", self.samples, MOST_SAMPLES)
        check_count("--stride", self.stride, LARGEST_SIDE)
        check_count("--warm-up", self.warm_up, MOST_STEPS)
        check_count("--steps", self.steps, MOST_STEPS)
        check_seconds("--max-seconds", self.max_seconds)
        check_seconds("--convert-seconds", self.convert_seconds)
        check_seed(self.seed)
        if self.what in ("convert", "ablations") and not (self.fields and self.to):
            raise ValueError("--fields and --to must name at least one field each.")
        if not self.sides or not all(SMALLEST_FRAME <= side <= LARGEST_FRAME for side in self.sides):
            raise ValueError(f"--sides takes numbers from {SMALLEST_FRAME} to {LARGEST_FRAME} pixels.")
        if self.what in ("render", "export", "viewer") and self.data == DEMO:
            raise ValueError(
                f"bench {self.what} needs a trained field's file, or the folder of its training."
            )
