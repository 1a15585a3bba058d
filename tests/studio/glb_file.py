"""A GLB file written by hand, so that tests may put any oddity of exporters into it."""

import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

COMPONENTS = {"f4": 5126, "u1": 5121, "u2": 5123, "u4": 5125, "i2": 5122, "i1": 5120}
SQUARE = np.float32([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
TRIANGLES = np.uint16([0, 1, 2, 0, 2, 3])
UV = np.float32([[0, 1], [1, 1], [1, 0], [0, 0]])  # glTF's v points down
QUADRANTS = np.uint8([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 0]]]).repeat(4, 0).repeat(4, 1)


class Glb:
    """A square of two triangles in the plane z = 0, seen from +z, unless a test changes `document`."""

    def __init__(self) -> None:
        self.binary = bytearray()
        self.document: dict[str, Any] = {"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}]}
        self.document |= {"nodes": [{"mesh": 0}], "accessors": [], "bufferViews": []}
        self.attributes = {"POSITION": self.accessor(SQUARE)}
        self.part: dict[str, Any] = {"attributes": self.attributes, "indices": self.accessor(TRIANGLES)}
        self.document["meshes"] = [{"primitives": [self.part]}]

    @property
    def node(self) -> dict[str, Any]:
        return self.document["nodes"][0]

    def view(self, data: bytes, **more: Any) -> int:
        self.binary += b"\0" * (-len(self.binary) % 4)
        entry = {"buffer": 0, "byteOffset": len(self.binary), "byteLength": len(data), **more}
        self.document["bufferViews"].append(entry)
        self.binary += data
        return len(self.document["bufferViews"]) - 1

    def accessor(self, rows: np.ndarray, **more: Any) -> int:
        rows = np.ascontiguousarray(rows)
        kind = "SCALAR" if rows.ndim == 1 else {4: "VEC4", 3: "VEC3", 2: "VEC2", 16: "MAT4"}[rows.shape[1]]
        entry = {"componentType": COMPONENTS[rows.dtype.str[1:]], "count": len(rows), "type": kind}
        self.document["accessors"].append({**entry, "bufferView": self.view(rows.tobytes()), **more})
        return len(self.document["accessors"]) - 1

    def textured(self, picture: np.ndarray | bytes = QUADRANTS, **texture: Any) -> dict[str, Any]:
        """Lays a picture on the square, and returns its material."""
        data = picture if isinstance(picture, bytes) else png(picture)
        self.document["images"] = [{"mimeType": "image/png", "bufferView": self.view(data)}]
        self.document["textures"] = [{"source": 0}]
        self.attributes["TEXCOORD_0"] = self.accessor(UV)
        color = {"baseColorTexture": {"index": 0, **texture}, "metallicFactor": 0, "roughnessFactor": 1}
        return self.material(pbrMetallicRoughness=color)

    def material(self, **entry: Any) -> dict[str, Any]:
        self.document["materials"] = [entry]
        self.part["material"] = 0
        return entry

    def write(self, path: Path) -> Path:
        binary = bytes(self.binary) + b"\0" * (-len(self.binary) % 4)
        self.document.setdefault("buffers", [{}])[0]["byteLength"] = len(binary)
        text = json.dumps(self.document).encode()
        text += b" " * (-len(text) % 4)
        chunks = struct.pack("<II", len(text), 0x4E4F534A) + text
        chunks += struct.pack("<II", len(binary), 0x004E4942) + binary
        path.write_bytes(b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks)
        return path

    def write_json(self, path: Path, uri: str) -> Path:
        """As a .gltf file whose buffer has a URI."""
        self.document["buffers"] = [{"byteLength": len(self.binary), "uri": uri}]
        path.write_text(json.dumps(self.document))
        return path


def png(picture: np.ndarray, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind)
    return file.getvalue()
