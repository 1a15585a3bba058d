"""The textures of a glTF file: each picture decoded once, and each complaint about one said once."""

import math

import numpy as np
from jaxtyping import Float64

from .gltf_document import BASISU, WEBP, Entry, Gltf
from .mesh_picture import Picture, UnreadablePicture, read_picture
from .surface import Sampling, Wrap

WRAPS = {33071: Wrap.CLAMP, 33648: Wrap.MIRROR, 10497: Wrap.REPEAT}
NEAREST = 9728
TRANSFORM = "KHR_texture_transform"


class Pictures:
    """Answers for what materials call textures: `{"index": …, "texCoord": …}`."""

    def __init__(self, gltf: Gltf):
        self._gltf = gltf
        self._decoded: dict[object, Picture | None] = {}

    def of(self, texture: Entry) -> Picture | None:
        """Its picture, or None where it cannot be shown, which is said."""
        image = _image(self._gltf.row("textures", texture.get("index")))
        if image not in self._decoded:
            self._decoded[image] = self._decode(image)
        return self._decoded[image]

    def _decode(self, image: object) -> Picture | None:
        if image is None:
            self._gltf.notice("a texture has no picture; a plain colour is used")
            return None
        entry = self._gltf.row("images", image)
        uri = entry.get("uri")
        name = uri if uri and not uri.startswith("data:") else f"image {entry.get('name', image)!r}"
        source = self._gltf.resource(uri) if uri else bytes(self._gltf.view(entry.get("bufferView")))
        if source is None:
            self._gltf.notice(f"it names {uri}, which is not there; a plain colour is used")
            return None
        try:
            return read_picture(source, self._gltf.path, name)
        except UnreadablePicture as reason:
            self._gltf.notice(f"its texture {name} {reason}; a plain colour is used")
            return None

    def sampling(self, texture: Entry) -> Sampling:
        number = self._gltf.row("textures", texture.get("index")).get("sampler")
        sampler = {} if number is None else self._gltf.row("samplers", number)
        u, v = (WRAPS.get(sampler.get(key, 10497), Wrap.REPEAT) for key in ("wrapS", "wrapT"))
        return Sampling(u, v, nearest=sampler.get("magFilter") == NEAREST)


def _image(texture: Entry) -> object:
    """The number of a texture's image: the one that every reader knows before any extension's."""
    extensions = texture.get("extensions", {})
    sources = [texture.get("source"), *(extensions.get(name, {}).get("source") for name in (WEBP, BASISU))]
    return next((source for source in sources if source is not None), None)


def uv_set(texture: Entry) -> int:
    """Which TEXCOORD a texture lies on."""
    return texture.get("extensions", {}).get(TRANSFORM, {}).get("texCoord", texture.get("texCoord", 0))


def uv_map(texture: Entry) -> Float64[np.ndarray, "row=2 column=3"]:
    """KHR_texture_transform: coordinates are scaled, turned, then moved.

    Positive angles turn u towards −v: counter-clockwise where v points down, as all viewers have it.
    """
    transform = texture.get("extensions", {}).get(TRANSFORM, {})
    angle = float(transform.get("rotation", 0.0))
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    scale, offset = (
        np.array(transform.get(key, plain), float) for key, plain in (("scale", [1, 1]), ("offset", [0, 0]))
    )
    return np.concatenate([turn * scale, offset[:, None]], 1)
