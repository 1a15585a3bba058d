"""`omnifield eval`: how close a field comes to pictures that it was not trained on."""

from typing import Any

import torch
from rich.console import Console

from ..export.comparisons import comparison_name, refuse_mixture, write_comparison
from ..ops import keep_freed_memory
from ..scenes import Contraction
from ..scenes.camera_groups import commonest
from ..scenes.views import by_scale, cameras_of, names_of, view_count
from ..terminal.bar import counted
from ..terminal.figures_table import figures_table
from ..terminal.interrupts import until_told_to_stop
from ..terminal.say import say, say_masked
from ..train.evaluate import check_stride
from ..train.field_file import load_field
from ..train.files import write_json
from ..train.held_out import figures_of, held_out_views, judged_at_scales, means
from ..train.perceptual import Lpips, find_lpips
from .device import choose_device
from .field_path import find_field_file
from .flags.eval import Eval
from .outputs import try_folder
from .photos_scene import load_data


def run_eval(flags: Eval) -> dict[str, Any]:
    """Means are over the views; after Ctrl-C over those so far. Raises ValueError or FileNotFoundError, for users."""
    flags.check()
    if flags.output is not None:
        try_folder(flags.output)
    keep_freed_memory()
    console = Console(stderr=True)
    device = choose_device(flags.device, console)
    trained = load_field(find_field_file(flags.file), device)
    scene = load_data(flags.data, flags.downscale, flags.test_every, console)
    views, warnings = held_out_views(trained, scene, flags.scales)
    groups = [each.to(device) for each in views]
    check_stride(flags.stride, groups)
    for warning in warnings:
        say(console, warning)
    say_masked(console, groups)
    if flags.stride > 1:
        say(console, f"SSIM is not reported: it is of whole pictures, not at --stride {flags.stride}.")
    if flags.output is not None:
        refuse_mixture(flags.output, names_of(groups))
    lpips, photographs = _lpips_if_there(device, console), isinstance(trained.field.domain, Contraction)
    images, judged = [], judged_at_scales(trained, groups, flags.stride)
    with until_told_to_stop() as told:
        for view, posed in counted(judged, view_count(groups), "view", console):
            if flags.output is not None:
                write_comparison(flags.output / comparison_name(len(images), view.name), view)
            images.append(figures_of(view, posed, lpips, photographs))
            if told.is_set():
                break
    usual, scales = commonest(cameras_of(groups)), len(by_scale(groups))
    result = means(images, lpips, 1 if told.is_set() else scales) | {
        "field": trained.config.tag,
        "background": list(trained.background),
        "width": usual.width,
        "height": usual.height,
        "stride": flags.stride,
        "images": images,
        "interrupted": told.is_set(),
    }
    if flags.output is not None:
        write_json(flags.output / "eval.json", result)
    if not flags.json:
        console.print(figures_table(images, result))
    return result


def _lpips_if_there(device: torch.device, console: Console) -> Lpips | None:
    try:
        return find_lpips(device)
    except LookupError as error:
        say(console, f"LPIPS is not reported: {error.args[0]}.")
        return None
