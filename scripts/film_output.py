"""Where a film goes: a video, or a folder of pictures."""

from collections.abc import Iterator
from pathlib import Path

from jaxtyping import UInt8
from rich.console import Console
from torch import Tensor

from ..export.video import frame_name, video_size, write_frames, write_video
from ..terminal.say import say
from .outputs import try_file, try_folder


def is_video(output: Path) -> bool:
    return output.suffix.lower() == ".mp4" and not output.is_dir()


def check_name(output: Path) -> None:
    """Raises ValueError where it is the name of neither."""
    if output.suffix and not is_video(output) and not output.is_dir():
        raise ValueError(
            f"--output {output}: a video is a file that ends in .mp4, and pictures go into a folder "
            "whose name has no dot."
        )


def check_place(output: Path, source: Path, count: int) -> None:
    """Raises ValueError where so many frames of the field in `source` cannot be written, or would be mixed with
    others."""
    if is_video(output):
        try_file(output)
        if output.exists() and output.samefile(source):
            raise ValueError(f"--output {output} is the field's own file: name another one.")
        return
    try_folder(output)
    if (output / frame_name(count)).exists():
        raise ValueError(
            f"{output} holds more frames than the {count} of this path: name another folder with --output."
        )


def size_in_file(output: Path, size: tuple[int, int], console: Console) -> tuple[int, int]:
    """Width and height, and a word where they are others than asked for."""
    if not is_video(output) or video_size(*size) == size:
        return size
    width, height = video_size(*size)
    say(console, f"The video is {width}×{height}, not {size[0]}×{size[1]}: H.264 has even sides only.")
    return width, height


def write(output: Path, pictures: Iterator[UInt8[Tensor, "height width rgb=3"]], fps: float) -> int:
    """How many there were."""
    return write_video(output, pictures, fps) if is_video(output) else write_frames(output, pictures)
