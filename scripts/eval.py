"""`omnifield eval`: how close a field comes to pictures that it was not trained on."""

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro
from rich.console import Console
from rich.table import Column, Table

from ..datasets import load_scene
from ..export.color_maps import error_map, side_by_side
from ..ops import keep_freed_memory
from ..scenes import Scene, Views
from ..scenes.multiscale import coarser
from ..scenes.world_frames import moved
from ..terminal.counting import counted, say, say_masked
from ..terminal.progress import until_told_to_stop
from ..train.evaluate import Judged, check_stride, judge, mean_figure
from ..train.field_file import TrainedField, find_field_file, load_field
from ..train.files import write_json
from ..train.pictures import to_bytes, write_picture
from .arguments import (
    LARGEST_SIDE,
    MOST_SCALES,
    Device,
    check_count,
    choose_device,
)
from .outputs import try_folder
from .perceptual import Lpips, find_lpips

SAME_FRAME = 1e-3  # of the box's side (or of a unit axis): how far apart poses in one frame may be
HEADS = {"psnr": "PSNR (dB)", "ssim": "SSIM", "lpips": "LPIPS"}
DIGITS = {"psnr": ".2f", "ssim": ".4f", "lpips": ".4f"}


@dataclass(frozen=True)
class Eval:
    """Compare a trained field with the held-out pictures of a data set."""

    file: Annotated[Path, tyro.conf.Positional]
    """The field's file, or the folder of its training."""
    data: Annotated[str, tyro.conf.Positional]
    """What it was trained on: `demo` (the built-in scene), a dataset folder, or a mesh file."""
    output: Path | None = None
    """A folder for eval.json and, of every view, rendering, truth and error (white from 0.25 on) in a row."""
    stride: int = 1
    """Compare every n-th pixel of every n-th row only, at least 8 of each; above 1 there is no SSIM, which is of whole
    pictures."""
    downscale: int = 1
    """Compare with images smaller by this factor."""
    scales: int = 1
    """Compare at so many scales, each side of the images half of the one before; the means are over all of them."""
    device: Device = "auto"
    """auto takes a GPU once there are kernels for it, until then the CPU; cuda runs plain torch."""
    json: bool = False
    """Print the result as one JSON object on standard output."""


def run_eval(flags: Eval) -> dict[str, Any]:
    """All means are over the views; after Ctrl-C over those so far.

    Raises ValueError or FileNotFoundError in the user's words.
    """
    _check(flags)
    keep_freed_memory()
    console = Console(stderr=True)
    device = choose_device(flags.device, console)
    trained = load_field(find_field_file(flags.file), device)
    scene = load_scene(flags.data, downscale=flags.downscale)
    scales = [views.to(device) for views in views_in_frame(trained, scene, flags.scales, console)]
    check_stride(flags.stride, scales[-1].cameras)
    for views in scales:
        say_masked(console, views)
    if flags.stride > 1:
        say(
            console,
            f"SSIM is not reported: it is of whole pictures, not of those at --stride {flags.stride}.",
        )
    if flags.output is not None:
        _refuse_mixture(flags.output, scales)
    lpips = _lpips_if_there(device, console)
    images = []
    with until_told_to_stop() as told:
        for view in counted(_judged(trained, scales, flags.stride), sum(map(len, scales)), "view", console):
            if flags.output is not None:
                _write_pictures(flags.output / picture_name(len(images), view.name), view)
            images.append(_figures(view, lpips))
            if told.is_set():
                break
    result = _summary(images, lpips) | {
        "field": trained.config.tag,
        "background": list(trained.background),
        "width": scene.test.cameras.width,
        "height": scene.test.cameras.height,
        "stride": flags.stride,
        "images": images,
        "interrupted": told.is_set(),
    }
    if len(scales) > 1 and not told.is_set():
        result["scales"] = _by_scale(images, len(scales))
    if flags.output is not None:
        write_json(flags.output / "eval.json", result)
    if not flags.json:
        console.print(_table(images, result))
    return result


def _check(flags: Eval) -> None:
    check_count("--stride", flags.stride, LARGEST_SIDE)
    check_count("--downscale", flags.downscale, LARGEST_SIDE)
    check_count("--scales", flags.scales, MOST_SCALES)
    if flags.output is not None:
        try_folder(flags.output)


def picture_name(number: int, view: str) -> str:
    return f"{number:04d}_{view}.png"


