"""A photographer's studio: a warm key box, a cool strip, a soft dome; and what of it reaches a surface."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int, Int32
from scipy.sparse import csr_array

from .raycast import Caster
from .surface import Surface

Directions = Float32[np.ndarray, "xyz=3 ray"]
Colors = Float32[np.ndarray, "rgb=3 ray"]
RAY_BUDGET = 9_000_000
MOST_SKY_RAYS, FEWEST_SKY_RAYS = 160, 24
KEY_RAYS = 20
LIFT = 1.5e-3  # of the scene's radius 1.3: rays start this far above the surface, so as not to hit it again
BOUNCES = 2
BAKED_BLUR = 0.4  # widens the small boxes, so that the few sky directions do not step over their edges


@dataclass(frozen=True)
class Softbox:
    """A rectangular light infinitely far away; `half` is the tangent of half its width and height."""

    toward: tuple[float, float, float]
    half: tuple[float, float]
    color: tuple[float, float, float]  # radiance

    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Unit vectors to its middle, along its width (level) and along its height."""
        middle = np.asarray(self.toward, dtype=np.float32) / np.asarray(
            np.linalg.norm(self.toward), dtype=np.float32
        )
        right = np.cross(np.asarray([0, 0, 1], dtype=np.float32), middle)
        right /= np.linalg.norm(right)
        return middle, right.astype(np.float32), np.cross(middle, right).astype(np.float32)


KEY = Softbox(toward=(-0.80, -0.34, 0.80), half=(0.18, 0.18), color=(23.5, 20.6, 16.6))
FILL = Softbox(toward=(0.95, -0.30, 0.42), half=(0.12, 0.62), color=(1.3, 1.5, 1.9))
RIM = Softbox(toward=(0.15, 0.95, 0.55), half=(0.55, 0.16), color=(1.5, 1.3, 1.1))
KEY_GLINT = np.asarray(
    0.45, dtype=np.float32
)  # a photographer would turn a polariser, lest the key burn out what it grazes
ZENITH = np.asarray([0.19, 0.21, 0.25], dtype=np.float32)
HORIZON = np.asarray([0.21, 0.195, 0.18], dtype=np.float32)
GROUND = np.asarray([0.12, 0.10, 0.085], dtype=np.float32)


def along(axis: Float32[np.ndarray, "xyz=3"], vectors: Directions) -> Float32[np.ndarray, "ray"]:
    """Dot products with one axis. (BLAS would wake a pool of threads, which wait for work by turning.)"""
    return axis[0] * vectors[0] + axis[1] * vectors[1] + axis[2] * vectors[2]


def dome(directions: Directions) -> Colors:
    """Radiance of the dome alone: cool above, warm at the horizon, dim below."""
    height = directions[2]
    up = np.clip(height, 0, 1) ** np.asarray(0.7, dtype=np.float32)
    down = np.clip(-height * 3, 0, 1)
    return HORIZON[:, None] + (ZENITH - HORIZON)[:, None] * up + (GROUND - HORIZON)[:, None] * down


def ambient(directions: Directions, blur: Float32[np.ndarray, "ray"]) -> Colors:
    """Radiance of the dome and all boxes but the key, as a surface of roughness `blur` reflects it."""
    return dome(directions) + _glow(FILL, directions, blur) + _glow(RIM, directions, blur)


def key_glow(directions: Directions, blur: Float32[np.ndarray, "ray"]) -> Colors:
    """Radiance of the key box, as a surface of roughness `blur` reflects it."""
    return KEY_GLINT * _glow(KEY, directions, blur)


def _glow(box: Softbox, directions: Directions, blur: Float32[np.ndarray, "ray"]) -> Colors:
    """What a blurred lobe gets from a box: its sharp rectangle, with edges widened by the lobe."""
    middle, right, up = box.axes()
    forward = along(middle, directions)
    edge = np.asarray(0.02, dtype=np.float32) + np.asarray(1.5, dtype=np.float32) * blur**2
    share = np.clip(forward * 8, 0, 1)
    forward = np.maximum(forward, np.asarray(0.05, dtype=np.float32))
    for axis, half in zip((right, up), np.asarray(box.half, dtype=np.float32), strict=True):
        across = np.abs(along(axis, directions)) / forward
        ramp = np.clip((half + edge - across) / (2 * edge), 0, 1)
        # A box smaller than the lobe cannot fill it.
        share *= (
            ramp * ramp * (3 - 2 * ramp) * np.minimum(1, (half + np.asarray(0.02, dtype=np.float32)) / edge)
        )
    return np.asarray(box.color, dtype=np.float32)[:, None] * share


@dataclass(frozen=True)
class Light:
    """Light at the vertices of a surface. White paper in `irradiance` E sends back the radiance E/π."""

    irradiance: Float32[np.ndarray, "vertex rgb=3"]
    key: Float32[np.ndarray, "vertex"]  # share of the key box that is visible
    openness: Float32[np.ndarray, "vertex"]  # share of the dome above the surface that is visible
    outgoing: Float32[np.ndarray, "vertex rgb=3"]  # diffuse radiance, for what mirrors the surface


