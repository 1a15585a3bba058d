"""LLFF's folders: `poses_bounds.npy` beside `images` or `images_N`.

Of each picture it has 17 numbers: a table of 3 rows and 5 columns, row by row, and two depths. The first three columns
are the directions of the camera's down, right and back, the fourth is its place, the fifth height, width and focal
length of the full size. Between the two depths, along the viewing axis, is what the picture sees.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from ..scenes.names import distinct_names
from ..scenes.placement import Stated
from ..scenes.scene import Scene
from .format import Format, Reading
from .frame import Frame
from .images import Picture, picture_size
from .intrinsics import Intrinsics, aspect_error
from .numpy_file import read_array
from .photographs import IMAGES, choose, find, has_photographs, listed, mask_of
from .pose import made_rigid
from .posed import Surfaces, scene_of

FILE = "poses_bounds.npy"
NUMBERS = 17


def is_llff(path: Path) -> bool:
    return path.name == FILE or (path / FILE).is_file()


def load_llff(path: Path, reading: Reading) -> Scene:
    """The folder, or the file in it. Raises FileNotFoundError or ValueError that names the file and the row."""
    root = path if path.is_dir() else path.parent
    file = root / FILE
    table = read_poses_bounds(file)
    if not has_photographs(root):
        raise FileNotFoundError(
            f"{root} has {FILE}, but no folder {IMAGES}, nor a reduced one as {IMAGES}_4."
        )
    full = root / IMAGES
    names = [each.name for each in listed(full)] if full.is_dir() else None
    photographs = choose(root, reading.downscale, names)
    paths = [find(photographs.folder, each) for each in names] if names else listed(photographs.folder)
    if len(paths) != len(table):
        raise ValueError(
            f"{file} has poses of {len(table)} pictures, but {photographs.folder} holds {len(paths)}: which belong to "
            "which cannot be known."
        )
    pictures = [Picture(each, f"{file}: row {i}") for i, each in enumerate(paths) if each is not None]
    names = distinct_names([each.path for each in pictures])
    frames = [
        Frame(
            name=name,
            picture=picture,
            intrinsics=_lens(file, i, row, picture),
            world_from_camera=made_rigid(_pose(row), f"{file}: row {i}"),
            masks=mask_of(photographs, picture.path.name),
        )
        for i, (row, picture, name) in enumerate(zip(table, pictures, names, strict=True))
    ]
    return scene_of(
        frames,
        Stated(str(file)),
        reading=replace(reading, downscale=photographs.left),
        name=root.resolve().name,
        source="LLFF",
        surfaces=Surfaces(nearest=float(table[:, 15].min())),
    )


def read_poses_bounds(file: Path) -> Float[np.ndarray, "picture number=17"]:
    """Raises ValueError where a size, a focal length or a bound is none, naming the row."""
    table = read_array(file)
    if table.ndim != 2 or table.shape[1] != NUMBERS or not len(table):
        shape = "x".join(map(str, table.shape)) or "one number"
        raise ValueError(f"{file} is a table of {shape}, but must have {NUMBERS} numbers for each picture.")
    for i, row in enumerate(table):
        if not np.isfinite(row).all():
            raise ValueError(f"{file}: row {i} has a number that is not finite.")
        if min(row[[4, 9, 14]]) <= 0:
            raise ValueError(f"{file}: row {i} has a height, width or focal length that is not above zero.")
        if not 0 < row[15] < row[16]:
            raise ValueError(
                f"{file}: row {i} has the bounds {row[15]:g} and {row[16]:g}; the first must be above zero and "
                "the second larger."
            )
    return table


def _pose(row: np.ndarray) -> torch.Tensor:
    """LLFF's down, right, back as OpenGL's right, up, back."""
    down, right, back, place, _ = row[:15].reshape(3, 5).T
    pose = torch.eye(4, dtype=torch.float64)
    pose[:3] = torch.from_numpy(np.stack([right, -down, back, place], 1))
    return pose


def _lens(file: Path, i: int, row: np.ndarray, picture: Picture) -> Intrinsics:
    height, width, focal = row[[4, 9, 14]].tolist()
    size = picture_size(picture)
    lens = Intrinsics((width, height), (focal, focal), (width / 2, height / 2))
    swapped = aspect_error((height, width), size) <= 2 * max(width, height)
    if not lens.is_resize_of(size) and swapped:
        raise ValueError(
            f"{file}: row {i} has height {height:g} and width {width:g}, which look swapped: {picture.path.name} has "
            f"{size[0]}x{size[1]} pixels."
        )
    return lens


LLFF = Format(f"{FILE} (LLFF)", is_llff, load_llff)
