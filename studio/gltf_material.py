"""What glTF's materials look like: metallic-roughness, with the textures of colour and of emission."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64

from .gltf_document import Entry, Gltf
from .gltf_pictures import Pictures, uv_map, uv_set
from .mesh_part import GREY, Tint, plain
from .mesh_picture import Picture, linear
from .surface import Material, Sampling

SPECULAR_GLOSSINESS = "KHR_materials_pbrSpecularGlossiness"
SOLID = 0.98  # nobody sees through what is more opaque than this
VARIED = 0.02  # standard deviation of a texture that is more than one value
BUMPS = ("normalTexture", "occlusionTexture")
LEAST_ROUGHNESS = 0.05
Glow = Float32[np.ndarray, "glow_height glow_width rgb=3"]


@dataclass(frozen=True)
class Paint:
    """A material, and which texture coordinates lie on it: a set, and an affine map of it."""

    material: Material
    uv_set: int
    uv_map: Float64[np.ndarray, "row=2 column=3"]

    def placed(self, uv: Float[np.ndarray, "vertex uv=2"]) -> Float64[np.ndarray, "vertex uv=2"]:
        """The coordinates as they lie on the picture, v upwards; glTF's points down."""
        u, v = (uv.astype(np.float64) @ self.uv_map[:, :2].T + self.uv_map[:, 2]).T
        return np.stack([u, 1 - v], -1)


class Paints:
    """The materials of one file."""

    def __init__(self, gltf: Gltf):
        self._gltf = gltf
        self._pictures = Pictures(gltf)
        self._paints: dict[tuple[object, frozenset[int]], Paint] = {}

    def of(self, index: object, uv_sets: frozenset[int]) -> Paint:
        """The material number `index` on a part that has these sets of texture coordinates."""
        if (index, uv_sets) not in self._paints:
            self._paints[index, uv_sets] = self._read(index, uv_sets)
        return self._paints[index, uv_sets]

    def _read(self, index: object, uv_sets: frozenset[int]) -> Paint:
        entry = self._gltf.row("materials", index)
        name = f"material {entry.get('name', index)!r}"
        texture, factor = _color(entry)
        picture = self._picture(texture, name, uv_sets)
        if texture is not None and picture is None and (factor[:3] == 1).all():
            factor[:3] = GREY  # white would look as if nothing were missing
        emissive, glow = self._glow(entry, name, uv_sets)
        lies_on = texture or emissive
        if (
            emissive
            and texture
            and (uv_set(emissive), uv_map(emissive).tolist())
            != (
                uv_set(texture),
                uv_map(texture).tolist(),
            )
        ):
            self._gltf.notice(
                f"{name}: its emissiveTexture is left out, since it lies otherwise than its colour"
            )
            glow = np.zeros((1, 1, 3), np.float32)
        bumps = [bump for bump in BUMPS if bump in entry]
        if bumps:
            self._gltf.notice(f"{name}: its {' and '.join(bumps)} are left out")
        roughness, metallic = self._gloss(entry, name)
        color = np.ones((1, 1, 3), np.float32) if picture is None else linear(picture[..., :3])
        material = Material(
            texture=color * factor[:3].astype(np.float32),
            roughness=max(roughness, LEAST_ROUGHNESS),
            metallic=metallic,
            sampling=self._pictures.sampling(lies_on) if lies_on else Sampling(),
            emission=glow,
            solid=self._solid(entry, name, picture, float(factor[3])),
            unlit="KHR_materials_unlit" in entry.get("extensions", {}),
        )
        return Paint(material, uv_set(lies_on or {}), uv_map(lies_on or {}))

    def _picture(self, texture: Entry | None, name: str, uv_sets: frozenset[int]) -> Picture | None:
        if texture is None:
            return None
        if uv_set(texture) not in uv_sets:
            self._gltf.notice(
                f"{name}: its texture is left out where a part has no TEXCOORD_{uv_set(texture)} to place it by"
            )
            return None
        return self._pictures.of(texture)

    def _glow(self, entry: Entry, name: str, uv_sets: frozenset[int]) -> tuple[Entry | None, Glow]:
        """Emission, and the texture that it comes from."""
        strength = entry.get("extensions", {}).get("KHR_materials_emissive_strength", {})
        factor = np.array(entry.get("emissiveFactor", [0, 0, 0]), np.float32).reshape(1, 1, 3)
        factor = factor * np.float32(strength.get("emissiveStrength", 1.0))
        texture = entry.get("emissiveTexture") if factor.any() else None
        if texture is None:
            return None, factor
        picture = self._picture(texture, name, uv_sets)
        return texture, factor * (0 if picture is None else linear(picture[..., :3]))

    def _solid(
        self, entry: Entry, name: str, picture: Picture | None, alpha: float
    ) -> Bool[np.ndarray, "solid_height solid_width"]:
        """Where there is anything, by alphaMode. What can be seen through is rendered as opaque, and that is said."""
        mode = entry.get("alphaMode", "OPAQUE")
        covered = np.ones((1, 1)) if picture is None else picture[..., 3] / 255
        if mode == "MASK":
            return covered * alpha >= entry.get("alphaCutoff", 0.5)
        if mode != "BLEND":
            return np.ones((1, 1), bool)
        # Most pictures that blend are cut-outs with soft edges; a pane of glass is see-through as a whole.
        solid = (covered >= 0.5) & (alpha > 0) if covered.max() >= 0.5 else (covered * alpha > 0)
        opacity = float(covered[solid].mean()) * alpha if solid.any() else 0.0
        if 0 < opacity < SOLID:
            self._gltf.notice(
                f"{name} is see-through (alphaMode BLEND, opacity {opacity:.2g}) and is rendered as opaque"
            )
        return solid

    def _gloss(self, entry: Entry, name: str) -> tuple[float, float]:
        """Roughness and metalness; a map of them is averaged."""
        glossy = entry.get("extensions", {}).get(SPECULAR_GLOSSINESS)
        if glossy is not None:
            return 1 - float(glossy.get("glossinessFactor", 1.0)), 0.0
        pbr = entry.get("pbrMetallicRoughness", {})
        factors = np.array([pbr.get("roughnessFactor", 1.0), pbr.get("metallicFactor", 1.0)], float)
        texture = pbr.get("metallicRoughnessTexture")
        picture = None if texture is None else self._pictures.of(texture)
        if picture is not None:
            factors *= picture[..., 1:3].mean((0, 1)) / 255
            if picture[..., 1:3].std((0, 1)).max() > VARIED * 255:
                self._gltf.notice(
                    f"{name}: one roughness and metalness, the mean of its texture's, is rendered"
                )
        return float(factors[0]), float(factors[1])


def _color(entry: Entry) -> tuple[Entry | None, Float64[np.ndarray, "rgba=4"]]:
    """The texture of the base colour (or of the older diffuse one), and the factor it is multiplied by."""
    glossy = entry.get("extensions", {}).get(SPECULAR_GLOSSINESS)
    if glossy is not None:
        return glossy.get("diffuseTexture"), np.array(glossy.get("diffuseFactor", [1, 1, 1, 1]), float)
    pbr = entry.get("pbrMetallicRoughness", {})
    return pbr.get("baseColorTexture"), np.array(pbr.get("baseColorFactor", [1, 1, 1, 1]), float)


def unpainted(tint: Tint | None) -> Material:
    """A part without a material: as its vertices are coloured, or grey."""
    return plain(GREY if tint is None else 1.0)
