"""A mesh as a file: GLB, OBJ with its material and picture, or PLY."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from jaxtyping import Float, Float64
from PIL import Image
from torch import Tensor
from trimesh.visual import ColorVisuals, TextureVisuals
from trimesh.visual.material import PBRMaterial

from ..train.files import write_atomically, write_text
from .mesh_making import ColoredMesh
from .ply_file import Ply, write_ply
from .texture_bake import Texture

UNLIT = "KHR_materials_unlit"  # the colours have their light in them
TURNS = {
    2: [[1, 0, 0], [0, 0, 1], [0, -1, 0]],
    1: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    0: [[0, -1, 0], [1, 0, 0], [0, 0, 1]],
}
"""Rotations that bring the positive axis of each number to +Y."""
FLIP = [[1, 0, 0], [0, -1, 0], [0, 0, -1]]  # after that, where it is the negative one that is up


def turn_to_y(up: Float64[np.ndarray, "xyz=3"]) -> Float64[np.ndarray, "row=4 column=4"]:
    """glTF is Y-up: the rotation by right angles after which `up` is nearest to +Y."""
    axis = int(np.abs(up).argmax())
    turn = np.eye(4)
    turn[:3, :3] = TURNS[axis]
    if up[axis] < 0:
        turn[:3, :3] = np.array(FLIP) @ turn[:3, :3]
    return turn


def up_in(frame_from_scene: Float[Tensor, "row=4 column=4"]) -> Float64[np.ndarray, "xyz=3"]:
    """The scene's direction up, +Z, in another frame."""
    return frame_from_scene[:3, 2].double().cpu().numpy()


def write_mesh(path: Path, colored: ColoredMesh, up: Float64[np.ndarray, "xyz=3"]) -> None:
    """`up` is the direction up in the mesh's frame. Raises ValueError, naming the file, where it cannot be written."""
    WRITERS[path.suffix.lower()](path, colored, up)


def _write_glb(path: Path, colored: ColoredMesh, up: Float64[np.ndarray, "xyz=3"]) -> None:
    mesh, paint = colored.mesh, colored.paint
    if isinstance(paint, Texture):
        origin, faces = paint.atlas.origin, paint.atlas.faces
        material = PBRMaterial(
            baseColorTexture=_png(paint.picture), metallicFactor=0.0, roughnessFactor=1.0, doubleSided=True
        )
        visual = TextureVisuals(paint.atlas.uv, material=material)
    else:
        origin, faces = np.arange(len(mesh.vertices)), mesh.faces
        visual = ColorVisuals(vertex_colors=_linear_bytes(paint))
    body = trimesh.Trimesh(
        mesh.vertices[origin], faces, vertex_normals=mesh.normals[origin], visual=visual, process=False
    )
    scene = trimesh.Scene()
    scene.add_geometry(body, node_name=path.stem, geom_name=path.stem, transform=turn_to_y(up))
    content = scene.export(file_type="glb", include_normals=True, tree_postprocessor=_unlit)
    write_atomically(path, lambda beside: _put(beside, content))


def _put(beside: Path, content: Any) -> None:
    beside.write_bytes(content)


def _unlit(tree: dict[str, Any]) -> None:
    materials = tree.setdefault("materials", [])
    if not materials:
        materials.append({"pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 1.0}})
        for mesh in tree["meshes"]:
            for primitive in mesh["primitives"]:
                primitive["material"] = 0
    for material in materials:
        material["doubleSided"] = True
        material["extensions"] = {UNLIT: {}}
    tree["extensionsUsed"] = sorted({UNLIT, *tree.get("extensionsUsed", [])})


def _linear_bytes(color: np.ndarray) -> np.ndarray:
    """glTF's COLOR_0 is linear."""
    srgb = color / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return (linear * 255).round().astype(np.uint8)


def _png(picture: np.ndarray) -> Image.Image:
    """As trimesh writes it: an image of a format, which it keeps."""
    content = io.BytesIO()
    Image.fromarray(picture).save(content, "PNG")
    return Image.open(content)


def _write_obj(path: Path, colored: ColoredMesh, up: Float64[np.ndarray, "xyz=3"]) -> None:
    """The picture and the material are named after the file, so that two meshes in a folder keep theirs."""
    del up
    mesh, paint, name = colored.mesh, colored.paint, path.stem
    lines = [] if not isinstance(paint, Texture) else [f"mtllib {name}.mtl", "usemtl baked"]
    if isinstance(paint, Texture):
        _write_png(path.with_suffix(".png"), paint)
        material = f"newmtl baked\nKa 0 0 0\nKd 1 1 1\nKs 0 0 0\nillum 1\nmap_Kd {name}.png\n"
        write_text(path.with_suffix(".mtl"), material)
        lines += _rows("v", mesh.vertices) + _rows("vt", paint.atlas.uv) + _rows("vn", mesh.normals)
        corner = np.stack([mesh.faces, paint.atlas.faces, mesh.faces], -1) + 1
    else:
        lines += _rows("v", np.concatenate([mesh.vertices, paint / 255], 1)) + _rows("vn", mesh.normals)
        corner = np.stack([mesh.faces + 1, np.zeros_like(mesh.faces), mesh.faces + 1], -1)
    words = ("/".join(str(n) if n else "" for n in each) for each in corner.reshape(-1, 3).tolist())
    lines += [f"f {a} {b} {c}" for a, b, c in zip(words, words, words, strict=True)]
    write_text(path, "\n".join([*lines, ""]))


def _rows(word: str, table: np.ndarray) -> list[str]:
    return [f"{word} {' '.join(f'{value:.9g}' for value in row)}" for row in table.tolist()]


def _write_png(path: Path, texture: Texture) -> None:
    def write(beside: Path) -> None:
        Image.fromarray(texture.picture).save(beside, "PNG")

    write_atomically(path, write)


def _write_ply(path: Path, colored: ColoredMesh, up: Float64[np.ndarray, "xyz=3"]) -> None:
    del up
    mesh, paint = colored.mesh, colored.paint
    assert not isinstance(paint, Texture), "a PLY has colours at its vertices"
    write_ply(path, Ply(mesh.vertices, mesh.normals, paint, mesh.faces))


Writer = Callable[[Path, ColoredMesh, Float64[np.ndarray, "xyz=3"]], None]
WRITERS: dict[str, Writer] = {".glb": _write_glb, ".obj": _write_obj, ".ply": _write_ply}
TEXTURED = (".glb", ".obj")
