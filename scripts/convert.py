"""`omnifield convert`: a trained field as another kind of field, without the images it was trained on."""

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
import tyro
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from scipy.spatial.transform import Rotation
from torch import Tensor

from ..datasets import load_scene
from ..distill import Callbacks, Conversion, Edits, Goal, Plan, Progress, convert
from ..distill.curriculum import ACTIVE_LEVELS, ActiveLevel, ScheduleName
from ..distill.report import Truth, write_report
from ..fields import field_config, preset_of
from ..ops import keep_freed_memory
from ..scenes import Box, Scene
from ..terminal.counting import say, say_masked
from ..terminal.progress import until_told_to_stop
from ..train import judge, load_field, save_field
from ..train.evaluate import mean_figure
from ..train.field_file import find_field_file
from ..train.run import stride as stride_for
from .arguments import (
    Device,
    budget_of,
    check_above_zero,
    check_seed,
    choose_device,
)
from .eval import views_in_frame
from .outputs import try_file, try_folder
from .train import FieldName

TRUTH_RAYS = 1 << 19  # real pixels behind the comparison, at most; `omnifield eval` takes them all
TRUTH_ROWS = 3  # pictures shown
FARTHEST = 1e9  # world units that a field may be moved by


@dataclass(frozen=True)
class Convert:
    """Convert a trained field into another representation: any into any, without its images."""

    files: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """The field's file, or the folder of its training; several are joined into one."""
    to: FieldName  # pyright: ignore
    """Which representation to make of it."""
    preset: str | None = None
    """Its size: tiny, default or paper; if not given, fine where the field has that, else default."""
    set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """A setting of the new field, as NAME=VALUE; may be given several times."""
    max_seconds: float | None = None
    """Seconds of work, pictures not counted (60 if no budget is given)."""
    max_steps: int | None = None
    """Steps of work."""
    target_psnr: float = math.inf
    """End as soon as held-out views agree with the teacher's to so many dB."""
    output: Path | None = None
    """The new field's file; the report goes beside it, into NAME-report (FIELD.safetensors beside the first file)."""
    keep_box: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Keep only what is in this box: X0,Y0,Z0,X1,Y1,Z1 in world units (a first number below zero needs --keep-box=);
    may be given several times."""
    remove_box: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Remove what is in this box; may be given several times."""
    transform: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Move a field before all else: X,Y,Z in world units, or X,Y,Z,RX,RY,RZ with degrees about the axes, X first. With
    several files once for each, in their order. (A first number below zero needs --transform=.)"""
    time: float | None = None
    """The moment of a moving scene, from 0 to 1, at which it is taken."""
    data: str | None = None
    """What the field was trained on, for a comparison with real pictures in the report."""
    schedule: ScheduleName = "progressive"
    """From features to pixels, as long as each helps; all at once; or PVD's own, for comparison."""
    start: Literal["solved", "noise"] = "solved"
    """Voxels are solved for before the first step, or begin from noise."""
    decoder: Literal["inherited", "own"] = "inherited"
    """The teacher's colour decoder is copied where it fits, or the student begins with one of its own."""
    active: tuple[ActiveLevel, ...] = ACTIVE_LEVELS
    """Levels at which hard cases are asked more often; none: --active with nothing behind it."""
    device: Device = "auto"
    """auto takes a GPU once there are kernels for it, until then the CPU; cuda runs plain torch."""
    seed: int = 0
    """Of everything random."""
    json: bool = False
    """Print the result as one JSON object on standard output."""


def run_convert(flags: Convert) -> dict[str, Any]:
    """Ctrl-C ends the work early and keeps the best so far. Raises ValueError or FileNotFoundError in the user's
    words."""
    keep_freed_memory()
    console = Console(stderr=True)
    if not flags.files:
        raise ValueError("Name at least one field's file, or the folder of its training.")
    config = field_config(flags.to, preset_of(flags.to, flags.preset), flags.set)
    check_seed(flags.seed)
    check_above_zero("--target-psnr", flags.target_psnr, math.inf)
    goal, edits = Goal(budget_of(flags.max_seconds, flags.max_steps), flags.target_psnr), _edits(flags)
    device = choose_device(flags.device, console)
    paths = [find_field_file(path) for path in flags.files]
    teachers = [load_field(path, device) for path in paths]
    output = flags.output or paths[0].with_name(f"{paths[0].stem}-{flags.to}.safetensors")
    report = output.with_name(f"{output.stem}-report")
    _check_output(output, report, paths)
    scene = load_scene(flags.data) if flags.data is not None else None
    plan = Plan(flags.schedule, flags.start, flags.decoder, flags.active, flags.seed)
    with ConversionBar(console) as bar, until_told_to_stop() as told:
        done = convert(
            teachers,
            config,
            goal,
            plan=plan,
            edits=edits,
            callbacks=Callbacks(on_step=bar.show, should_stop=told.is_set),
        )
    provenance = dict(done.student.provenance) | {
        "converted_from": done.source,
        "conversion_steps": done.steps,
        "conversion_seconds": round(done.seconds, 3),
    }
    save_field(output, dataclasses.replace(done.student, provenance=provenance))
    truth = _truth(done, scene, console) if scene is not None else None
    measured = write_report(report, done, truth)
    say(console, _summary(measured, output, report))
    return {"file": str(output), "report": str(report)} | measured


