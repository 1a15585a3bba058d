"""The flags of `omnifield export`."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from ..arguments import check_at_most, check_count
from .choices import Device, Repeated, named, usually

What = Literal["mesh", "points", "web", "cameras"]
FEWEST_CELLS, MOST_CELLS = 8, 2048
FEWEST_FACES, MOST_FACES = 4, 10_000_000
SMALLEST_TEXTURE, LARGEST_TEXTURE = 64, 16384  # texels; few machines draw larger ones
MOST_POINTS = 20_000_000
Corners = tuple[float, float, float, float, float, float]


@dataclass(frozen=True)
class Export:
    """Take a trained field out: as a mesh, as points, as a web page, or as its cameras."""

    what: Annotated[What, tyro.conf.Positional]
    """mesh: its surface, with its colours as a texture.
    points: places on its surface, with colours, normals and opacity.
    web: one HTML page that opens by double-click, offline, in any browser.
    cameras: those that it was trained on."""
    file: Annotated[Path, tyro.conf.Positional, named("FILE")]
    """The field's file, or the folder of its training."""
    output: Annotated[Path | None, named("FILE"), usually("beside the field's file")] = None
    """Where to. A mesh ends in .glb, .obj (with .mtl and .png beside it) or .ply; points in .ply, a page in .html.
    Cameras are a transforms.json, or a folder (a name without a dot) for COLMAP's cameras.txt and images.txt."""
    frame: Literal["input", "scene"] = "input"
    """Whose coordinates: input is those of the data, as they were given; scene those of the field, +Z up."""
    poses: Literal["refined", "given"] = "refined"
    """For cameras: where a training has refined them (fit.poses), or where the data have them."""
    box: Annotated[Corners | None, named("X0 Y0 Z0 X1 Y1 Z1"), usually("the box of the field")] = None
    """For mesh, points and web: nothing outside of it is exported. Two opposite corners, in the coordinates of --frame.
    Without it a page shows all of an unbounded scene."""
    time: Annotated[float | None, usually("0")] = None
    """For mesh, points and web: the moment of a moving scene, from 0 to 1."""
    method: Literal["auto", "density", "fusion"] = "auto"
    """For mesh: density takes the surface from the field's density, fusion from depths that it renders.
    auto is the one that was better where it was measured; fusion needs `pip install 'omnifield[mesh]'`."""
    resolution: int = 256
    """For mesh: cells along the longest edge of the box, in which a surface is looked for."""
    faces: int = 50_000
    """For mesh: at most about so many triangles are left."""
    texture: int = 2048
    """For mesh: the texture's width and height in texels; 0 has colours at the vertices instead."""
    count: int = 200_000
    """For points: about how many, evenly over the surfaces."""
    folder: bool = False
    """For web: the same as separate files in a folder, for a web server."""
    title: Annotated[str, usually("the scene's name")] = ""
    """For web: of the page."""
    camera_path: Annotated[Path | None, named("FILE"), usually("none")] = None
    """For web: a camera path as `omnifield render` reads it, which a button then plays."""
    max_seconds: Annotated[float | None, usually("90, or none with --max-steps")] = None
    """For web: how long a field that is no mipvog may be converted into one, which the page can show."""
    max_steps: Annotated[int | None, usually("as many as there is time for")] = None
    """For web: the same in steps."""
    preset: str = "fine"
    """For web: the size of that conversion: tiny, default, fine or paper."""
    set: Annotated[Repeated, named("NAME=VALUE")] = ()
    """For web: a setting of it; may be given several times, and an unknown one lists them."""
    field_output: Annotated[Path | None, named("FILE"), usually("none")] = None
    """For web: also write the field that the page shows, rounded as it is there: NAME.safetensors."""
    device: Device = "auto"
    """auto takes a GPU once there are kernels for it, until then the CPU; cuda runs plain torch."""
    json: bool = False
    """Print the result as one JSON object on standard output."""

    def check(self) -> None:
        """Raises ValueError, naming the flag."""
        check_count("--count", self.count, MOST_POINTS)
        for flag, value, least, most in (
            ("--resolution", self.resolution, FEWEST_CELLS, MOST_CELLS),
            ("--faces", self.faces, FEWEST_FACES, MOST_FACES),
        ):
            if value < least:
                raise ValueError(f"{flag} must be {least} or more, not {value}.")
            check_at_most(flag, value, most)
        if self.texture and not SMALLEST_TEXTURE <= self.texture <= LARGEST_TEXTURE:
            raise ValueError(
                f"--texture must be from {SMALLEST_TEXTURE} to {LARGEST_TEXTURE} texels, or 0 for none, "
                f"not {self.texture}."
            )
        if self.time is not None and not 0 <= self.time <= 1:
            raise ValueError(f"--time must be from 0 to 1, not {self.time:g}.")
        if self.box is not None:
            _check_box(self.box)


def _check_box(box: Corners) -> None:
    if not all(map(math.isfinite, box)) or not all(a < b for a, b in zip(box[:3], box[3:], strict=True)):
        raise ValueError(
            f"--box {' '.join(f'{c:g}' for c in box)}: the first three numbers are its low corner, and the "
            "others, each larger than its own of these, the high one."
        )
