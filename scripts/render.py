"""`omnifield render`: a trained field along a camera path, as a video or as pictures."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
import tyro
from jaxtyping import UInt8
from rich.console import Console
from torch import Tensor

from ..datasets.camera_path import USUAL_FPS, CameraPath, from_nerfstudio
from ..datasets.path_frame import PathFrame
from ..export.color_maps import DepthRange, depth_picture, depth_range, opacity_picture
from ..export.paths import at_size, face_the_same_way, orbit, spiral
from ..export.video import frame_name, video_size, write_frames, write_video
from ..ops import keep_freed_memory
from ..renderers import VolumeRenderer
from ..scenes import Cameras
from ..terminal.counting import counted, say
from ..terminal.progress import until_told_to_stop
from ..train.field_file import TrainedField, find_field_file, load_field
from ..train.pictures import to_bytes
from .arguments import Device, check_above_zero, choose_device, choose_size
from .outputs import try_file, try_folder

USUAL_FRAMES = 120
MOST_FRAMES = 100_000
FEWEST_FPS, MOST_FPS = 0.01, 1000.0
Shown = Literal["color", "depth", "opacity"]


@dataclass(frozen=True)
class Render:
    """Render a trained field along a camera path, to a video or to pictures."""

    file: Annotated[Path, tyro.conf.Positional]
    """The field's file, or the folder of its training."""
    output: Path = Path("renders/output.mp4")
    """A video (NAME.mp4), or a folder for frame_00000.png and so on (a name without a dot)."""
    path: Literal["auto", "orbit", "spiral"] = "auto"
    """A turn around the scene, or LLFF's spiral; auto: the spiral where all cameras looked the same way."""
    camera_path: Path | None = None
    """A camera path in nerfstudio's JSON instead, or a transforms.json, whose cameras it then leads through. A path of
    nerfstudio's own is left for the data's frame where the dataparser_transforms.json of its run lies beside it."""
    frame: PathFrame = "input"
    """The frame of a camera path that does not say its own: input is that of the data, as they were given; scene the
    field's, which info tells."""
    show: Shown = "color"
    """Colour; or depth, from red for near to blue for far; or opacity, from black to white."""
    frames: int | None = None
    """How many frames (120, unless --seconds is given)."""
    seconds: float | None = None
    """How long the video is, in seconds, instead of --frames."""
    fps: float | None = None
    """Frames per second (30, or those of the camera path)."""
    time: float | None = None
    """The moment of a moving scene, from 0 to 1 (0, or those of the camera path)."""
    time_to: float | None = None
    """The moment of the last frame: time runs evenly from --time to here over the frames."""
    width: int | None = None
    """Pixels (those of the training images, or of the camera path); alone it sets --height in proportion."""
    height: int | None = None
    """Pixels; alone it sets --width in proportion."""
    device: Device = "auto"
    """auto takes a GPU once there are kernels for it, until then the CPU; cuda runs plain torch."""
    json: bool = False
    """Print the result as one JSON object on standard output."""


def run_render(flags: Render) -> dict[str, Any]:
    """Ctrl-C ends the path early and keeps what was rendered.

    Raises ValueError or FileNotFoundError in the user's words.
    """
    keep_freed_memory()
    console = Console(stderr=True)
    _check(flags)
    device = choose_device(flags.device, console)
    file = find_field_file(flags.file)
    trained = load_field(file, device)
    film = _film(trained, flags)
    _check_output(flags, file, len(film.cameras))
    if film.said:
        say(console, film.said)
    width, height = _size(film.cameras, flags, console)
    began = time.perf_counter()
    with until_told_to_stop() as told:
        views = takewhile(lambda view: view == 0 or not told.is_set(), range(len(film.cameras)))
        pictures = _pictures(trained, film.cameras, views, flags.show)
        count = _write(flags, counted(pictures, len(film.cameras), "frame", console), film.fps)
    seconds = time.perf_counter() - began
    if not flags.json:
        say(console, f"{count} frames of {width}×{height} in {seconds:.1f} s: {flags.output}")
    return {
        "file": str(flags.output),
        "seconds": seconds,
        "frames": count,
        "fps": film.fps,
        "width": width,
        "height": height,
        "interrupted": count < len(film.cameras),
    }


def _size(cameras: Cameras, flags: Render, console: Console) -> tuple[int, int]:
    """Of the file's pictures, and a word where that is another than asked for."""
    size = cameras.width, cameras.height
    if not _is_video(flags) or video_size(*size) == size:
        return size
    width, height = video_size(*size)
    say(console, f"The video is {width}×{height}, not {size[0]}×{size[1]}: H.264 has even sides only.")
    return width, height


def _write(flags: Render, pictures: Iterator[UInt8[Tensor, "height width rgb=3"]], fps: float) -> int:
    if _is_video(flags):
        return write_video(flags.output, pictures, fps)
    return write_frames(flags.output, pictures)


