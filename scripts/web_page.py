"""`omnifield export web`: a field as a page, converted first where a page cannot show it as it is."""

import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from ..datasets.camera_path import from_nerfstudio
from ..distill import Callbacks, Edits, Goal, convert
from ..distill.report import provenance
from ..export.page_bake import rounded, why_not_shown
from ..export.page_file import PageForm, PageWritten, write_page
from ..fields import FieldConfig, field_config
from ..scenes.camera_groups import commonest
from ..scenes.crop import Crop
from ..terminal.bar import Bar
from ..terminal.interrupts import until_told_to_stop
from ..terminal.say import say
from ..train import Budget, TrainedField, load_field, save_field
from .budget import budget_of
from .device import choose_device
from .export_place import crop
from .field_path import find_field_file
from .flags.export import Export
from .outputs import try_file, try_folder

PAGE_SECONDS = 90.0  # of a conversion: its steps are still worth something then


def run_web(flags: Export, console: Console) -> dict[str, Any]:
    """`export_web` as the flags have it."""
    usual = find_field_file(flags.file).with_suffix("" if flags.folder else ".html")
    wish = PageWish(
        folder=flags.folder,
        title=flags.title,
        budget=budget_of(flags.max_seconds, flags.max_steps, PAGE_SECONDS),
        preset=flags.preset,
        settings=flags.set,
        moment=flags.time,
        crop=None if flags.box is None else partial(crop, flags=flags),
        camera_path=flags.camera_path,
        field_output=flags.field_output,
    )
    return export_web(flags.file, flags.output or usual, wish, console, choose_device(flags.device, console))


@dataclass(frozen=True)
class PageWish:
    """How a page is made. Converting takes the `budget`, into a mipvog field of `preset` and `settings`; `moment` is
    that of a moving scene, `crop` what of it is shown, `camera_path` a file as `omnifield render` reads it.
    `field_output`: where the field goes that the page shows, rounded as it is there."""

    folder: bool = False
    title: str = ""
    budget: Budget = dataclasses.field(default_factory=lambda: Budget(seconds=PAGE_SECONDS))
    preset: str = "fine"
    settings: tuple[str, ...] = ()
    moment: float | None = None
    crop: Callable[[TrainedField], Crop] | None = None
    camera_path: Path | None = None
    field_output: Path | None = None


def export_web(
    path: Path, output: Path, wish: PageWish, console: Console, device: torch.device | str = "cpu"
) -> dict[str, Any]:
    """The page of a field's file, or of the folder of its training. Ctrl-C ends a conversion early, and makes the page
    of the best so far.

    Raises ValueError or FileNotFoundError in the user's words, before the work where that can be known.
    """
    config = field_config("mipvog", wish.preset, wish.settings)
    file = find_field_file(path)
    check_page_place(output, file, wish)
    trained = load_field(file, device)
    form = _form(wish, trained)
    began = time.perf_counter()
    with Bar(console) as bar, until_told_to_stop() as told:
        shown, agreement = _shown(trained, config, wish, bar, told.is_set)
        written = _written(shown, output, form, bar, file)
    if wish.field_output is not None:
        save_field(wish.field_output, rounded(shown))
    page = output / "index.html" if wish.folder else output
    seconds = time.perf_counter() - began
    say(console, _summary(page, written, agreement, seconds))
    return {
        "file": str(page),
        "seconds": seconds,
        "bytes": written.bytes,
        "bricks": written.bricks,
        "agreement_psnr": agreement,
    }


def check_page_place(output: Path, file: Path, wish: PageWish) -> None:
    """Raises ValueError where the page cannot be written, or would be something else."""
    if wish.folder:
        if output.suffix:
            raise ValueError(f"--output {output}: with --folder it is a folder, whose name has no dot.")
        try_folder(output)
    elif output.suffix.lower() not in (".html", ".htm"):
        raise ValueError(
            f"--output {output}: a page is a file that ends in .html, or with --folder a folder."
        )
    else:
        try_file(output)
    if wish.field_output is not None:
        if wish.field_output.suffix != ".safetensors" or _same(wish.field_output, file):
            raise ValueError(
                f"--field-output {wish.field_output}: name another file than the field's own, ending in .safetensors."
            )
        try_file(wish.field_output)


def _same(one: Path, other: Path) -> bool:
    return one.exists() and one.samefile(other)


def _shown(
    trained: TrainedField, config: FieldConfig, wish: PageWish, bar: Bar, should_stop: Any
) -> tuple[TrainedField, float | None]:
    """A field that a page can show, and how far it agrees with the one given (dB; None where it is that one)."""
    reason = why_not_shown(trained)
    if not reason and wish.crop is None:
        return trained, None
    callbacks = Callbacks(
        on_step=lambda step, psnr: bar.update(0.9 * step.spent, "converting", f"agreement {psnr:.1f} dB"),
        should_stop=should_stop,
    )
    edits = Edits(time=wish.moment, crop=wish.crop and wish.crop(trained))
    done = convert([trained], config, Goal(wish.budget), edits=edits, callbacks=callbacks)
    shown = dataclasses.replace(done.student, provenance=provenance(done))
    if still := why_not_shown(shown):
        raise ValueError(f"A page cannot show what came of the conversion: the field {still}.")
    psnr = done.agreement.psnr
    return shown, psnr if math.isfinite(psnr) else None


def _form(wish: PageWish, trained: TrainedField) -> PageForm:
    if wish.camera_path is None:
        return PageForm(wish.title, wish.folder)
    near = commonest(trained.cameras).near
    found = from_nerfstudio(wish.camera_path, near=near, frames=trained.frames)
    return PageForm(wish.title, wish.folder, found.cameras, found.fps)


def _written(trained: TrainedField, output: Path, form: PageForm, bar: Bar, file: Path) -> PageWritten:
    try:
        return write_page(
            trained,
            output,
            form,
            lambda done: bar.update(0.9 + 0.1 * done, "packing", f"{done:.0%}"),
        )
    except ValueError as error:
        raise ValueError(f"{file} was not exported: {error}.".replace("..", ".")) from error


def _summary(page: Path, written: PageWritten, agreement: float | None, seconds: float) -> str:
    agrees = "" if agreement is None else f", which agrees with the field to {agreement:.2f} dB"
    return f"A page of {written.bytes / 1e6:.1f} MB in {seconds:.1f} s{agrees}. Open it in a browser: {page}"
