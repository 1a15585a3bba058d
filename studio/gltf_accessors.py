"""The numbers in a glTF file: accessors, sparse, normalised or with a stride, and the triangles they make."""

import numpy as np
from jaxtyping import Int64, Shaped

from .gltf_document import Entry, Gltf
from .mesh_part import count_checked

TYPES = {5120: np.int8, 5121: np.uint8, 5122: np.int16, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
COLUMNS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
TRIANGLES, STRIP, FAN = 4, 5, 6


def read_accessor(gltf: Gltf, index: object) -> Shaped[np.ndarray, "count column"]:
    """The rows of an accessor; those that are normalised as float64 in 0..1 or −1..1, others as they are."""
    entry = gltf.row("accessors", index)
    dtype, columns = _layout(gltf, entry, index)
    count_checked(gltf.path, vertices=entry["count"])
    rows = np.zeros((entry["count"], columns), dtype)
    if "bufferView" in entry:
        rows[:] = _strided(gltf, entry, entry["count"], (dtype, columns))
    if "sparse" in entry:
        sparse = entry["sparse"]
        where, values = sparse["indices"], sparse["values"]
        place = _strided(gltf, where, sparse["count"], (np.dtype(TYPES[where["componentType"]]), 1))[:, 0]
        if len(place) and place.max() >= len(rows):
            raise gltf.error(f"accessor {index} replaces a row that it does not have")
        rows[place] = _strided(gltf, values, sparse["count"], (dtype, columns))
    if entry.get("normalized") and dtype.kind != "f":
        return np.maximum(rows / np.iinfo(dtype).max, -1.0)
    return rows


def _layout(gltf: Gltf, entry: Entry, index: object) -> tuple[np.dtype, int]:
    kind, component = entry.get("type"), entry.get("componentType")
    if kind not in COLUMNS or component not in TYPES or not isinstance(entry.get("count"), int):
        raise gltf.error(
            f"accessor {index} has type {kind}, componentType {component}, count {entry.get('count')}"
        )
    return np.dtype(TYPES[component]).newbyteorder("<"), COLUMNS[kind]


def _strided(gltf: Gltf, entry: Entry, count: int, layout: tuple[np.dtype, int]) -> np.ndarray:
    """`count` rows at an entry's place in its buffer view."""
    dtype, columns = layout
    content, start = gltf.view(entry.get("bufferView")), entry.get("byteOffset", 0)
    row = columns * dtype.itemsize
    stride = gltf.row("bufferViews", entry["bufferView"]).get("byteStride", row)
    if count and (start < 0 or stride < 1 or start + stride * (count - 1) + row > len(content)):
        raise gltf.error(f"{count} values reach beyond the end of buffer view {entry['bufferView']}")
    return np.ndarray((count, columns), dtype, content, start, (stride, dtype.itemsize))


def face_count(gltf: Gltf, part: Entry) -> int:
    """How many triangles a primitive has, by what its accessors say of themselves."""
    if "POSITION" not in part.get("attributes", {}):
        return 0  # glTF 2.0 asks to pass over such a part
    corners = gltf.row("accessors", part.get("indices", part["attributes"]["POSITION"]))["count"]
    mode = part.get("mode", TRIANGLES)
    return corners // 3 if mode == TRIANGLES else max(corners - 2, 0) if mode in (STRIP, FAN) else 0


def triangles(gltf: Gltf, part: Entry, vertices: int) -> Int64[np.ndarray, "face corner=3"]:
    """The corners of a primitive's triangles, counter-clockwise from in front (glTF 2.0, section 3.7.2.1)."""
    order = np.arange(vertices)
    if "indices" in part:
        order = read_accessor(gltf, part["indices"])[:, 0].astype(np.int64)
    mode = part.get("mode", TRIANGLES)
    if mode == TRIANGLES:
        return order[: len(order) // 3 * 3].reshape(-1, 3)
    at = np.arange(max(len(order) - 2, 0))
    if mode == STRIP:
        return order[np.stack([at, at + 1 + at % 2, at + 2 - at % 2], -1)]
    return order[np.stack([at + 1, at + 2, np.zeros_like(at)], -1)]
