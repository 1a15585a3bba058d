"""A glTF 2.0 file: its JSON, its bytes, and what it asks of whoever reads it."""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ..scenes.notice import notice
from .mesh_resources import beside_uri, data_of_uri

Entry = dict[str, Any]
MAGIC, JSON_CHUNK, BINARY_CHUNK = b"glTF", 0x4E4F534A, 0x004E4942
DRACO, MESHOPT = "KHR_draco_mesh_compression", ("EXT_meshopt_compression", "KHR_meshopt_compression")
BASISU, WEBP = "KHR_texture_basisu", "EXT_texture_webp"
RENDERED = {
    "EXT_mesh_gpu_instancing",
    "KHR_materials_emissive_strength",
    "KHR_materials_unlit",
    "KHR_mesh_quantization",
    "KHR_node_visibility",
    "KHR_texture_transform",
    WEBP,
}
# What is rendered without them is nearly the same, so that a file which requires them is read all the same.
NEARLY = {
    "KHR_lights_punctual",
    "KHR_materials_anisotropy",
    "KHR_materials_clearcoat",
    "KHR_materials_diffuse_transmission",
    "KHR_materials_dispersion",
    "KHR_materials_ior",
    "KHR_materials_iridescence",
    "KHR_materials_pbrSpecularGlossiness",
    "KHR_materials_sheen",
    "KHR_materials_specular",
    "KHR_materials_transmission",
    "KHR_materials_volume",
}
# They say nothing about the picture, or what the file has without them is the picture.
INVISIBLE = {
    "EXT_feature_metadata",
    "EXT_instance_features",
    "EXT_mesh_features",
    "EXT_structural_metadata",
    "KHR_animation_pointer",
    "KHR_materials_variants",
    "KHR_xmp",
    "KHR_xmp_json_ld",
    "MSFT_lod",
    DRACO,
    *MESHOPT,
    BASISU,
}


