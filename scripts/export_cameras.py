"""`omnifield export cameras`."""

import time
from typing import Any

from rich.console import Console

from ..export.cameras_file import to_transforms
from ..export.cameras_text import to_colmap
from ..scenes.camera_groups import camera_count
from ..scenes.world_frames import moved
from ..terminal.say import say
from ..train.field_file import TrainedField
from .export_place import Place, facts, output_from_scene
from .flags.export import Export

NAME = "transforms.json"
ENDINGS = (".json", "")


def run(trained: TrainedField, place: Place, flags: Export, console: Console) -> dict[str, Any]:
    """Raises ValueError in the user's words."""
    began = time.perf_counter()
    if flags.poses == "given" and not trained.knows_given:
        raise ValueError("--poses given: this field's file does not know where its data had the cameras.")
    there = output_from_scene(trained, flags)
    found = trained.cameras if flags.poses == "refined" else trained.given_cameras
    groups = [moved(cameras, there).to("cpu") for cameras in found]
    if place.output.suffix:
        to_transforms(place.output, groups, flags.frame)
    else:
        to_colmap(place.output, groups)
    count = camera_count(trained.cameras)
    result = facts(place.output, trained, flags, began) | {"cameras": count}
    if not flags.json:
        say(console, f"{count} cameras: {place.output}")
    return result