def bake(lit: Surface, caster: Caster, albedo: Float32[np.ndarray, "vertex rgb=3"]) -> Light:
    """Soft shadows, the dome's light and its bounces, once for all views.

    All vertices share their directions, so there is no noise, and images stay consistent from view to view.
    """
    count = int(np.clip(RAY_BUDGET // len(lit.vertices), FEWEST_SKY_RAYS, MOST_SKY_RAYS))
    directions = sphere(count)
    cosine = np.stack([np.maximum(along(direction, lit.normals.T), 0) for direction in directions])
    struck = np.stack([_struck(lit, caster, *pair) for pair in zip(directions, cosine, strict=True)])
    open_sky = cosine * (struck == -1)
    colors = ambient(directions.T, np.full(count, BAKED_BLUR, np.float32))
    key, direct = _key(lit, caster)
    direct += (open_sky.T @ colors.T) * np.asarray(4 * np.pi / count, dtype=np.float32)
    transport = _transport(cosine * np.asarray(4 / count, dtype=np.float32), struck, len(lit.faces))
    irradiance = direct
    for _ in range(BOUNCES):
        irradiance = direct + transport @ (albedo * irradiance)[lit.faces].mean(1)
    openness = open_sky.sum(0) / np.maximum(cosine.sum(0), 1e-6)
    return Light(irradiance, key, openness, albedo * irradiance / np.asarray(np.pi, dtype=np.float32))


def _struck(
    lit: Surface,
    caster: Caster,
    direction: Float32[np.ndarray, "xyz=3"],
    cosine: Float32[np.ndarray, "vertex"],
) -> Int32[np.ndarray, "vertex"]:
    """The face that each vertex sees in a direction: -1 the sky, -2 where it points below the surface."""
    above = np.flatnonzero(cosine > 0)
    face = np.full(len(lit.vertices), -2, np.int32)
    face[above] = caster.struck(*_from_surface(lit, above, direction))
    return face


def _from_surface(
    lit: Surface, rows: Int[np.ndarray, "ray"], direction: Float32[np.ndarray, "xyz=3"]
) -> tuple[Float32[np.ndarray, "ray xyz=3"], Float32[np.ndarray, "ray xyz=3"]]:
    origins = lit.vertices[rows] + np.asarray(LIFT, dtype=np.float32) * lit.normals[rows]
    return origins, np.broadcast_to(direction, origins.shape)


def _transport(
    weight: Float32[np.ndarray, "direction vertex"], struck: Int32[np.ndarray, "direction vertex"], faces: int
) -> csr_array:
    """The sparse matrix from what faces send to what vertices get."""
    vertex, direction = np.nonzero(struck.T >= 0)
    starts = np.searchsorted(vertex, np.arange(struck.shape[1] + 1)).astype(np.int32)
    return csr_array((weight[direction, vertex], struck[direction, vertex], starts), (struck.shape[1], faces))


def _key(
    lit: Surface, caster: Caster
) -> tuple[Float32[np.ndarray, "vertex"], Float32[np.ndarray, "vertex rgb=3"]]:
    """Visible share of the key box, and the irradiance it brings."""
    middle, right, up = KEY.axes()
    visible = np.zeros(len(lit.vertices), np.float32)
    lit_by_key = np.zeros(len(lit.vertices), np.float32)
    for x, y in square(KEY_RAYS):
        toward = middle + KEY.half[0] * x * right + KEY.half[1] * y * up
        toward = (toward / np.linalg.norm(toward)).astype(np.float32)
        cosine = np.maximum(along(toward, lit.normals.T), 0)
        above = np.flatnonzero(cosine > 0)
        clear = np.zeros(len(visible), np.float32)
        clear[above] = ~caster.blocked(*_from_surface(lit, above, toward))
        visible += clear / KEY_RAYS
        lit_by_key += clear * cosine / KEY_RAYS
    solid_angle = 4 * KEY.half[0] * KEY.half[1]
    return visible, lit_by_key[:, None] * np.asarray(KEY.color, dtype=np.float32) * np.asarray(
        solid_angle, dtype=np.float32
    )


def sphere(count: int) -> Float32[np.ndarray, "direction xyz=3"]:
    """Directions evenly over the sphere (Fibonacci)."""
    index = np.arange(count)
    height = 1 - (2 * index + 1) / count
    angle = index * np.pi * (3 - 5**0.5)
    around = np.sqrt(1 - height**2)
    return np.stack([around * np.cos(angle), around * np.sin(angle), height], -1).astype(np.float32)


def square(count: int) -> Float32[np.ndarray, "sample xy=2"]:
    """Points evenly over the square [-1, 1]² (the additive sequence of the plastic number)."""
    ratio = np.array([0.7548776662466927, 0.5698402909980532])
    return (((0.5 + np.arange(count)[:, None] * ratio) % 1) * 2 - 1).astype(np.float32)
