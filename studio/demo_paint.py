"""Textures of the demo scene, painted by formula: linear reflectance, the first row at v = 1."""

import numpy as np
from jaxtyping import Bool, Float32

from .raycast import linear_from_srgb

Texture = Float32[np.ndarray, "height width rgb=3"]

CREAM, IVORY, SAND = "#f2e6d0", "#faf3e6", "#dcc6a0"
TERRACOTTA, CORAL, BLUSH = "#bf4f33", "#e2714f", "#efbfa8"
MUSTARD, TEAL, INK = "#e0a13a", "#1c6a68", "#20304c"
GOLD, BRASS, COPPER = "#f5a93c", "#dc9a4c", "#d27c52"
WALNUT = "#6e432b"

# Five columns by seven rows, one number a row, its highest bit the left column.
LETTERS = {
    "O": (14, 17, 17, 17, 17, 17, 14),
    "M": (17, 27, 21, 21, 17, 17, 17),
    "N": (17, 25, 21, 19, 17, 17, 17),
    "I": (14, 4, 4, 4, 4, 4, 14),
    "F": (31, 16, 16, 30, 16, 16, 16),
    "E": (31, 16, 16, 30, 16, 16, 31),
    "L": (16, 16, 16, 16, 16, 16, 31),
    "D": (30, 17, 17, 17, 17, 17, 30),
}


def color(code: str) -> Float32[np.ndarray, "rgb=3"]:
    """Linear reflectance of a colour written as '#rrggbb' in sRGB."""
    return linear_from_srgb(np.array([int(code[at : at + 2], 16) / 255 for at in (1, 3, 5)]))


def plain(code: str) -> Texture:
    return color(code)[None, None]


def bands(codes: list[str], widths: list[int], height: int) -> Texture:
    """Level bands from v = 0 up."""
    edges = np.cumsum(widths) / np.sum(widths)
    v = 1 - (np.arange(height) + 0.5) / height
    which = np.minimum(np.searchsorted(edges, v), len(codes) - 1)
    return np.stack([color(code) for code in codes])[which][:, None]


def candy(base: str, stripe: str, share: float) -> Texture:
    """One upright stripe in a tile."""
    u = (np.arange(64) + 0.5) / 64
    return np.where((np.abs(u - 0.5) < share / 2)[None, :, None], color(stripe), color(base))


def glazed_vase() -> Texture:
    """One repeat of the vase's pattern: rows of chevrons between rings, on cream."""
    v, u = np.meshgrid(1 - (np.arange(1024) + 0.5) / 1024, (np.arange(64) + 0.5) / 64, indexing="ij")
    image = np.broadcast_to(color(IVORY), (1024, 64, 3)).copy()
    wave = np.abs(u - 0.5) * 2
    zigzag = (v * 26 + 0.9 * wave) % 1 < 0.42
    image[zigzag & (v > 0.30) & (v < 0.60)] = color(TEAL)
    teeth = (v - 0.62) / 0.06 > wave
    image[~teeth & (v > 0.62) & (v < 0.68)] = color(TERRACOTTA)
    teeth = (0.28 - v) / 0.08 > wave
    image[~teeth & (v > 0.20) & (v < 0.28)] = color(TERRACOTTA)
    dots = (u - 0.5) ** 2 + ((v - 0.715) * 11) ** 2 < 0.07
    image[dots] = color(INK)
    for ring, width in (
        (0.295, 0.004),
        (0.61, 0.004),
        (0.69, 0.003),
        (0.74, 0.003),
        (0.12, 0.012),
        (0.20, 0.003),
    ):
        image[np.abs(v - ring) < width] = color(INK)
    return image