def _is_video(flags: Render) -> bool:
    return flags.output.suffix.lower() == ".mp4" and not flags.output.is_dir()


def _check_output(flags: Render, file: Path, count: int) -> None:
    """Raises ValueError where the frames cannot be written, or would be mixed with others."""
    if _is_video(flags):
        try_file(flags.output)
        if flags.output.exists() and flags.output.samefile(file):
            raise ValueError(f"--output {flags.output} is the field's own file: name another one.")
        return
    try_folder(flags.output)
    if (flags.output / frame_name(count)).exists():
        raise ValueError(
            f"{flags.output} holds more frames than the {count} of this path: name another folder with --output."
        )


def _check(flags: Render) -> None:
    if flags.output.suffix and not _is_video(flags) and not flags.output.is_dir():
        raise ValueError(
            f"--output {flags.output}: a video is a file that ends in .mp4, and pictures go into a folder "
            "whose name has no dot."
        )
    check_above_zero("--frames", flags.frames, MOST_FRAMES)
    check_above_zero("--fps", flags.fps, MOST_FPS)
    if flags.fps is not None and flags.fps < FEWEST_FPS:
        raise ValueError(f"--fps must be {FEWEST_FPS} or more, not {flags.fps:g}.")
    check_above_zero("--seconds", flags.seconds, math.inf)
    if flags.seconds is not None and flags.frames is not None:
        raise ValueError("--frames and --seconds: give one of them; the other follows from --fps.")
    for flag, value in (("--time", flags.time), ("--time-to", flags.time_to)):
        if value is not None and not 0 <= value <= 1:
            raise ValueError(f"{flag} must be from 0 to 1, not {value:g}.")
    if flags.camera_path is not None and (flags.path != "auto" or flags.seconds or flags.frames):
        raise ValueError(
            "--camera-path says by itself what --path, --frames and --seconds say: leave them out."
        )
    if flags.camera_path is None and flags.frame != "input":
        raise ValueError("--frame is that of a --camera-path: without one leave it out.")


def _film(trained: TrainedField, flags: Render) -> CameraPath:
    """The cameras of every frame, on the field's device."""
    if flags.camera_path is not None:
        near, frames = trained.cameras.near, trained.frames
        given = from_nerfstudio(flags.camera_path, near=near, frames=frames, asked=flags.frame)
        size = choose_size(flags.width, flags.height, (given.cameras.width, given.cameras.height))
        cameras, fps, said = at_size(given.cameras, size), flags.fps or given.fps, given.said
    else:
        size = choose_size(flags.width, flags.height, (trained.cameras.width, trained.cameras.height))
        fps, said = flags.fps or USUAL_FPS, ""
        cameras = _path(trained, flags)(trained, _frame_count(flags, fps), size)
    return CameraPath(_at_times(cameras, flags).to(trained.cameras.focal.device), fps, said)


def _at_times(cameras: Cameras, flags: Render) -> Cameras:
    """The same cameras at the moments asked for; their own where none is."""
    if flags.time is None and flags.time_to is None:
        return cameras
    first = flags.time or 0.0
    last = first if flags.time_to is None else flags.time_to
    return replace(cameras, time=torch.linspace(first, last, len(cameras)))


def _path(trained: TrainedField, flags: Render) -> Callable[[TrainedField, int, tuple[int, int]], Cameras]:
    if flags.path == "auto":
        return spiral if face_the_same_way(trained.cameras) else orbit
    return {"orbit": orbit, "spiral": spiral}[flags.path]


def _frame_count(flags: Render, fps: float) -> int:
    if flags.seconds is None:
        count = flags.frames or USUAL_FRAMES
    else:
        count = max(1.0, flags.seconds * fps)
    if count > MOST_FRAMES:
        raise ValueError(f"--frames, or --seconds times --fps, may be at most {MOST_FRAMES}, not {count:g}.")
    return round(count)


def _pictures(
    trained: TrainedField, cameras: Cameras, views: Iterable[int], show: Shown
) -> Iterator[UInt8[Tensor, "height width rgb=3"]]:
    """Rendered one by one; depths have the colours of the first picture's range in all of them."""
    renderer = VolumeRenderer(trained.sampler)
    background = torch.tensor(trained.background, device=cameras.focal.device)
    shape = (cameras.height, cameras.width)
    shown: DepthRange | None = None
    for view in views:
        rendering = renderer.render_image(trained.field, cameras.pixel_rays(view), background)
        depth, opacity = rendering.depth.reshape(shape), rendering.opacity.reshape(shape)
        if show == "color":
            yield to_bytes(rendering.color.reshape(*shape, 3))
        elif show == "opacity":
            yield opacity_picture(opacity)
        else:
            shown = shown or depth_range(depth, opacity)
            yield depth_picture(depth, opacity, shown)
