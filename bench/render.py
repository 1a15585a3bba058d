"""How long a frame of a trained field takes."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from rich.console import Console

from ..export.paths import undistorted
from ..renderers import VolumeRenderer
from ..scenes import PixelRays
from ..scenes.camera_groups import camera, camera_count
from ..terminal.bar import counted
from ..terminal.interrupts import until_interrupted
from ..train.field_file import TrainedField
from .machine import slug, synchronise
from .report import Measured, Sheet, figure, median

ENOUGH_SECONDS = 15  # of frames: a slow field is not measured `repeats` times


@dataclass(frozen=True)
class RenderPlan:
    """How many frames to take the median of, at which pixels along each side."""

    sides: Sequence[int]
    repeats: int


def measure_render(plan: RenderPlan, trained: TrainedField, console: Console) -> Measured:
    """On the field's device."""
    frames, interrupted = until_interrupted(
        measure(trained, side, console, repeats=plan.repeats) for side in plan.sides
    )
    scene = str(trained.provenance.get("scene", "field"))
    facts = {
        "scene": scene,
        "field": trained.config.tag,
        "config": asdict(trained.config),
        "repeats": plan.repeats,
    }
    name = slug(f"render {scene} {trained.config.tag}")
    return Measured(name, facts | {"frames": frames, "interrupted": interrupted}, _sheet(facts, frames))


def measure(trained: TrainedField, side: int, console: Console, *, repeats: int) -> dict[str, Any]:
    """Square frames from training cameras all over the capture: `repeats` of them, after one that does not count; or
    as many as begin within ENOUGH_SECONDS, with the first where that is all."""
    views = [camera_count(trained.cameras) * turn // repeats for turn in range(repeats)]
    renderer = VolumeRenderer.to_look_at(trained.sampler)
    device = trained.cameras[0].focal.device
    cameras = [
        undistorted(camera(trained.cameras, view).to("cpu"), (side, side)).to(device) for view in views
    ]
    background = torch.tensor(trained.background, device=device)
    turns, samples, start = [], [], time.perf_counter()
    for one in counted([cameras[0], *cameras], repeats + 1, f"{side}×{side}", console):
        began = time.perf_counter()
        rendering = renderer.render_image(trained.field, PixelRays(one, [0]), background)
        synchronise(device)
        turns.append((time.perf_counter() - began) * 1e3)
        samples.append(rendering.samples.sum().item())
        if time.perf_counter() - start > ENOUGH_SECONDS:
            break
    turns, samples = turns[1:] or turns, samples[1:] or samples
    milliseconds = median(turns)
    return {
        "width": side,
        "height": side,
        "milliseconds": milliseconds,
        "rays_per_second": side * side / milliseconds * 1e3,
        "samples_per_ray": sum(samples) / len(samples) / side**2,
        "turns_milliseconds": turns,
    }


def _sheet(facts: dict[str, Any], frames: Sequence[dict[str, Any]]) -> Sheet:
    rows = tuple(
        (
            f"{frame['width']}×{frame['height']}",
            *(figure(frame[name]) for name in ("milliseconds", "rays_per_second", "samples_per_ray")),
        )
        for frame in frames
    )
    columns = ("frame", "ms", "rays per second", "samples asked per ray")
    notes = (
        f"Medians of {facts['repeats']} frames (or those that began within {ENOUGH_SECONDS} s) from training cameras "
        "spread over the capture, in square pictures of the same vertical field of view.",
        "From rays to float colours in memory; encoding a picture is not in it.",
    )
    return Sheet(f"Rendering a {facts['field']} field of {facts['scene']}", columns, rows, notes)