@dataclass(frozen=True)
class Gltf:
    """The file's JSON, checked only where it is asked for, and the binary chunk of a GLB."""

    path: Path
    document: Entry
    binary: bytes
    said: set[str] = field(default_factory=set)

    def rows(self, kind: str) -> list[Entry]:
        rows = self.document.get(kind, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self.error(f"{kind} is not a list of objects")
        return rows

    def row(self, kind: str, index: object) -> Entry:
        """An entry by the number that another entry calls it by."""
        rows = self.rows(kind)
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(rows):
            raise self.error(f"it refers to number {index} of its {kind}, and has {len(rows)} of them")
        return rows[index]

    def error(self, text: str) -> ValueError:
        return ValueError(f"{self.path} is damaged: {text}.")

    def notice(self, text: str) -> None:
        """Says it, once: materials are read again for parts with other texture coordinates."""
        if text not in self.said:
            self.said.add(text)
            notice(f"{self.path.name}: {text}.")

    @cached_property
    def buffers(self) -> tuple[bytes, ...]:
        """Every buffer's bytes; empty for one that only stands in for compressed data."""
        return tuple(self._buffer(index, entry) for index, entry in enumerate(self.rows("buffers")))

    def _buffer(self, index: int, entry: Entry) -> bytes:
        uri = entry.get("uri")
        if uri is None:
            return self.binary if index == 0 else b""
        content = self.resource(uri)
        if content is None:
            raise FileNotFoundError(f"{self.path} names the file {uri}, which is not there.")
        if len(content) < entry.get("byteLength", 0):
            raise self.error(
                f"{'its data' if uri.startswith('data:') else uri} has {len(content)} bytes and should have "
                f"{entry['byteLength']}"
            )
        return content

    def resource(self, uri: str) -> bytes | None:
        """What a URI names, or None where there is no such file."""
        if uri.startswith("data:"):
            return data_of_uri(uri)
        file = beside_uri(self.path, uri)
        return None if file is None else file.read_bytes()

    def view(self, index: object) -> memoryview:
        """The bytes of a buffer view."""
        entry = self.row("bufferViews", index)
        number, start = entry["buffer"], entry.get("byteOffset", 0)
        self.row("buffers", number)
        content = memoryview(self.buffers[number])[start : start + entry["byteLength"]]
        if len(content) < entry["byteLength"]:
            raise self.error(f"buffer view {index} reaches beyond the end of buffer {number}")
        return content


def open_gltf(path: Path) -> Gltf:
    """A .gltf or .glb file, whichever its name says. Raises ValueError where nobody could read all of it."""
    content = path.read_bytes()
    text, binary = _chunks(path, content) if content[:4] == MAGIC else (content, b"")
    try:
        document = json.loads(text.decode("utf-8-sig"))
    except ValueError as error:
        raise ValueError(f"{path} is not glTF: its JSON cannot be read ({error}).") from error
    if not isinstance(document, dict):
        raise ValueError(f"{path} is not glTF: its JSON is not an object.")
    gltf = Gltf(path, document, binary)
    version = str(document.get("asset", {}).get("version", "2.0"))
    if version.split(".")[0] != "2":
        raise ValueError(f"{path} is glTF {version}; omnifield reads glTF 2.0.")
    _refuse_what_is_required(gltf)
    _say_what_is_left_out(gltf)
    return gltf


def _chunks(path: Path, content: bytes) -> tuple[bytes, bytes]:
    """The JSON and the binary chunk of a GLB."""
    if len(content) < 20:
        raise ValueError(f"{path} is cut short: it has only {len(content)} bytes.")
    version, length = struct.unpack_from("<II", content, 4)
    if version != 2:
        raise ValueError(f"{path} is glTF {version}; omnifield reads glTF 2.0.")
    if length > len(content):
        raise ValueError(f"{path} is cut short: it has {len(content)} bytes and should have {length}.")
    chunks: dict[int, bytes] = {}
    start = 12
    while start + 8 <= length:
        size, kind = struct.unpack_from("<II", content, start)
        if start + 8 + size > len(content):
            raise ValueError(f"{path} is damaged: one of its chunks reaches beyond the end of the file.")
        chunks.setdefault(kind, content[start + 8 : start + 8 + size])
        start += 8 + size
    if JSON_CHUNK not in chunks:
        raise ValueError(f"{path} is damaged: it has no JSON chunk.")
    return chunks[JSON_CHUNK].rstrip(b"\0"), chunks.get(BINARY_CHUNK, b"")


def _refuse_what_is_required(gltf: Gltf) -> None:
    required = set(map(str, gltf.document.get("extensionsRequired", [])))
    without_fallback = {DRACO} if _drawn_by_draco_alone(gltf) else set()
    without_fallback |= {name for name in MESHOPT if _stands_in(gltf, name)}
    compressed = (required & {DRACO, *MESHOPT}) | without_fallback
    if compressed:
        raise ValueError(
            f"{gltf.path} is compressed ({_listed(compressed)}), which omnifield does not read; save it without."
        )
    unknown = required - RENDERED - NEARLY - (INVISIBLE - {BASISU})
    if unknown:
        raise ValueError(
            f"{gltf.path} requires {_listed(unknown)}, which omnifield does not know; save it without."
        )


def _drawn_by_draco_alone(gltf: Gltf) -> bool:
    """Whether a part has only compressed data, although the file does not say that one must read it."""
    accessors = gltf.rows("accessors")
    parts = [part for mesh in gltf.rows("meshes") for part in mesh.get("primitives", [])]
    used = [part["attributes"].get("POSITION") for part in parts if DRACO in part.get("extensions", {})]
    return any(
        "bufferView" not in accessors[index] for index in used if index is not None and index < len(accessors)
    )


def _stands_in(gltf: Gltf, name: str) -> bool:
    """Whether a buffer without data stands in for compressed ones."""
    fallbacks = [
        entry for entry in gltf.rows("buffers") if entry.get("extensions", {}).get(name, {}).get("fallback")
    ]
    return any("uri" not in entry for entry in fallbacks)


def _say_what_is_left_out(gltf: Gltf) -> None:
    unseen = set(_extensions(gltf.document)) - RENDERED - INVISIBLE
    if unseen:
        gltf.notice(f"what {_listed(unseen)} would add to the picture is left out")


def _extensions(document: Entry) -> Iterator[str]:
    """The names of all extensions that anything in the file has."""
    todo: list[Any] = [document]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            if isinstance(value.get("extensions"), dict):
                yield from value["extensions"]
            todo.extend(value.values())
        elif isinstance(value, list):
            todo.extend(value)


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))
