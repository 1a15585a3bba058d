"""Where an export goes, and in whose coordinates."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..scenes.crop import Crop, crop_between, crop_of
from ..train.field_file import TrainedField
from ..train.files import write_json
from .flags.export import Export
from .outputs import try_file


@dataclass(frozen=True)
class Place:
    """A file or a folder that can be written."""

    output: Path

    @staticmethod
    def of(field_file: Path, output: Path | None, name: str, endings: tuple[str, ...]) -> "Place":
        """Beside the field's file under the usual name where none is given; of the `endings` the empty one is a
        folder's. Raises ValueError where nothing can be written there, or it is of another kind."""
        place = field_file.with_name(name) if output is None else output
        if place.suffix.lower() not in endings:
            known = ", ".join(ending or "no dot for a folder" for ending in endings)
            raise ValueError(f"--output {place}: the name's ending says what it is to be: {known}.")
        if place.exists() and place.samefile(field_file):
            raise ValueError(f"--output {place} is the field's own file: name another one.")
        try_file(place / "any" if not place.suffix else place)
        return Place(place)


def output_from_scene(trained: TrainedField, flags: Export) -> Float[Tensor, "row=4 column=4"]:
    """Into the coordinates of --frame."""
    return trained.frames.input_from_scene if flags.frame == "input" else torch.eye(4, dtype=torch.float64)


def crop(trained: TrainedField, flags: Export) -> Crop:
    """What is exported, in the scene's frame. Raises ValueError where nothing of a bounded scene is in it."""
    if flags.box is None:
        return crop_of(trained.field.domain, trained.cameras)
    scene_from_output = torch.linalg.inv(output_from_scene(trained, flags))
    return crop_between(flags.box[:3], flags.box[3:], scene_from_output)


def moment(trained: TrainedField, flags: Export) -> float:
    """Raises ValueError for one that the field does not know."""
    if flags.time is not None and not trained.field.follows_time:
        raise ValueError("--time is for scenes that move: this field is the same at all times. Leave it out.")
    return flags.time or 0.0


def facts(output: Path, trained: TrainedField, flags: Export, began: float) -> dict[str, Any]:
    """What the result of every export tells, its transform being written beside it; `began` on `time.perf_counter`."""
    transform = _write_transform(output, trained, flags)
    seconds = time.perf_counter() - began
    return {"file": str(output), "transform": str(transform), "frame": flags.frame, "seconds": seconds}


def _write_transform(output: Path, trained: TrainedField, flags: Export) -> Path:
    """For whoever wants the other frame."""
    path = output.with_name(f"{output.stem}.transform.json")
    content = {
        "frame": flags.frame,
        "scene_from_input": trained.scene_from_input.tolist(),
        "input_from_scene": trained.frames.input_from_scene.tolist(),
        "scene_up": [0.0, 0.0, 1.0],
    }
    write_json(path, content)
    return path
