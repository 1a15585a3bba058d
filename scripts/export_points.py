"""`omnifield export points`."""

import time
from collections.abc import Callable
from typing import Any

import torch
from rich.console import Console

from ..export.points import evenly, surface_points, write_points
from ..export.ray_ends import at_time
from ..scenes import Rays
from ..scenes.camera_groups import camera_count
from ..terminal.bar import counted
from ..terminal.say import say
from ..train.field_file import TrainedField
from .export_place import Place, crop, facts, moment, output_from_scene
from .flags.export import Export

NAME = "points.ply"
ENDINGS = (".ply",)
RAYS_PER_POINT = 4  # many meet nothing, and of the others those are left that are evenly apart


def run(trained: TrainedField, place: Place, flags: Export, console: Console) -> dict[str, Any]:
    """Ctrl-C leaves nothing. Raises ValueError in the user's words."""
    began, views = time.perf_counter(), camera_count(trained.cameras)
    rays = max(1, RAYS_PER_POINT * flags.count // views)
    clouds = counted(surface_points(trained, rays, _clip(trained, flags)), views, "view", console)
    cloud = evenly(clouds, flags.count)
    count = write_points(place.output, cloud, output_from_scene(trained, flags))
    result = facts(place.output, trained, flags, began) | {"vertices": count}
    if not flags.json:
        say(console, f"{count:,} points in {result['seconds']:.1f} s: {place.output}")
    return result


def _clip(trained: TrainedField, flags: Export) -> Callable[[Rays], Rays]:
    box, when = crop(trained, flags), moment(trained, flags)
    known = when if trained.field.follows_time else None

    @torch.no_grad()
    def clip(rays: Rays) -> Rays:
        return at_time(box.apply(rays), known)

    return clip
