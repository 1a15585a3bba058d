"""Reads PLY and STL files, which trimesh takes apart, after a look at what they say of themselves."""

import io
import re
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh
from trimesh.visual.color import ColorVisuals
from trimesh.visual.texture import TextureVisuals

from ..scenes.notice import notice
from .mesh_part import GREY, PLAIN_ROUGHNESS, Part, Tint, Uv, count_checked, nowhere, plain, white
from .mesh_picture import UnreadablePicture, linear, read_picture
from .mesh_resources import beside
from .surface import Material

LONGEST_HEADER = 1 << 16
SINGLE = re.compile(rb"(property\s+)float(?:32)?(\s+[xyz]\b)")
STL_HEADER, STL_FACE = 84, 50  # bytes
TRIMESH_RAISES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    NameError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)


@dataclass(frozen=True)
class Header:
    """How much of what a PLY file says that it holds, and the picture that lies on it."""

    counts: dict[str, int]
    picture: str | None


def read_ply(path: Path) -> list[Part]:
    """The polygons of a PLY file as triangles, with a picture or with colours of vertices or faces."""
    header = _header(path)
    faces, vertices = header.counts.get("face", 0), header.counts.get("vertex", 0)
    count_checked(path, faces=faces, vertices=vertices)
    if not faces:
        what = "triangle strips, which are not read," if "tristrips" in header.counts else "only points"
        raise ValueError(
            f"{path} holds {what if vertices else 'nothing'} and no faces, so there is nothing to render."
        )
    picture = None if header.picture is None else _picture(path, header.picture)
    # With a picture, vertices are doubled along its seams; without one, its coordinates mean nothing.
    mesh = _loaded(path, _in_full(path.read_bytes()), fix_texture=picture is not None)
    if len(mesh.vertices) < vertices and picture is None:
        raise ValueError(f"{path} is cut short: it has {len(mesh.vertices)} of its {vertices} vertices.")
    if picture is not None and isinstance(mesh.visual, TextureVisuals) and mesh.visual.uv is not None:
        uv = np.asarray(mesh.visual.uv, np.float64)
        return [
            _part(mesh, uv, white(len(mesh.vertices)), Material(linear(picture[..., :3]), PLAIN_ROUGHNESS))
        ]
    return [_colored(mesh)]


def read_stl(path: Path) -> list[Part]:
    """The triangles of an STL file, of text or binary."""
    content = path.read_bytes()
    if content[:5].lower() == b"solid" and b"facet" in content[:LONGEST_HEADER]:
        count_checked(path, faces=content.count(b"endfacet"))
    elif len(content) < STL_HEADER:
        raise ValueError(f"{path} is cut short, or no STL file: it has only {len(content)} bytes.")
    else:
        (faces,) = struct.unpack_from("<I", content, STL_HEADER - 4)
        count_checked(path, faces=faces)
        if len(content) < STL_HEADER + STL_FACE * faces:
            there = (len(content) - STL_HEADER) // STL_FACE
            raise ValueError(f"{path} is cut short: it has {there:,} of its {faces:,} faces.")
        content = content[: STL_HEADER + STL_FACE * faces]  # some programs write something behind
    return [_colored(_loaded(path, content, fix_texture=False))]


def _header(path: Path) -> Header:
    """The text before a PLY file's numbers."""
    with path.open("rb") as file:
        start = file.read(LONGEST_HEADER)
    text, end, _ = start.partition(b"end_header")
    if not start.startswith(b"ply") or not end:
        raise ValueError(
            f"{path} is not a PLY file, or is cut short: it has no header from `ply` to `end_header`."
        )
    counts: dict[str, int] = {}
    picture = None
    for line in text.decode("utf-8", "replace").splitlines():
        words = line.split(None, 2)
        if words[:1] == ["element"] and len(words) == 3 and words[2].strip().isdigit():
            counts[words[1]] = int(words[2])
        elif words[:1] == ["comment"] and len(words) == 3 and words[1].lower() == "texturefile":
            picture = words[2].strip()
    return Header(counts, picture)


def _in_full(content: bytes) -> bytes:
    """Numbers of text as they are written: rounded to the single precision that most headers name, geographic
    coordinates would lose all below half a metre."""
    head, end, numbers = content.partition(b"end_header")
    if b"format ascii" in head:
        head = SINGLE.sub(rb"\1double\2", head)
    return head + end + numbers


def _picture(path: Path, name: str) -> np.ndarray | None:
    file = beside(path, name)
    if file is None:
        notice(f"{path.name} names {name}, which is not there; its plain colour is used.")
        return None
    try:
        return read_picture(file, path, name)
    except UnreadablePicture as reason:
        notice(f"{path.name}: its texture {name} {reason}; its plain colour is used.")
        return None


def _loaded(path: Path, content: bytes, *, fix_texture: bool) -> trimesh.Trimesh:
    try:
        scene = trimesh.load_scene(
            io.BytesIO(content),
            file_type=path.suffix.lower()[1:],
            process=False,
            skip_materials=True,  # it would open any file by its name
            fix_texture=fix_texture,
        )
    except TRIMESH_RAISES as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise ValueError(f"{path} is damaged, or not what its name says ({reason}).") from error
    meshes = [
        mesh for mesh in scene.geometry.values() if isinstance(mesh, trimesh.Trimesh) and len(mesh.faces)
    ]
    if not meshes:
        raise ValueError(f"{path} holds no faces, so there is nothing to render.")
    return meshes[0]  # these formats hold one


def _raw_colors(mesh: trimesh.Trimesh) -> ColorVisuals:
    """The colours of a PLY file that has texture coordinates too, for which trimesh forgets them."""
    data = mesh.metadata["_ply_raw"]["vertex"]
    names = [name for name in ("red", "green", "blue") if name in data["properties"]]
    if len(names) < 3 or len(data["data"][names[0]]) != len(mesh.vertices):
        return ColorVisuals(mesh)
    return ColorVisuals(mesh, vertex_colors=np.column_stack([data["data"][name] for name in names]))


def _part(mesh: trimesh.Trimesh, uv: Uv, tint: Tint, material: Material) -> Part:
    return Part(np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64), uv, tint, material)


def _colored(mesh: trimesh.Trimesh) -> Part:
    """A mesh with the colours of its vertices or faces, which are stored as they look on a screen."""
    uv = nowhere(len(mesh.vertices))
    colors = mesh.visual if isinstance(mesh.visual, ColorVisuals) else _raw_colors(mesh)
    if colors.kind == "face":
        tint = np.repeat(linear(np.asarray(colors.face_colors)[:, :3]), 3, 0)
        corners = np.arange(3 * len(mesh.faces)).reshape(-1, 3)
        vertices = np.asarray(mesh.vertices, np.float64)[mesh.faces.reshape(-1)]
        return Part(vertices, corners, nowhere(len(vertices)), tint, plain(1.0))
    if colors.kind == "vertex":
        return _part(mesh, uv, linear(np.asarray(colors.vertex_colors)[:, :3]), plain(1.0))
    return _part(mesh, uv, white(len(mesh.vertices)), plain(GREY))
