"""What a ray sees on a lit surface: texture, diffuse light, and gloss that moves with the viewer.

Vectors and colours are stored by component, (3, ray): numpy is several times faster over long last axes.
"""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float32, Int, Int32
from scipy.sparse import csr_array

from .cutout import caster_of
from .light import LIFT, Colors, Directions, along, ambient, bake, key_glow
from .raycast import Caster, Hits, Seen
from .surface import REPEATED, Sampling, Surface

Rows = Float32[np.ndarray, "ray xyz=3"]
CHUNK = 1 << 16  # samples whose arrays stay in the cache
MIRROR_ROUGHNESS = 0.28  # smoother surfaces show their neighbours, rougher ones only the studio
DIELECTRIC = np.asarray(0.04, dtype=np.float32)
SHOULDER = np.asarray(0.72, dtype=np.float32)  # linear radiance above which highlights are rolled off
GREY = np.asarray(0.5, dtype=np.float32)
LUMINANCE = np.asarray([0.2126, 0.7152, 0.0722], dtype=np.float32)
MOST_GRAZING = np.asarray(0.06, dtype=np.float32)  # cosine below which a pixel's footprint grows no longer


@dataclass(frozen=True)
class Pixel:
    """Over what a texture is averaged, so that fine patterns do not alias."""

    spread: Float32[np.ndarray, "right_down=2 xyz=3"]  # change of a ray's direction over one pixel
    offsets: Float32[np.ndarray, "offset xy=2"]  # in pixels