def table_top(size: int) -> Texture:
    """Terrazzo within a mosaic ring between two brass lines; the texture spans the disk's square.

    Painted at twice its `size` and halved, so that edges are soft over a texel.
    """
    size = 2 * size
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    x, y = (x + 0.5) / size * 2 - 1, 1 - (y + 0.5) / size * 2
    radius, angle = np.hypot(x, y), np.arctan2(y, x) / (2 * np.pi) % 1
    image = _terrazzo(size)
    ring = (radius > 0.74) & (radius < 0.935)
    image[ring] = _mosaic(radius[ring], angle[ring])
    for line in (0.735, 0.94):
        image[np.abs(radius - line) < 0.007] = color(BRASS) * np.asarray(0.8, dtype=np.float32)
    return image.reshape(size // 2, 2, size // 2, 2, 3).mean((1, 3))


def _mosaic(radius: np.ndarray, angle: np.ndarray) -> Float32[np.ndarray, "texel rgb=3"]:
    """Three rows of small tiles, each a little different, in pale grout."""
    row, column = (radius - 0.74) / 0.065, angle * 84
    r, c = np.floor(row).astype(int), np.floor(column).astype(int)
    palette = np.stack([color(code) for code in (TEAL, CREAM, TERRACOTTA, MUSTARD)])
    pick = np.where((r + c) % 2 == 1, 1, np.array([0, 2, 0, 3])[c // 2 % 4])
    shade = np.random.default_rng(3).uniform(0.82, 1.08, (3, 84)).astype(np.float32)[np.clip(r, 0, 2), c % 84]
    grout = (np.minimum(row % 1, 1 - row % 1) < 0.06) | (np.minimum(column % 1, 1 - column % 1) < 0.06)
    return np.where(
        grout[:, None], color(SAND) * np.asarray(0.7, dtype=np.float32), palette[pick] * shade[:, None]
    ).astype(np.float32)


def _terrazzo(size: int) -> Texture:
    """Angular chips of six colours, many small and some large, strewn over cream."""
    random = np.random.default_rng(7)
    image = np.broadcast_to(color(CREAM), (size, size, 3)).copy()
    chips = np.stack([color(code) for code in (SAND, BLUSH, SAND, TERRACOTTA, MUSTARD, TEAL, INK)])
    for cell, largest in ((0.032, 0.011), (0.075, 0.027)):
        for x, y in np.stack(np.meshgrid(np.arange(-1, 1, cell), np.arange(-1, 1, cell)), -1).reshape(-1, 2):
            dx, dy, scale, kind, turn = random.uniform(size=5)
            middle = np.array([x + cell * dx, y + cell * dy])
            if scale > 0.15 and np.hypot(*middle) < 1:
                _chip(image, middle, largest * scale, 2 * np.pi * turn, chips[int(kind * len(chips))])
    return image


def _chip(image: Texture, middle: np.ndarray, radius: float, turn: float, paint: np.ndarray) -> None:
    """Paints one chip, the overlap of three half-planes and a circle, into its small window of the image."""
    size = len(image)
    lo = np.maximum(((middle - 1.6 * radius + 1) / 2 * size).astype(int), 0)
    hi = ((middle + 1.6 * radius + 1) / 2 * size).astype(int) + 2
    v, u = np.mgrid[lo[1] : min(hi[1], size), lo[0] : min(hi[0], size)]
    dx, dy = (u + 0.5) / size * 2 - 1 - middle[0], (v + 0.5) / size * 2 - 1 - middle[1]
    a, b = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
    inside = np.maximum(np.maximum(a, -0.8 * a + 0.7 * b), -0.5 * a - 0.9 * b) < radius * 0.8
    inside &= np.hypot(a, b) < 1.5 * radius
    image[v[inside], u[inside]] = paint


def lettered_block() -> Texture:
    """The six faces of a block, one above the other: a name in small dots, and fine rules about it."""
    face = np.zeros((24, 64), bool)
    face[[1, 22], 2:-2] = True
    face[1:23, [2, -3]] = True
    name = written("OMNIFIELD")
    face[8:15, 5 : 5 + name.shape[1]] = name
    face[[4, 18], 5:-5:2] = True
    face[20, 5:-5] = np.arange(54) % 6 < 4
    end = np.zeros((24, 64), bool)
    for inset in range(1, 12, 3):
        end[inset : 24 - inset, [round(inset * 64 / 24), 63 - round(inset * 64 / 24)]] = True
        end[[inset, 23 - inset], round(inset * 64 / 24) : 64 - round(inset * 64 / 24)] = True
    dots = np.concatenate([end, end, face, face, face, face])
    return np.repeat(np.repeat(np.where(dots[..., None], color(IVORY), color(INK)), 8, 0), 8, 1)


def written(word: str) -> Bool[np.ndarray, "row=7 column"]:
    """A word in dots, letters one dot apart."""
    bits = [
        [[row >> (4 - column) & 1 for column in range(5)] + [0] for row in LETTERS[letter]] for letter in word
    ]
    return np.concatenate(bits, 1)[:, :-1].astype(bool)