def _check_output(output: Path, report: Path, sources: list[Path]) -> None:
    """Raises ValueError where the new field cannot be written, or something would be lost that is no conversion."""
    if output.suffix != ".safetensors" or any(output.exists() and output.samefile(path) for path in sources):
        raise ValueError(
            f"--output {output}: name another file than the field's own, ending in .safetensors."
        )
    try_file(output)
    try_folder(report)
    if output.exists() and not _is_conversion(output):
        raise ValueError(
            f"{output} is there already and no conversion made it: name another file with --output."
        )


def _is_conversion(file: Path) -> bool:
    try:
        return "converted_from" in load_field(file).provenance
    except ValueError:
        return False


def _edits(flags: Convert) -> Edits:
    return Edits(
        world_from_field=tuple(_pose(text) for text in flags.transform),
        keep=tuple(_box("--keep-box", text) for text in flags.keep_box),
        remove=tuple(_box("--remove-box", text) for text in flags.remove_box),
        time=flags.time,
    )


def _numbers(flag: str, text: str, counts: tuple[int, ...], meaning: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in counts or not all(math.isfinite(number) for number in numbers):
        raise ValueError(f"{flag} takes {meaning}, separated by commas, not {text!r}.")
    return numbers


def _box(flag: str, text: str) -> Box:
    x0, y0, z0, x1, y1, z1 = _numbers(flag, text, (6,), "six numbers X0,Y0,Z0,X1,Y1,Z1")
    try:
        return Box((x0, y0, z0), (x1, y1, z1))
    except ValueError as error:
        raise ValueError(f"{flag}: {error}") from error


def _pose(text: str) -> Tensor:
    """Rows of 4×4."""
    numbers = _numbers("--transform", text, (3, 6), "three numbers X,Y,Z or six X,Y,Z,RX,RY,RZ")
    if max(map(abs, numbers)) > FARTHEST:
        raise ValueError(f"--transform {text}: no number may be beyond {FARTHEST:g}.")
    pose = torch.eye(4)
    if numbers[3:]:
        turn = Rotation.from_euler("xyz", numbers[3:], degrees=True).as_matrix()
        pose[:3, :3] = torch.from_numpy(turn).float()
    pose[:3, 3] = torch.tensor(numbers[:3])
    return pose


def _truth(done: Conversion, scene: Scene, console: Console) -> Truth:
    """Both fields against the held-out pictures of a data set."""
    (views,) = views_in_frame(done.student, scene, 1, console)
    say_masked(console, views)
    background = torch.tensor(done.student.background, device=done.student.sampler.bits.device)
    views = views.to(background.device)
    stride = stride_for(views, TRUTH_RAYS)
    before, after = (
        list(judge(one.field, one.sampler, views, background, stride)) for one in (done.teacher, done.student)
    )
    rows = [(b.truth, b.image, a.image) for b, a in zip(before, after, strict=True)][:TRUTH_ROWS]
    return Truth(mean_figure(view.psnr for view in after), mean_figure(view.psnr for view in before), rows)


def _summary(measured: dict[str, Any], output: Path, report: Path) -> str:
    real = ""
    if measured.get("psnr") is not None:
        real = f", {measured['psnr']:.2f} dB against real pictures (before: {measured['teacher_psnr']:.2f})"
    return (
        f"{measured['from']} to {measured['to']} in {measured['seconds']:.1f} s: held-out views agree to "
        f"{measured['agreement_psnr']:.2f} dB{real}. The field is in {output}, the report in {report / 'report.md'}"
    )


class ConversionBar:
    """A context: a bar with the stage, the agreement on held-out views and the time left."""

    def __init__(self, console: Console) -> None:
        self.bar = Bar(
            TextColumn("{task.fields[stage]}"),
            BarColumn(),
            TextColumn("agreement {task.fields[psnr]:.1f} dB, step {task.fields[step]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
        )
        self.task = self.bar.add_task("", total=1.0, stage="start", psnr=0.0, step=0)

    def __enter__(self) -> "ConversionBar":
        self.bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.bar.stop()

    def show(self, progress: Progress, psnr: float) -> None:
        self.bar.update(
            self.task, completed=progress.spent, stage=progress.stage, psnr=psnr, step=progress.step
        )