@dataclass(frozen=True)
class LitSurface:
    """A surface ready to be looked at."""

    surface: Surface
    caster: Caster
    attributes: Float32[np.ndarray, "vertex attribute=13"]  # normal, uv, tint, irradiance, key, openness
    uv_gradient: Float32[
        np.ndarray, "face uv_by_xyz=6"
    ]  # change of texture coordinates per step along the face
    outgoing: Float32[np.ndarray, "vertex rgb=3"]

    def see(self, origins: Rows, directions: Rows, pixel: Pixel) -> Seen:
        """What rays in world space see; `directions` are unit vectors."""
        pieces = [
            self._see(origins[start : start + CHUNK], directions[start : start + CHUNK], pixel)
            for start in range(0, max(len(origins), 1), CHUNK)
        ]
        names = [field.name for field in fields(Seen)]
        return Seen(*(np.concatenate([getattr(piece, name) for piece in pieces]) for name in names))

    def _see(self, origins: Rows, directions: Rows, pixel: Pixel) -> Seen:
        hits = self.caster.first(origins, directions)
        rows = np.flatnonzero(hits.face >= 0)
        hit = Hits(hits.distance[rows], hits.face[rows], hits.weights[rows])
        color, shading = np.zeros_like(directions), np.zeros(len(directions), np.float32)
        color[rows], shading[rows] = self._shade(hit, origins[rows], directions[rows], pixel)
        part = np.full(len(directions), -1, np.int32)
        part[rows] = self.surface.part[hit.face]
        return Seen(color, shading, hits.distance, part)

    def _shade(
        self, hit: Hits, origins: Rows, directions: Rows, pixel: Pixel
    ) -> tuple[Float32[np.ndarray, "ray rgb=3"], Float32[np.ndarray, "ray"]]:
        """Tone-mapped linear colour, and the brightness of the same in grey."""
        at = _columns(interpolated(self.attributes, self.surface.faces[hit.face], hit.weights))
        toward = _columns(directions)
        normal = at[:3] / np.sqrt((at[:3] ** 2).sum(0))
        cosine = (normal * toward).sum(0)
        normal, cosine = np.where(cosine > 0, -normal, normal), np.abs(cosine)
        material = self.surface.material[hit.face]
        footprint = self._footprint(hit, normal, toward, pixel)
        albedo = at[5:8] * self._paint(
            [m.texture for m in self.surface.materials], material, at[3:5], footprint
        )
        roughness, metallic = np.asarray(
            [[m.roughness, m.metallic] for m in self.surface.materials], dtype=np.float32
        ).T[:, material]
        base = DIELECTRIC + (albedo - DIELECTRIC) * metallic
        # Schlick's approximation, dimmed by roughness
        fresnel = base + (np.maximum(1 - roughness, base) - base) * (1 - cosine) ** 5
        mirrored = toward + 2 * cosine * normal
        position = _columns(origins) + hit.distance * toward + np.asarray(2 * LIFT, dtype=np.float32) * normal
        clarity = np.where(roughness < MIRROR_ROUGHNESS, np.clip(fresnel.max(0) * 40 - 2, 0, 1), 0)
        gloss = fresnel * self._reflected(position, mirrored, roughness, clarity, at[11:])
        paper = (1 - metallic) * (1 - fresnel) * at[8:11] / np.asarray(np.pi, dtype=np.float32)
        radiance = albedo * paper + gloss
        emission = [m.emission for m in self.surface.materials]
        if any(image.any() for image in emission):  # it lights nothing else, as in most viewers
            radiance += self._paint(emission, material, at[3:5], footprint)
        unlit = np.asarray([m.unlit for m in self.surface.materials])[material]
        return np.where(unlit, albedo, tone(radiance)).T, tone(along(LUMINANCE, GREY * paper + gloss))

    def _footprint(
        self, hit: Hits, normal: Directions, toward: Directions, pixel: Pixel
    ) -> Float32[np.ndarray, "uv=2 ray sample"]:
        """Offsets of texture coordinates when a ray moves by the pixel's offsets, on the tangent plane."""
        if len(pixel.offsets) == 1:
            return np.zeros((2, len(hit.face), 1), np.float32)
        gradient = _columns(self.uv_gradient[hit.face]).reshape(2, 3, -1)
        facing = np.minimum((normal * toward).sum(0), -MOST_GRAZING)
        steps = []
        for step in pixel.spread:
            slide = hit.distance * (step[:, None] - toward * (along(step, normal) / facing))
            steps.append((gradient * slide).sum(1))
        return steps[0][..., None] * pixel.offsets[:, 0] + steps[1][..., None] * pixel.offsets[:, 1]

    def _paint(
        self,
        textures: list[Float32[np.ndarray, "_ _ rgb=3"]],
        material: Int32[np.ndarray, "ray"],
        uv: Float32[np.ndarray, "uv=2 ray"],
        footprint: Float32[np.ndarray, "uv=2 ray sample"],
    ) -> Colors:
        """The mean over the footprint of each material's texture."""
        color = np.stack([texture[0, 0] for texture in textures])[material]
        for index, texture in enumerate(textures):
            if texture[..., 0].size > 1:
                rows = np.flatnonzero(material == index)
                sampling = self.surface.materials[index].sampling
                color[rows] = lookup(texture, uv[:, rows, None] + footprint[:, rows], sampling)
        return _columns(color)

    def _reflected(
        self,
        position: Directions,
        mirrored: Directions,
        roughness: Float32[np.ndarray, "ray"],
        clarity: Float32[np.ndarray, "ray"],
        visible: Float32[np.ndarray, "key_dome=2 ray"],
    ) -> Colors:
        """Radiance from the mirror direction: the studio's visible share, and by `clarity` what a ray meets.

        Where a surface reflects less than 5% nobody can tell the two apart, and no ray is cast.
        """
        key, dome = key_glow(mirrored, roughness), ambient(mirrored, roughness)
        gloss = key * visible[0] + dome * visible[1]
        rows = np.flatnonzero(clarity)
        hits = self.caster.first(position[:, rows].T, mirrored[:, rows].T)
        met, clear = hits.face >= 0, (key + dome)[:, rows]
        clear[:, met] = interpolated(self.outgoing, self.surface.faces[hits.face[met]], hits.weights[met]).T
        gloss[:, rows] += clarity[rows] * (clear - gloss[:, rows])
        return gloss


def lit(bare: Surface) -> LitSurface:
    """Casts the studio's light on a surface. Lengths are expected to be about 1 (bounding radius 1.3)."""
    caster = caster_of(bare)
    light = bake(bare, caster, bare.tint * _vertex_paint(bare))
    attributes = [
        bare.normals,
        bare.uv,
        bare.tint,
        light.irradiance,
        light.key[:, None],
        light.openness[:, None],
    ]
    # Row-major, or the sparse product would copy the whole table each time.
    table, outgoing = (
        np.ascontiguousarray(np.concatenate(attributes, 1)),
        np.ascontiguousarray(light.outgoing),
    )
    return LitSurface(bare, caster, table, uv_gradients(bare), outgoing)


