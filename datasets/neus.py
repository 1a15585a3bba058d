"""NeuS's folders (DTU's scans as it has them): `cameras_sphere.npz` beside `image` and, of objects, `mask`.

`world_mat_i` projects the world into picture i, and `scale_mat_i` takes the unit sphere, which holds the object, into
the world. The scene's frame is the sphere's. Pictures and masks are paired by the order of their numbers, as their
names differ. Without any `scale_mat` the frame is the world's, and the box is found as for other photographs. NeuS's
pixels have whole numbers at their centres, ours at half ones. Where matrices were reduced together with the pictures
that is half a pixel of the full size; the file does not say which that was, but DTU's is known.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from scipy.linalg import rq

from ..scenes.camera_groups import all_poses
from ..scenes.domain import Box, Contraction
from ..scenes.names import distinct_names
from ..scenes.notice import notice
from ..scenes.orientation import upright
from ..scenes.placement import Capture, Placement, Stated, in_box, in_contraction, notice_poses, place
from ..scenes.scene import Scene
from ..scenes.views import cameras_of
from .format import Format, Reading
from .frame import Frame
from .images import Picture, picture_size
from .intrinsics import Intrinsics
from .numpy_file import read_arrays
from .photographs import listed
from .posed import opengl_pose, scene_of

FILE, IMAGES, MASKS = "cameras_sphere.npz", "image", "mask"
FULL = (1600, 1200)  # pixels, of DTU's pictures
CENTRE_OF_PIXEL = 0.5
CORNERS = ((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0))  # of the box around the unit sphere


def is_neus(path: Path) -> bool:
    return path.name == FILE or (path / FILE).is_file()


def load_neus(path: Path, reading: Reading) -> Scene:
    """The folder, or the file in it. What is outside of the masks is transparent; without masks the surroundings are
    learnt as well. Raises FileNotFoundError or ValueError that names the file and the matrix."""
    root = path if path.is_dir() else path.parent
    file = root / FILE
    matrices = read_arrays(file)
    pictures = _in_order(root / IMAGES)
    masks = _in_order(root / MASKS) if (root / MASKS).is_dir() else []
    if masks and len(masks) != len(pictures):
        raise ValueError(
            f"{root / MASKS} holds {len(masks)} masks, and {root / IMAGES} {len(pictures)} pictures: each must "
            "have one."
        )
    scaled = any(name.startswith("scale_mat_") for name in matrices)
    if not scaled:
        notice(f"{file} has no scale_mat: the box is put around what the cameras look at.")
        matrices = matrices | {f"scale_mat_{i}": np.eye(4) for i in range(max(1, len(pictures)))}
    sphere = _matrix(file, matrices, "scale_mat_0")
    frames = [
        _frame(file, matrices, i, path, masks[i : i + 1], name)
        for i, (path, name) in enumerate(zip(pictures, distinct_names(pictures), strict=True))
    ]
    scene = scene_of(
        frames,
        Stated(str(file)),
        reading=reading,
        name=root.resolve().name,
        source="NeuS",
        put=partial(_place, masked=bool(masks)) if scaled else place,
    )
    return replace(scene, input_from_original=torch.from_numpy(np.linalg.inv(sphere)))


def decompose(
    projection: Float[np.ndarray, "row=3 column=4"],
) -> tuple[Float[np.ndarray, "row=3 column=3"], Float[np.ndarray, "row=4 column=4"]]:
    """K, with 1 as its last number, and a rigid map from world to camera (OpenCV's axes), of which the projection is
    K [R|t] but for a factor. Raises ValueError where it is that of no camera."""
    if not np.isfinite(projection).all() or np.linalg.matrix_rank(projection[:, :3]) < 3:
        raise ValueError("is not the projection of a camera")
    projection = projection * np.sign(np.linalg.det(projection[:, :3]))
    upper, rotation = rq(projection[:, :3])
    signs = np.diag(np.sign(np.diag(upper)))  # the focal lengths are above zero: then R has the determinant 1
    upper, rotation = upper @ signs, signs @ rotation
    camera_from_world = np.eye(4)
    camera_from_world[:3, :3] = rotation
    camera_from_world[:3, 3] = np.linalg.solve(upper, projection[:, 3])
    return upper / upper[2, 2], camera_from_world


def _frame(
    file: Path, matrices: dict[str, np.ndarray], i: int, path: Path, masks: Sequence[Path], name: str
) -> Frame:
    world, sphere = _matrix(file, matrices, f"world_mat_{i}"), _matrix(file, matrices, f"scale_mat_{i}")
    try:
        kernel, camera_from_world = decompose((world @ sphere)[:3])
    except ValueError as error:
        raise ValueError(f"{file}: world_mat_{i} {error}.") from None
    picture = Picture(path, f"{file}: world_mat_{i}")
    size = picture_size(picture)
    half = CENTRE_OF_PIXEL / _reduced(size)
    return Frame(
        name=name,
        picture=picture,
        intrinsics=Intrinsics(
            size=size,
            focal=(kernel[0, 0], kernel[1, 1]),
            principal=(kernel[0, 2] + half, kernel[1, 2] + half),
        ),
        world_from_camera=opengl_pose(torch.from_numpy(camera_from_world)),
        alpha=tuple(Picture(each, f"the mask of {picture.named_by}") for each in masks),
    )


def _place(capture: Capture, stated: Stated, *, masked: bool) -> Placement:
    """The unit sphere, turned upright."""
    notice_poses(capture, stated.file)
    poses = all_poses(cameras_of(capture.train))
    scene_from_input = upright(poses, "up", None, torch.zeros(3, dtype=torch.float64))
    if masked:
        return in_box(scene_from_input, Box(*CORNERS))
    return in_contraction(scene_from_input, Contraction(*CORNERS))


def _reduced(size: tuple[int, int]) -> int:
    """How many times smaller than DTU's full size; 1 for all that is no whole part of it."""
    factor = FULL[0] // size[0]
    return factor if factor and FULL == (factor * size[0], factor * size[1]) else 1


def _in_order(folder: Path) -> list[Path]:
    """2.png before 10.png."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder.parent} has {FILE}, but no folder {folder.name}.")
    return sorted(listed(folder), key=lambda path: [int(each) for each in re.findall(r"\d+", path.stem)])


def _matrix(file: Path, matrices: dict[str, np.ndarray], name: str) -> Float[np.ndarray, "row=4 column=4"]:
    if name not in matrices:
        raise ValueError(f"{file} lacks {name}, which each picture needs.")
    matrix = matrices[name]
    if matrix.shape not in ((3, 4), (4, 4)) or not np.isfinite(matrix).all():
        raise ValueError(f"{file}: {name} is not a table of 4 rows of 4 finite numbers.")
    matrix = np.concatenate([matrix[:3], [[0.0, 0.0, 0.0, 1.0]]])
    if np.linalg.matrix_rank(matrix) < 4:
        raise ValueError(f"{file}: {name} has no inverse.")
    return matrix


NEUS = Format(f"{FILE} (NeuS)", is_neus, load_neus)
