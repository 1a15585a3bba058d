"""Reads a user's own mesh: triangles in the file's units, with the paint they come with."""

import struct
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from .gltf_file import read_gltf
from .mesh_part import Part, checked
from .obj_file import read_obj
from .off_file import read_off
from .scan_file import read_ply, read_stl

READERS = {
    ".glb": read_gltf,
    ".gltf": read_gltf,
    ".obj": read_obj,
    ".off": read_off,
    ".ply": read_ply,
    ".stl": read_stl,
}
Y_UP = (
    ".glb",
    ".gltf",
    ".obj",
)  # glTF by specification, OBJ by custom; PLY, STL and OFF come from z-up programs
LFS = b"version https://git-lfs.github.com/spec/"

# What a file can make its parser raise when it is not what it says.
PARSERS_RAISE = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, struct.error)


def read_parts(path: Path) -> list[Part]:
    """All triangles of a GLB, glTF, OBJ, PLY, STL or OFF file, transforms applied, in its own units and axes.

    Raises FileNotFoundError where there is no such file (or none that holds its data), and ValueError where it holds
    no mesh that could be rendered. Says, and goes on, where something in it is not rendered as the file has it.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There is no mesh file {path}.")
    with path.open("rb") as file:
        start = file.read(len(LFS))
    if not start:
        raise ValueError(f"{path} is empty.")
    if start == LFS:
        raise ValueError(f"{path} only stands for a mesh that git-lfs keeps; `git lfs pull` fetches it.")
    try:
        return checked(READERS[path.suffix.lower()](path), path)
    except PARSERS_RAISE as error:
        reason = " ".join(f"{type(error).__name__} {error}".split()).rstrip(".")
        raise ValueError(f"{path} is damaged, or not what its name says ({reason}).") from error


def world_from_file(path: Path) -> Float32[np.ndarray, "row=3 column=3"]:
    """The rotation that turns the file's axes to +Z up."""
    if path.suffix.lower() in Y_UP:
        return np.asarray([[1, 0, 0], [0, 0, -1], [0, 1, 0]], dtype=np.float32)
    return np.eye(3, dtype=np.float32)