def _vertex_paint(bare: Surface) -> Float32[np.ndarray, "vertex rgb=3"]:
    """The texture's colour at every vertex, which stands for its neighbourhood where light bounces."""
    owner = np.zeros(len(bare.vertices), np.int32)
    owner[bare.faces] = bare.material[:, None]
    color = np.empty_like(bare.tint)
    for index, material in enumerate(bare.materials):
        rows = np.flatnonzero(owner == index)
        color[rows] = lookup(material.texture, bare.uv[rows].T[..., None], material.sampling)
    return color


def uv_gradients(bare: Surface) -> Float32[np.ndarray, "face uv_by_xyz=6"]:
    """The gradients of u and v within each face; zero for faces without area."""
    a, b, c = (bare.vertices[bare.faces[:, corner]].astype(np.float64) for corner in range(3))
    normal = np.cross(b - a, c - a)
    area = np.maximum((normal**2).sum(-1, keepdims=True), 1e-24)
    toward_b, toward_c = np.cross(c - a, normal) / area, np.cross(normal, b - a) / area
    uv_a, uv_b, uv_c = (bare.uv[bare.faces[:, corner]][..., None] for corner in range(3))
    gradient = (uv_b - uv_a) * toward_b[:, None] + (uv_c - uv_a) * toward_c[:, None]
    return gradient.reshape(-1, 6).astype(np.float32)


def interpolated(
    table: Float32[np.ndarray, "vertex channel"],
    corners: Int32[np.ndarray, "ray corner=3"],
    weights: Float32[np.ndarray, "ray corner=3"],
) -> Float32[np.ndarray, "ray channel"]:
    """Attributes at barycentric positions."""
    return _mixed(table, corners.reshape(-1), weights.reshape(-1), 3)


def lookup(
    texture: Float32[np.ndarray, "height width rgb=3"],
    uv: Float32[np.ndarray, "uv=2 ray sample"],
    sampling: Sampling = REPEATED,
) -> Float32[np.ndarray, "ray rgb=3"]:
    """Bilinear lookups (or single texels), averaged over samples; v = 1 above the first row."""
    height, width, _ = texture.shape
    x, y = (
        uv[0] * np.asarray(width, dtype=np.float32) - np.asarray(0.5, dtype=np.float32),
        (1 - uv[1]) * np.asarray(height, dtype=np.float32) - np.asarray(0.5, dtype=np.float32),
    )
    column, row = np.floor(x), np.floor(y)
    fx, fy = x - column, y - row
    if sampling.nearest:
        fx, fy = (fx >= 0.5).astype(np.float32), (fy >= 0.5).astype(np.float32)
    left, right = (sampling.u.texel(column.astype(np.int32) + step, width) for step in (0, 1))
    top, bottom = (sampling.v.texel(row.astype(np.int32) + step, height) for step in (0, 1))
    texel = np.stack(
        [top * width + left, top * width + right, bottom * width + left, bottom * width + right], -1
    )
    share = np.stack([(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy], -1) / np.asarray(
        uv.shape[2], dtype=np.float32
    )
    return _mixed(texture.reshape(-1, 3), texel.reshape(-1), share.reshape(-1), 4 * uv.shape[2])


def _mixed(
    table: Float32[np.ndarray, "row channel"],
    rows: Int[np.ndarray, "entry"],
    weights: Float32[np.ndarray, "entry"],
    terms: int,
) -> Float32[np.ndarray, "sum channel"]:
    """Weighted sums of `terms` rows each: a sparse product, which makes no arrays in between."""
    starts = np.arange(0, len(rows) + 1, terms, dtype=np.int32)
    return csr_array((weights, rows, starts), (len(starts) - 1, len(table))) @ table


def tone(radiance: Float32[np.ndarray, "*n"]) -> Float32[np.ndarray, "*n"]:
    """Linear up to a shoulder, then bent smoothly towards 1, so that highlights keep their shape."""
    over = np.maximum(radiance - SHOULDER, 0) / (1 - SHOULDER)
    return np.minimum(radiance, SHOULDER) + (1 - SHOULDER) * (1 - np.exp(-over))


def _columns(rows: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(rows.T)
