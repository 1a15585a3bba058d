"""What a ray sees on a lit surface: texture, diffuse light, and gloss that moves with the viewer."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int32

from .light import LIFT, Light, ambient, bake, key_glow
from .raycast import Caster, Hits, Seen
from .surface import Surface

Colors = Float32[np.ndarray, "ray rgb=3"]
Vectors = Float32[np.ndarray, "ray xyz=3"]
CHUNK = 1 << 15  # samples whose arrays stay in the cache
MIRROR_ROUGHNESS = 0.28  # smoother surfaces show their neighbours, rougher ones only the boxes
DIELECTRIC = 0.04
SHOULDER = 0.72  # linear radiance above which highlights are rolled off


@dataclass(frozen=True)
class LitSurface:
    """A surface ready to be looked at. `attributes` holds, per vertex: normal, uv, tint, irradiance, key, openness."""

    surface: Surface
    caster: Caster
    attributes: Float32[np.ndarray, "vertex attribute=13"]
    outgoing: Float32[np.ndarray, "vertex rgb=3"]

    def see(self, origins: Vectors, directions: Vectors) -> Seen:
        """What rays in world space see; `directions` are unit vectors."""
        pieces = [
            self._see(origins[start : start + CHUNK], directions[start : start + CHUNK])
            for start in range(0, max(len(origins), 1), CHUNK)
        ]
        names = ("color", "normal", "distance", "part")
        return Seen(*(np.concatenate([getattr(piece, name) for piece in pieces]) for name in names))

    def _see(self, origins: Vectors, directions: Vectors) -> Seen:
        hits = self.caster.first(origins, directions)
        rows = np.flatnonzero(hits.face >= 0)
        color, normal = np.zeros_like(origins), np.zeros_like(origins)
        part = np.full(len(origins), -1, np.int32)
        hit = Hits(hits.distance[rows], hits.face[rows], hits.weights[rows])
        color[rows], normal[rows] = self._shade(hit, origins[rows], directions[rows])
        part[rows] = self.surface.part[hit.face]
        return Seen(color, normal, hits.distance, part)

    def _shade(self, hit: Hits, origins: Vectors, directions: Vectors) -> tuple[Colors, Vectors]:
        """Tone-mapped linear colour and shading normal, turned towards the viewer."""
        at = interpolated(self.attributes, self.surface.faces[hit.face], hit.weights)
        normal = at[:, :3] / np.linalg.norm(at[:, :3], axis=-1, keepdims=True)
        cosine = (normal * directions).sum(-1, keepdims=True)
        normal, cosine = np.where(cosine > 0, -normal, normal), np.abs(cosine)
        material = self.surface.material[hit.face]
        albedo = reflectance(self.surface, material, at[:, 3:5], at[:, 5:8])
        roughness, metallic = _finish(self.surface, material)
        base = DIELECTRIC + (albedo - np.float32(DIELECTRIC)) * metallic[:, None]
        grazing = np.maximum(1 - roughness[:, None], base) - base
        fresnel = base + grazing * (1 - cosine) ** 5  # Schlick's approximation, dimmed by roughness
        mirrored = directions + 2 * cosine * normal
        position = origins + hit.distance[:, None] * directions + np.float32(2 * LIFT) * normal
        gloss = ambient(mirrored, roughness) * at[:, 12:] + key_glow(mirrored, roughness) * at[:, 11:12]
        self._mirror(gloss, position, mirrored, roughness)
        diffuse = (1 - metallic[:, None]) * albedo * at[:, 8:11] / np.float32(np.pi)
        return tone(diffuse * (1 - fresnel) + fresnel * gloss), normal

    def _mirror(
        self, gloss: Colors, position: Vectors, mirrored: Vectors, roughness: Float32[np.ndarray, "ray"]
    ) -> None:
        """Replaces, where the surface is smooth, the estimate of what it reflects by what a ray meets."""
        rows = np.flatnonzero(roughness < MIRROR_ROUGHNESS)
        hits = self.caster.first(position[rows], mirrored[rows])
        struck = hits.face >= 0
        sky, blur = mirrored[rows[~struck]], roughness[rows[~struck]]
        gloss[rows[~struck]] = ambient(sky, blur) + key_glow(sky, blur)
        corners = self.surface.faces[hits.face[struck]]
        gloss[rows[struck]] = interpolated(self.outgoing, corners, hits.weights[struck])


def lit(bare: Surface) -> LitSurface:
    """Casts the studio's light on a surface. Lengths are expected to be about 1 (bounding radius 1.3)."""
    caster = Caster(bare.vertices, bare.faces)
    owner = np.zeros(len(bare.vertices), np.int32)
    owner[bare.faces] = bare.material[:, None]
    light: Light = bake(bare, caster, reflectance(bare, owner, bare.uv, bare.tint))
    attributes = [bare.normals, bare.uv, bare.tint, light.irradiance, light.key[:, None], light.openness[:, None]]
    return LitSurface(bare, caster, np.concatenate(attributes, 1), light.outgoing)


def interpolated(
    table: Float32[np.ndarray, "vertex channel"],
    corners: Int32[np.ndarray, "ray corner=3"],
    weights: Float32[np.ndarray, "ray corner=3"],
) -> Float32[np.ndarray, "ray channel"]:
    """Attributes at barycentric positions."""
    a, b, c = (table[corners[:, corner]] * weights[:, corner, None] for corner in range(3))
    return a + b + c


def reflectance(
    bare: Surface, material: Int32[np.ndarray, "ray"], uv: Float32[np.ndarray, "ray uv=2"], tint: Colors
) -> Colors:
    """Linear base colour: tint times texture."""
    plain = np.stack([m.texture[0, 0] for m in bare.materials])
    color = plain[material]
    for index, painted in enumerate(bare.materials):
        if painted.texture[..., 0].size > 1:
            rows = np.flatnonzero(material == index)
            color[rows] = lookup(painted.texture, uv[rows])
    return color * tint


def _finish(
    bare: Surface, material: Int32[np.ndarray, "ray"]
) -> tuple[Float32[np.ndarray, "ray"], Float32[np.ndarray, "ray"]]:
    """Roughness and metalness of each sample's material."""
    both = np.float32([[m.roughness, m.metallic] for m in bare.materials])[material]
    return both[:, 0], both[:, 1]


def lookup(
    texture: Float32[np.ndarray, "height width rgb=3"], uv: Float32[np.ndarray, "ray uv=2"]
) -> Float32[np.ndarray, "ray rgb=3"]:
    """Bilinear, repeating in both directions; texel centres at +0.5, v = 1 in the first row."""
    height, width, _ = texture.shape
    x, y = uv[:, 0] * width - 0.5, (1 - uv[:, 1]) * height - 0.5
    column, row = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    fx, fy = (x - column).astype(np.float32)[:, None], (y - row).astype(np.float32)[:, None]
    flat = texture.reshape(-1, 3)
    left, right = column % width, (column + 1) % width
    top, bottom = row % height * width, (row + 1) % height * width
    upper = flat[top + left] * (1 - fx) + flat[top + right] * fx
    lower = flat[bottom + left] * (1 - fx) + flat[bottom + right] * fx
    return upper * (1 - fy) + lower * fy


def tone(radiance: Colors) -> Colors:
    """Linear up to a shoulder, then bent smoothly towards 1, so that highlights keep their hue and shape."""
    over = np.maximum(radiance - np.float32(SHOULDER), 0) / np.float32(1 - SHOULDER)
    bent = SHOULDER + (1 - SHOULDER) * (1 - np.exp(-over))
    return np.where(radiance > SHOULDER, bent, radiance).astype(np.float32)

