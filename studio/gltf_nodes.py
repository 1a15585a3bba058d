"""The scene graph of a glTF file: which meshes stand where."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

from .gltf_accessors import face_count, read_accessor
from .gltf_document import Entry, Gltf
from .mesh_part import Matrix, count_checked

INSTANCES = "EXT_mesh_gpu_instancing"


@dataclass(frozen=True)
class Placed:
    """A node with a mesh, and where it is in the scene; `joints` are the matrices of its skin, if it has one."""

    node: Entry
    scene_from_mesh: tuple[Matrix, ...]  # one for each instance
    joints: Float64[np.ndarray, "joint row=4 column=4"]


def placed_meshes(gltf: Gltf) -> list[Placed]:
    """All meshes of the scene that the file shows first. Raises ValueError where they have too many faces."""
    world = dict(_walked(gltf, _roots(gltf)))
    shown = [index for index in _shown(gltf) if "mesh" in gltf.row("nodes", index)]
    nodes = [gltf.row("nodes", index) for index in shown]
    count_checked(gltf.path, faces=sum(_faces(gltf, node) for node in nodes))
    return [_placed(gltf, node, world[index], world) for index, node in zip(shown, nodes, strict=True)]


def _placed(gltf: Gltf, node: Entry, scene_from_node: Matrix, world: dict[int, Matrix]) -> Placed:
    if "skin" in node:
        # A skinned mesh stands where its joints are, wherever its node is (glTF 2.0, section 3.7.3.3).
        return Placed(node, (np.eye(4),), _joints(gltf, gltf.row("skins", node["skin"]), world))
    instances = node.get("extensions", {}).get(INSTANCES)
    local = [np.eye(4)] if instances is None else _instances(gltf, instances["attributes"])
    return Placed(node, tuple(scene_from_node @ matrix for matrix in local), np.zeros((0, 4, 4)))


def _roots(gltf: Gltf) -> list[int]:
    nodes = gltf.rows("nodes")
    children = {child for node in nodes for child in node.get("children", [])}
    return [index for index in range(len(nodes)) if index not in children]


def _shown(gltf: Gltf) -> list[int]:
    """The nodes of the scene that the file shows first, without those that it hides."""
    scenes = gltf.rows("scenes")
    if not scenes:
        return [index for index, _ in _walked(gltf, _roots(gltf), hidden=False)]
    number = gltf.document.get("scene", 0)
    scene = gltf.row("scenes", number)
    others = [
        str(other.get("name", index))
        for index, other in enumerate(scenes)
        if index != number and other.get("nodes")
    ]
    if others:
        gltf.notice(
            f"it has {len(scenes)} scenes, of which {scene.get('name', number)!r} is rendered and "
            f"{', '.join(map(repr, others))} left out"
        )
    return [index for index, _ in _walked(gltf, scene.get("nodes", []), hidden=False)]


def _walked(gltf: Gltf, roots: list[int], *, hidden: bool = True) -> Iterator[tuple[int, Matrix]]:
    """Nodes from the roots down, each with the transform from it to the scene."""
    todo = [(root, np.eye(4)) for root in roots]
    seen: set[int] = set()
    while todo:
        index, scene_from_parent = todo.pop()
        node = gltf.row("nodes", index)
        if index in seen:
            raise gltf.error(f"node {index} has more than one parent")
        seen.add(index)
        visible = node.get("extensions", {}).get("KHR_node_visibility", {}).get("visible", True)
        if hidden or visible:
            scene_from_node = scene_from_parent @ _matrix(gltf, node, index)
            yield index, scene_from_node
            todo.extend((child, scene_from_node) for child in node.get("children", []))


def _matrix(gltf: Gltf, node: Entry, index: int) -> Matrix:
    """In double precision: a translation may be geographic."""
    if "matrix" in node:
        matrix = np.array(node["matrix"], float).reshape(4, 4).T
    else:
        rows = (
            node.get("translation", [0, 0, 0]),
            node.get("rotation", [0, 0, 0, 1]),
            node.get("scale", [1, 1, 1]),
        )
        matrix = _composed(*(np.array([row], float) for row in rows))[0]
    if not np.isfinite(matrix).all():
        raise gltf.error(f"the transform of node {index} is not finite")
    return matrix


def _composed(
    translation: Float[np.ndarray, "n xyz=3"],
    rotation: Float[np.ndarray, "n xyzw=4"],
    scale: Float[np.ndarray, "n xyz=3"],
) -> Float64[np.ndarray, "n row=4 column=4"]:
    x, y, z, w = (rotation / np.linalg.norm(rotation, axis=-1, keepdims=True)).T
    turn = np.stack(
        [
            np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)], -1),
            np.stack([2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)], -1),
            np.stack([2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)], -1),
        ],
        -2,
    )
    matrix = np.tile(np.eye(4), (len(turn), 1, 1))
    matrix[:, :3, :3], matrix[:, :3, 3] = turn * scale[:, None], translation
    return matrix


def _instances(gltf: Gltf, attributes: Entry) -> list[Matrix]:
    given = {name: read_accessor(gltf, index).astype(np.float64) for name, index in attributes.items()}
    count = max((len(rows) for rows in given.values()), default=0)
    plain = {"TRANSLATION": [0, 0, 0], "ROTATION": [0, 0, 0, 1], "SCALE": [1, 1, 1]}
    return list(
        _composed(
            *(given.get(name, np.tile(np.array([row], float), (count, 1))) for name, row in plain.items())
        )
    )


def _joints(gltf: Gltf, skin: Entry, world: dict[int, Matrix]) -> Float64[np.ndarray, "joint row=4 column=4"]:
    for joint in skin["joints"]:
        gltf.row("nodes", joint)
    places = np.stack([world[joint] for joint in skin["joints"]])
    if "inverseBindMatrices" not in skin:
        return places
    columns = read_accessor(gltf, skin["inverseBindMatrices"]).astype(np.float64)
    return places @ columns.reshape(-1, 4, 4)[: len(places)].transpose(0, 2, 1)


def _faces(gltf: Gltf, node: Entry) -> int:
    parts = gltf.row("meshes", node["mesh"]).get("primitives", [])
    instances = node.get("extensions", {}).get(INSTANCES)
    counts = (
        []
        if instances is None
        else [gltf.row("accessors", i)["count"] for i in instances["attributes"].values()]
    )
    return sum(face_count(gltf, part) for part in parts) * max(counts, default=1)
