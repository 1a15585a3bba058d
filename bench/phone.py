"""A walk around the built-in still life, filmed as by a phone: how many frames find a place, and how good it gets."""

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from ..datasets import load_scene
from ..export.video import write_video
from ..fields import FieldConfig
from ..photos.options import ProcessOptions
from ..photos.process import Processed, process
from ..scenes import Scene
from ..scenes.camera_groups import all_poses
from ..scenes.views import cameras_of, full_size, names_of, view_count
from ..studio.demo_objects import still_life
from ..studio.shade import lit
from ..terminal.bar import Bar, counted
from ..terminal.say import say
from .machine import slug
from .phone_film import Phone, filmed, middles, poses
from .report import Measured, Sheet, figure
from .scene_training import Terms, train_and_judge
from .similarity import distances_after_similarity, extent

DOWNSCALE = 2  # as `omnifield process` advises for pictures of 1080p


@dataclass(frozen=True)
class PhonePlan:
    """How the film is made, its frames are placed, and a field is trained on them."""

    phone: Phone
    options: ProcessOptions
    config: FieldConfig
    terms: Terms


def measure_phone(plan: PhonePlan, console: Console) -> Measured:
    """Raises ValueError in the user's words."""
    with tempfile.TemporaryDirectory() as place:
        film, folder = Path(place) / "walk.mp4", Path(place) / "scene"
        frames = counted(
            filmed(lit(still_life()), plan.phone), plan.phone.frames, "frame of the film", console
        )
        write_video(film, frames, plan.phone.fps)
        with Bar(console) as bar:

            def report(phase: str, done: int, total: int) -> None:
                bar.update(done / max(total, 1), phase, f"{done}/{total}")

            placed = process(film, folder, plan.options, report)
        say(console, f"{len(placed.placed)} frames placed; a training of {plan.terms.max_seconds:g} s")
        return learnt(plan, placed, load_scene(folder, downscale=DOWNSCALE), console)


def learnt(plan: PhonePlan, placed: Processed, scene: Scene, console: Console) -> Measured:
    """What is learnt of the frames that were placed, and how near to where they were taken that is."""
    found, _ = train_and_judge(plan.config, scene, plan.terms, console)
    off, size = _off(plan.phone, scene)
    figures = {
        "phone": asdict(plan.phone),
        "options": asdict(plan.options),
        "frames": len(placed.placed) + len(placed.unplaced),
        "placed": len(placed.placed),
        "reprojection_error": placed.error,
        "points": placed.points,
        "seconds_of_process": placed.seconds,
        "median_off": off.median().item() / size,
        "most_off": off.max().item() / size,
        "views": [view_count(full_size(groups)) for groups in (scene.train, scene.test)],
        "stride": plan.terms.stride,
        "training": found,
        "interrupted": found["interrupted"],
    }
    return Measured(slug("process demo film"), figures, _sheet(figures))


def _off(phone: Phone, scene: Scene) -> tuple[torch.Tensor, float]:
    """Of each camera from where its frame was taken, after a similarity; and how far these are apart at most."""
    groups = full_size(scene.train) + full_size(scene.test)
    number = torch.tensor([int(name.split("_")[1]) for name in names_of(groups)])
    true = poses(phone, middles(phone)[number])[:, :, 3].double()
    return distances_after_similarity(all_poses(cameras_of(groups))[:, :, 3].double(), true), extent(true)


def _sheet(figures: dict[str, Any]) -> Sheet:
    phone, training = figures["phone"], figures["training"]
    row = (
        "the built-in scene",
        f"{figures['placed']} of {figures['frames']}",
        f"{figures['reprojection_error']:.2f}",
        f"{figures['median_off']:.2%}",
        f"{figures['most_off']:.2%}",
        figure(figures["seconds_of_process"]),
        f"{training['psnr']:.2f}",
        f"{training['steps']:,}",
    )
    columns = ("film", "placed", "reprojection (px)", "median off", "most off", "s", "PSNR (dB)", "steps")
    film = f"{phone['seconds']:g} s of {phone['width']}×{phone['height']} at {phone['fps']} frames a second"
    blur = f"the mean of {phone['moments']} moments of a shutter of 1/{1 / phone['shutter']:.0f} s"
    train, test = figures["views"]
    notes = (
        f"A walk around the still life, in front of white: {film}, a hand that trembles, each frame {blur}; H.264. "
        "Off: how far camera centres are from where the frames were taken, after the best similarity, in shares of the "
        "distance of the two that are farthest apart.",
        f"PSNR of {test} held-out frames, every pixel in {figures['stride']} along both axes, after "
        f"{training['seconds']:.0f} s of training on {train} others, sides divided by {DOWNSCALE}.",
    )
    return Sheet("A phone's film to a scene", columns, (row,), notes)