def _refuse_mixture(folder: Path, scales: list[Views]) -> None:
    """Raises ValueError where pictures of other views than these would stay among those of this evaluation."""
    names = chain.from_iterable(views.names for views in scales)
    ours = {picture_name(number, name) for number, name in enumerate(names)}
    others = sorted({path.name for path in folder.glob("[0-9][0-9][0-9][0-9]_*.png")} - ours)
    if others:
        raise ValueError(
            f"{folder} holds pictures of another evaluation, such as {others[0]}: name another folder with --output."
        )


def _judged(trained: TrainedField, scales: list[Views], stride: int) -> Iterator[Judged]:
    """All views of one scale after the other."""
    for views in scales:
        background = torch.tensor(trained.background, device=views.images.device)
        yield from judge(trained.field, trained.sampler, views, background, stride)


def views_in_frame(trained: TrainedField, scene: Scene, scales: int, console: Console) -> tuple[Views, ...]:
    """The scene's held-out views at all scales, in the field's frame; a warning where the two are not of one data
    set."""
    views = (scene.test, *coarser(scene.test, scene.coarser_test, scales))
    field_from_scene = trained.scene_from_input.double().cpu() @ scene.scene_from_input.double().inverse()
    tolerance = SAME_FRAME * max(1.0, trained.field.domain.side)
    seen = moved(scene.train.cameras, field_from_scene).world_from_camera
    known = trained.cameras.world_from_camera.cpu()
    if seen.shape != known.shape or (seen - known).abs().max() > tolerance:
        say(console, f"Warning: the field was trained on other cameras than those of {scene.name}.")
    if (field_from_scene - torch.eye(4)).abs().max() <= tolerance:
        return views
    say(
        console,
        f"Warning: {scene.name} lies in another frame than the field. Its views are moved to the field's, "
        "which is right only if the poses of both were in the same coordinates.",
    )
    return tuple(dataclasses.replace(each, cameras=moved(each.cameras, field_from_scene)) for each in views)


def _lpips_if_there(device: torch.device, console: Console) -> Lpips | None:
    try:
        return find_lpips(device)
    except LookupError as error:
        say(console, f"LPIPS is not reported: {error.args[0]}.")
        return None


def _figures(view: Judged, lpips: Lpips | None) -> dict[str, Any]:
    figures = {"name": view.name, "psnr": _finite(view.psnr), "ssim": _finite(view.ssim)}
    if lpips is not None:
        figures["lpips"] = _finite(lpips.distance(view.image, view.truth, view.counted))
    return figures


def _summary(images: list[dict[str, Any]], lpips: Lpips | None) -> dict[str, Any]:
    if lpips is None:
        return {"psnr": _mean(images, "psnr"), "ssim": _mean(images, "ssim")}
    return _summary(images, None) | {"lpips": _mean(images, "lpips"), "lpips_net": lpips.net}


def _by_scale(images: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """The means of each scale; the images are in the order of the scales, as many of each."""
    each = len(images) // count
    parts = [images[level * each : (level + 1) * each] for level in range(count)]
    figures = [name for name in HEADS if name in images[0]]
    return [
        {"scale": 0.5**level} | {name: _mean(part, name) for name in figures}
        for level, part in enumerate(parts)
    ]


def _mean(images: list[dict[str, Any]], figure: str) -> float | None:
    """Over the images that have the figure; none where no image has."""
    return _finite(mean_figure(image[figure] for image in images if image[figure] is not None))


def _finite(figure: float) -> float | None:
    """JSON has no NaN."""
    return figure if math.isfinite(figure) else None


def _write_pictures(path: Path, view: Judged) -> None:
    pictures = [to_bytes(view.image), to_bytes(view.truth), error_map(view.image, view.truth)]
    write_picture(path, side_by_side(pictures))


def _table(images: list[dict[str, Any]], means: dict[str, Any]) -> Table:
    table = Table("view", *(Column(HEADS[name], justify="right") for name in HEADS if name in means))
    for row in images:
        table.add_row(row["name"], *_cells(row))
    table.add_section()
    for part in means.get("scales", []):
        table.add_row(f"mean at scale {part['scale']:g}", *_cells(part))
    table.add_row(f"mean of {len(images)}", *_cells(means))
    return table


def _cells(figures: dict[str, Any]) -> list[str]:
    names = [name for name in HEADS if name in figures]
    return ["–" if figures[name] is None else f"{figures[name]:{DIGITS[name]}}" for name in names]
