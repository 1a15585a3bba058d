"""Reads a user's own mesh: geometry in world axes, with the paint it comes with."""

import json
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from jaxtyping import Float, Float32
from PIL import Image
from trimesh.visual.color import ColorVisuals
from trimesh.visual.material import PBRMaterial, SimpleMaterial
from trimesh.visual.texture import TextureVisuals

from .raycast import linear_from_srgb
from .surface import Material, Surface, joined, surface

Y_UP = (
    ".glb",
    ".gltf",
    ".obj",
)  # glTF by specification, OBJ by custom; PLY, STL and OFF come from z-up programs
LARGEST_TEXTURE = 2048  # texels along a side; more would only alias at the size of our images
CREASE = 35.0  # degrees
GREY = 0.5  # linear reflectance of a mesh without colours
PLAIN_ROUGHNESS = 0.45


# Every format's parser raises what it likes when a file is not what it says.
PARSERS_RAISE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)


def read_mesh(path: Path) -> Surface:
    """All triangles of a GLB, glTF, OBJ, PLY, STL or OFF file, transforms applied, in its own units and axes.

    Raises FileNotFoundError where there is no such file, and ValueError where it holds no mesh that could be
    rendered. Warns, and goes on with the material's plain colour, where a texture's file is missing.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There is no mesh file {path}.")
    try:
        for name in _missing_files(path):
            warnings.warn(
                f"{path.name} names {name}, which is not there; its plain colour is used.", stacklevel=2
            )
        scene = trimesh.load_scene(path, process=False)
    except PARSERS_RAISE as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise ValueError(f"{path} cannot be read as a mesh: {reason}.") from error
    pieces = []
    for node in scene.graph.nodes_geometry:
        transform, name = scene.graph[node]
        geometry = scene.geometry[name]
        if isinstance(geometry, trimesh.Trimesh) and len(geometry.faces):
            _check(geometry, path)
            pieces.append(_piece(geometry.copy().apply_transform(transform), path.suffix.lower()))
    if not pieces:
        raise ValueError(f"{path} holds no faces, so there is nothing to render.")
    return joined(pieces)


def world_from_file(path: Path) -> Float32[np.ndarray, "row=3 column=3"]:
    """The rotation that turns the file's axes to +Z up."""
    if path.suffix.lower() in Y_UP:
        return np.asarray([[1, 0, 0], [0, 0, -1], [0, 1, 0]], dtype=np.float32)
    return np.eye(3, dtype=np.float32)


def _check(mesh: trimesh.Trimesh, path: Path) -> None:
    if mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices):
        raise ValueError(f"{path} is damaged: a face refers to a vertex that is not there.")
    if not np.isfinite(mesh.vertices[mesh.faces]).all():
        raise ValueError(f"{path} has vertices whose coordinates are not finite numbers (NaN or infinite).")


def _piece(mesh: trimesh.Trimesh, suffix: str) -> Surface:
    """One geometry with its material; vertices are joined where nothing but the file's layout parts them."""
    visual = mesh.visual
    if not (isinstance(visual, ColorVisuals) and visual.kind == "vertex"):
        mesh.merge_vertices()
        visual = mesh.visual
    if isinstance(visual, ColorVisuals) and visual.kind == "face":
        colors = _unsigned(visual.face_colors)
        mesh.unmerge_vertices()
        tint, material = np.repeat(linear_from_srgb(colors), 3, 0), _plain(1.0)
    else:
        tint, material = _paint(mesh, suffix)
    uv = getattr(mesh.visual, "uv", None)
    if uv is None:
        uv = np.zeros((len(mesh.vertices), 2))
    return surface(
        mesh.vertices.astype(np.float32),
        mesh.faces.astype(np.int32),
        uv=np.nan_to_num(np.asarray(uv, np.float32)),
        tint=tint,
        material=material,
        crease=CREASE,
    )


