"""PLY as every reader knows it: little-endian, float32 places, and colours of a byte each."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from ..train.files import write_atomically
from .triangles import Corners


def _no_faces() -> Corners:
    return np.zeros((0, 3), np.int64)


@dataclass(frozen=True)
class Ply:
    """Vertices with what is known of each, and faces or none."""

    position: Float[np.ndarray, "vertex xyz=3"]
    normal: Float[np.ndarray, "vertex xyz=3"]
    color: UInt8[np.ndarray, "vertex rgb=3"]
    faces: Corners = field(default_factory=_no_faces)
    more: dict[str, Float[np.ndarray, "vertex"]] = field(default_factory=dict)
    """Other figures of each vertex, by name."""


def write_ply(path: Path, ply: Ply) -> None:
    """Raises ValueError if it cannot be written."""

    def write(beside: Path) -> None:
        with open(beside, "wb") as file:
            file.write(_header(ply).encode("ascii"))
            _vertices(ply).tofile(file)
            _faces(ply.faces).tofile(file)

    write_atomically(path, write)


def _columns(ply: Ply) -> list[tuple[str, str]]:
    floats = ("x", "y", "z", "nx", "ny", "nz", *ply.more)
    return [*((name, "<f4") for name in floats), *((name, "u1") for name in ("red", "green", "blue"))]


def _header(ply: Ply) -> str:
    kinds = {"<f4": "float", "u1": "uchar"}
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {len(ply.position)}"]
    lines += [f"property {kinds[kind]} {name}" for name, kind in _columns(ply)]
    if len(ply.faces):
        lines += [f"element face {len(ply.faces)}", "property list uchar int vertex_indices"]
    return "\n".join([*lines, "end_header\n"])


def _vertices(ply: Ply) -> np.ndarray:
    table = np.empty(len(ply.position), _columns(ply))
    columns = [*ply.position.T, *ply.normal.T, *ply.more.values(), *ply.color.T]
    for (name, _), values in zip(_columns(ply), columns, strict=True):
        table[name] = values
    return table


def _faces(faces: Corners) -> np.ndarray:
    table = np.empty(len(faces), [("count", "u1"), ("corners", "<i4", 3)])
    table["count"], table["corners"] = 3, faces
    return table
