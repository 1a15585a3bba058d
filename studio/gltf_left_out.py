"""What of a glTF part changes its picture elsewhere and is not rendered here: it is said."""

import numpy as np
from jaxtyping import Float64

from .gltf_accessors import read_accessor
from .gltf_document import Entry, Gltf
from .mesh_part import CREASE, Part
from .surface import crease_normals

OPAQUE = 0.98  # nobody sees through what is more opaque than this
OTHERWISE = 20.0  # degrees between two normals
MANY = 0.02  # of all corners


def say_left_out(gltf: Gltf, primitive: Entry, part: Part) -> None:
    """For a part as its mesh has it, at rest and not skinned."""
    attributes, index = primitive["attributes"], primitive.get("material")
    material = {} if index is None else gltf.row("materials", index)
    name = f"material {material.get('name', index)!r}" if index is not None else "a part without a material"
    if "COLOR_0" in attributes and material.get("alphaMode", "OPAQUE") != "OPAQUE":
        if _sees_through(gltf, attributes["COLOR_0"]):
            gltf.notice(f"{name}: the opacity of its vertices (COLOR_0) is left out")
    if "NORMAL" in attributes and not primitive.get("targets") and "JOINTS_0" not in attributes:
        if _shaded_otherwise(part, read_accessor(gltf, attributes["NORMAL"])[:, :3].astype(np.float64)):
            gltf.notice(
                f"{name}: its normals are left out; edges of more than {CREASE:.0f} degrees are sharp, others smooth"
            )


def _sees_through(gltf: Gltf, accessor: object) -> bool:
    colors = read_accessor(gltf, accessor)
    full = 1.0 if colors.dtype.kind == "f" else np.iinfo(colors.dtype).max
    return colors.shape[1] == 4 and bool((colors[:, 3] < OPAQUE * full).any())


def _shaded_otherwise(part: Part, theirs: Float64[np.ndarray, "vertex xyz=3"]) -> bool:
    if len(theirs) != len(part.vertices):
        return False
    middle = part.vertices.mean(0)  # far from the origin single precision would be too coarse
    normals, _, faces = crease_normals(
        (part.vertices - middle).astype(np.float32), part.faces.astype(np.int32), CREASE
    )
    ours, theirs = normals[faces], theirs[part.faces]
    length = np.linalg.norm(theirs, axis=-1) * np.linalg.norm(ours, axis=-1)
    known = length > 0
    cosine = (ours * theirs).sum(-1)[known] / length[known]
    return bool((cosine < np.cos(np.radians(OTHERWISE))).mean() > MANY) if known.any() else False