def _paint(mesh: trimesh.Trimesh, suffix: str) -> tuple[Float32[np.ndarray, "vertex rgb=3"], Material]:
    """Colours of the vertices and the material; a mesh without either is grey."""
    white = np.ones((len(mesh.vertices), 3), np.float32)
    if isinstance(mesh.visual, TextureVisuals):
        material = mesh.visual.material
        has_uv = mesh.visual.uv is not None
        return white, _pbr(material, has_uv) if isinstance(material, PBRMaterial) else _simple(
            material, has_uv
        )
    if isinstance(mesh.visual, ColorVisuals) and mesh.visual.kind == "vertex":
        colors = _unsigned(mesh.visual.vertex_colors)
        # glTF stores vertex colours as linear light, the older formats as they look on a screen.
        linear = colors.astype(np.float32) if suffix in (".glb", ".gltf") else linear_from_srgb(colors)
        return linear, _plain(1.0)
    return white, _plain(GREY)


def _unsigned(colors: np.ndarray) -> Float[np.ndarray, "n rgb=3"]:
    return np.asarray(colors)[:, :3] / 255.0


def _plain(value: float) -> Material:
    return Material(np.full((1, 1, 3), value, np.float32), PLAIN_ROUGHNESS)


def _simple(material: SimpleMaterial, has_uv: bool) -> Material:
    """Wavefront's material: its picture, or else its diffuse colour."""
    if has_uv and material.image is not None:
        return Material(_texture(material.image), PLAIN_ROUGHNESS)
    return Material(np.asarray(material.diffuse[:3], np.float32).reshape(1, 1, 3) / 255, PLAIN_ROUGHNESS)


def _pbr(material: PBRMaterial, has_uv: bool) -> Material:
    """glTF's metallic-roughness material: factors default to 1, maps of roughness and metal are averaged."""
    factor = (
        np.ones(3) if material.baseColorFactor is None else np.asarray(material.baseColorFactor)[:3] / 255.0
    )
    texture = np.ones((1, 1, 3), np.float32)
    if has_uv and material.baseColorTexture is not None:
        texture = _texture(material.baseColorTexture)
    roughness, metallic = (
        1.0 if f is None else float(f) for f in (material.roughnessFactor, material.metallicFactor)
    )
    if material.metallicRoughnessTexture is not None:
        mean = np.asarray(material.metallicRoughnessTexture.convert("RGB")).mean((0, 1)) / 255
        roughness, metallic = roughness * float(mean[1]), metallic * float(mean[2])
    return Material((texture * factor).astype(np.float32), max(roughness, 0.05), metallic)


def _texture(image: Image.Image) -> Float32[np.ndarray, "height width rgb=3"]:
    shrink = -(-max(image.size) // LARGEST_TEXTURE)
    encoded = np.asarray(image.convert("RGB").reduce(shrink))
    table = linear_from_srgb(np.repeat(np.arange(256)[:, None] / 255, 3, 1))[:, 0]
    return table[encoded]


def _missing_files(path: Path) -> list[str]:
    """Files that the mesh refers to and that are not there; trimesh passes over them in silence."""
    if path.suffix.lower() == ".gltf":
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        names = [image.get("uri", "data:") for image in document.get("images", [])]
        return [name for name in names if not name.startswith("data:") and not (path.parent / name).is_file()]
    if path.suffix.lower() != ".obj":
        return []
    missing = []
    for library in _named(path, "mtllib"):
        material = path.parent / library
        if not material.is_file():
            missing.append(library)
            continue
        names = _named(material, "map_Kd")
        # Options may stand before a file's name, and a name may hold spaces.
        places = [(path.parent / name, path.parent / name.split()[-1]) for name in names]
        missing += [
            name for name, either in zip(names, places, strict=True) if not any(p.is_file() for p in either)
        ]
    return list(dict.fromkeys(missing))


def _named(path: Path, keyword: str) -> list[str]:
    """What follows a keyword on the lines of a text file."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return [
            line.split(None, 1)[1].strip()
            for line in file
            if line.split()[:1] == [keyword] and len(line.split()) > 1
        ]
