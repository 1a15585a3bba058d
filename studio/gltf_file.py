"""Reads glTF 2.0 (.gltf and .glb): parts in the scene's units and axes, with what they are made of.

Everything is decided by the file's own JSON: what is not rendered as it says is refused, or said, by name.
"""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from .gltf_accessors import FAN, STRIP, TRIANGLES, face_count, read_accessor, triangles
from .gltf_document import Entry, Gltf, open_gltf
from .gltf_left_out import say_left_out
from .gltf_material import Paint, Paints, unpainted
from .gltf_nodes import Placed, placed_meshes
from .mesh_part import Part, Places, Tint, nowhere, white


def read_gltf(path: Path) -> list[Part]:
    """All triangles of the file's first scene, as it stands before any animation begins."""
    gltf = open_gltf(path)
    placed = placed_meshes(gltf)
    primitives = [
        part for one in placed for part in gltf.row("meshes", one.node["mesh"]).get("primitives", [])
    ]
    _say_what_has_no_faces(gltf, primitives)
    if gltf.rows("animations"):
        gltf.notice("it has animations, and is rendered as it stands before they begin")
    paints = Paints(gltf)
    return [part for one in placed for part in _parts(gltf, one, paints)]


def _say_what_has_no_faces(gltf: Gltf, primitives: list[Entry]) -> None:
    loose = [part for part in primitives if part.get("mode", TRIANGLES) not in (TRIANGLES, STRIP, FAN)]
    if primitives and len(loose) == len(primitives):
        raise ValueError(
            f"{gltf.path} holds only points or lines and no faces, so there is nothing to render."
        )
    if loose:
        gltf.notice(f"{len(loose)} of its {len(primitives)} parts are points or lines, which are left out")


def _parts(gltf: Gltf, placed: Placed, paints: Paints) -> list[Part]:
    mesh = gltf.row("meshes", placed.node["mesh"])
    weights = placed.node.get("weights", mesh.get("weights", []))
    parts = []
    for primitive in mesh.get("primitives", []):
        if face_count(gltf, primitive):
            part = _part(gltf, primitive, paints, weights)
            if len(placed.joints):
                part = replace(part, vertices=_skinned(gltf, primitive, part.vertices, placed.joints))
            parts += [moved(part, matrix) for matrix in placed.scene_from_mesh]
    return parts


def _part(gltf: Gltf, primitive: Entry, paints: Paints, weights: list[float]) -> Part:
    """A primitive in the coordinates of its mesh."""
    attributes = primitive["attributes"]
    vertices = _morphed(gltf, primitive, weights)
    sets = {int(m[1]) for name in attributes if (m := re.fullmatch(r"TEXCOORD_(\d+)", name))}
    tint = _tint(gltf, attributes["COLOR_0"]) if "COLOR_0" in attributes else None
    if "material" in primitive:
        paint = paints.of(primitive["material"], frozenset(sets))
    else:
        paint = Paint(unpainted(tint), 0, np.eye(2, 3))
    uv = nowhere(len(vertices))
    if paint.uv_set in sets:
        uv = paint.placed(read_accessor(gltf, attributes[f"TEXCOORD_{paint.uv_set}"])[:, :2])
    tint = white(len(vertices)) if tint is None else tint
    if not len(vertices) == len(uv) == len(tint):
        raise gltf.error("the attributes of a part are not of one length")
    part = Part(vertices, triangles(gltf, primitive, len(vertices)), uv, tint, paint.material)
    say_left_out(gltf, primitive, part)
    return part


def _tint(gltf: Gltf, index: object) -> Tint:
    """Vertex colours: linear, and multiplied with the material's."""
    colors = read_accessor(gltf, index)[:, :3]
    if colors.dtype.kind != "f":  # whole numbers ought to be marked as normalised
        colors = colors / np.iinfo(colors.dtype).max
    return np.maximum(colors.astype(np.float32), 0)


def _morphed(gltf: Gltf, primitive: Entry, weights: list[float]) -> Places:
    """Positions with the morph targets that are at work before any animation begins."""
    vertices = read_accessor(gltf, primitive["attributes"]["POSITION"])[:, :3].astype(np.float64)
    for weight, target in zip(weights, primitive.get("targets", []), strict=False):
        if weight and "POSITION" in target:
            vertices = vertices + weight * read_accessor(gltf, target["POSITION"])[:, :3]
    return vertices


def _skinned(
    gltf: Gltf, primitive: Entry, vertices: Places, joints: Float64[np.ndarray, "joint row=4 column=4"]
) -> Places:
    """Every vertex where its joints take it, by weights."""
    attributes = primitive["attributes"]
    total, sum_of_weights = np.zeros_like(vertices), np.zeros((len(vertices), 1))
    for name in (name for name in attributes if name.startswith("JOINTS_")):
        joint = read_accessor(gltf, attributes[name]).astype(np.int64)
        weight = read_accessor(gltf, attributes[name.replace("JOINTS", "WEIGHTS")]).astype(np.float64)
        if joint.max(initial=0) >= len(joints):
            raise gltf.error("a vertex hangs on a joint that its skin does not have")
        for column in range(joint.shape[1]):
            matrix = joints[joint[:, column]]
            there = np.einsum("vij,vj->vi", matrix[:, :3, :3], vertices) + matrix[:, :3, 3]
            total += weight[:, column, None] * there
            sum_of_weights += weight[:, column, None]
    return np.where(sum_of_weights > 0, total / np.maximum(sum_of_weights, 1e-12), vertices)


def moved(part: Part, scene_from_mesh: Float64[np.ndarray, "row=4 column=4"]) -> Part:
    """The part somewhere else. A mirrored one is turned inside out again."""
    linear = scene_from_mesh[:3, :3]
    faces = part.faces[:, ::-1] if np.linalg.det(linear) < 0 else part.faces
    return replace(part, vertices=part.vertices @ linear.T + scene_from_mesh[:3, 3], faces=faces)
