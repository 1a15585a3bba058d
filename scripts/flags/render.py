"""The flags of `omnifield render`."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from ..arguments import check_above_zero
from .choices import Device, named, usually

USUAL_FRAMES = 120
MOST_FRAMES = 100_000
FEWEST_FPS, MOST_FPS = 0.01, 1000.0


@dataclass(frozen=True)
class Render:
    """Render a trained field along a camera path, to a video or to pictures."""

    file: Annotated[Path, tyro.conf.Positional, named("FILE")]
    """The field's file, or the folder of its training."""
    output: Path = Path("renders/output.mp4")
    """A video (NAME.mp4), or a folder for frame_00000.png and so on (a name without a dot)."""
    path: Literal["auto", "orbit", "spiral"] = "auto"
    """A turn around the scene, or LLFF's spiral; auto: the spiral where all cameras looked the same way."""
    camera_path: Annotated[Path | None, named("FILE"), usually("that of --path")] = None
    """A camera path in nerfstudio's JSON instead, or a transforms.json, whose cameras it then leads through.
    A path of nerfstudio's own is left for the data's frame where its run's dataparser_transforms.json lies beside."""
    frame: Literal["input", "scene"] = "input"
    """The frame of a camera path that does not say its own: input is that of the data, as they were given.
    And scene is the field's, which `omnifield info` tells."""
    show: Literal["color", "depth", "opacity"] = "color"
    """Colour; or depth, from red for near to blue for far; or opacity, from black to white."""
    frames: Annotated[int | None, usually(f"{USUAL_FRAMES}, or those of --seconds or the camera path")] = None
    """How many frames."""
    seconds: Annotated[float | None, usually("as long as --frames take")] = None
    """How long the video is, in seconds, instead of --frames."""
    fps: Annotated[float | None, usually("30, or those of the camera path")] = None
    """Frames per second."""
    time: Annotated[float | None, usually("0, or those of the camera path")] = None
    """The moment of a moving scene, from 0 to 1."""
    time_to: Annotated[float | None, usually("time stands still")] = None
    """The moment of the last frame: time runs evenly from --time to here over the frames."""
    width: Annotated[int | None, usually("that of the training images, or of the camera path")] = None
    """Pixels; alone it sets --height in proportion."""
    height: Annotated[int | None, usually("that of the training images, or of the camera path")] = None
    """Pixels; alone it sets --width in proportion."""
    device: Device = "auto"
    """auto takes a GPU once there are kernels for it, until then the CPU; cuda runs plain torch."""
    json: bool = False
    """Print the result as one JSON object on standard output."""

    def check(self) -> None:
        """Raises ValueError, naming the flag."""
        check_above_zero("--frames", self.frames, MOST_FRAMES)
        check_above_zero("--fps", self.fps, MOST_FPS)
        if self.fps is not None and self.fps < FEWEST_FPS:
            raise ValueError(f"--fps must be {FEWEST_FPS} or more, not {self.fps:g}.")
        check_above_zero("--seconds", self.seconds, math.inf)
        if self.seconds is not None and self.frames is not None:
            raise ValueError("--frames and --seconds: give one of them; the other follows from --fps.")
        for flag, value in (("--time", self.time), ("--time-to", self.time_to)):
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"{flag} must be from 0 to 1, not {value:g}.")
        if self.camera_path is not None and (self.path != "auto" or self.seconds or self.frames):
            raise ValueError(
                "--camera-path says by itself what --path, --frames and --seconds say: leave them out."
            )
        if self.camera_path is None and self.frame != "input":
            raise ValueError("--frame is that of a --camera-path: without one leave it out.")

    def frame_count(self, fps: float) -> int:
        """Of a path that is made for it. Raises ValueError where these are too many."""
        count = (self.frames or USUAL_FRAMES) if self.seconds is None else max(1.0, self.seconds * fps)
        if count > MOST_FRAMES:
            raise ValueError(
                f"--frames, or --seconds times --fps, may be at most {MOST_FRAMES}, not {count:g}."
            )
        return round(count)
