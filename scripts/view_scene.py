"""A data set as the viewer knows it, before there is a field: its cameras, its pictures and its sparse points."""

import json
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from ..photos.process import STATED
from ..renderers import Rendering
from ..scenes import Rays, Scene
from ..scenes.camera_groups import camera_count, sizes
from ..scenes.views import Views, cameras_of, full_size
from ..viewer.subject import Subject

WHITE = (1.0, 1.0, 1.0)
MOST_NAMES = 20  # of pictures that found no place


def scene_subject(scene: Scene, path: Path) -> Subject:
    """Held-out pictures come behind those for training."""
    groups = (*full_size(scene.train), *full_size(scene.test))

    def photograph(number: int, longest: int) -> UInt8[np.ndarray, "height width rgb=3"]:
        for views in groups:
            if number < len(views.cameras):
                return _small(views, number, longest)
            number -= len(views.cameras)
        raise IndexError(number)

    return Subject(
        name=f"data · {scene.name}",
        trace=nothing_seen,
        cameras=(*cameras_of(scene.train), *cameras_of(scene.test)),
        domain=scene.domain,
        background=WHITE,
        figures=figures(scene, path),
        points=scene.points,
        photograph=photograph,
    )


def nothing_seen(rays: Rays, background: Float[Tensor, "rgb=3"]) -> Rendering:
    zero = torch.zeros(len(rays), device=rays.near.device)
    return Rendering(background.expand(len(rays), 3).clone(), zero, zero + torch.inf, zero.long())


def figures(scene: Scene, path: Path) -> str:
    """Markdown: what a person wants to know of a data set."""
    train, test = cameras_of(scene.train), cameras_of(scene.test)
    lines = [
        f"**{scene.name}**, {scene.source}",
        f"{camera_count(train)} pictures for training, {camera_count(test)} held out, of {sizes((*train, *test))}",
    ]
    if scene.points is not None:
        lines.append(f"{len(scene.points):,} sparse points")
    if missing := left_out(path):
        more = f" and {len(missing) - MOST_NAMES} more" if len(missing) > MOST_NAMES else ""
        names = ", ".join(f"`{name}`" for name in missing[:MOST_NAMES])
        lines.append(f"found no place: {names}{more}")
    return "  \n".join(lines)


def left_out(path: Path) -> list[str]:
    """Pictures that `omnifield process` found no place for, where it made the data set and says so."""
    file = (path if path.is_dir() else path.parent) / STATED
    try:
        names = json.loads(file.read_text(encoding="utf-8"))["unplaced"]
        return [str(name) for name in names]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _small(views: Views, number: int, longest: int) -> UInt8[np.ndarray, "height width rgb=3"]:
    stride = max(1, -(-max(views.cameras.width, views.cameras.height) // longest))
    every = slice(None, None, stride)
    color, alpha = views.colors_and_alpha(number, every, every)
    shown = color * alpha[..., None] + (1 - alpha[..., None])
    return (shown * 255).round().to(torch.uint8).cpu().numpy()
