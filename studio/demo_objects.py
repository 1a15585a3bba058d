"""The demo scene's still life on its round table."""

from itertools import combinations

import numpy as np
from jaxtyping import Float

from .demo_paint import (
    BLUSH,
    BRASS,
    COPPER,
    CORAL,
    CREAM,
    GOLD,
    IVORY,
    MUSTARD,
    TEAL,
    TERRACOTTA,
    WALNUT,
    bands,
    candy,
    glazed_vase,
    lettered_block,
    plain,
    table_top,
)
from .demo_shapes import Shape, ball, disk, lathe, ring, rounded_box, rounded_profile, sheet, together, tube
from .surface import Material, Surface, joined

TOP = -0.50  # height of the table
SPACING = 0.014  # between vertices: a pixel and a half, so that shadows stored at vertices look drawn


def still_life() -> Surface:
    """All objects as one surface, within ±1.25 on every axis."""
    return joined(
        [
            *_table(),
            *_column_and_knot(),
            *_vase(),
            *_cage(),
            *_gear_and_ball(),
            *_block(),
            *_stack(),
            *_marbles(),
        ]
    )


def _ceramic(code: str) -> Material:
    return Material(plain(code), roughness=0.12)


def _metal(code: str, metallic: float) -> Material:
    """Satin metal; below 1, some of its colour is lacquer, lest it go black in a dark studio."""
    return Material(plain(code), roughness=0.32, metallic=metallic)


def _table() -> list[Surface]:
    angle = np.linspace(0, 2 * np.pi, 757)
    flutes = 0.016 * np.abs(np.sin(angle * 63)) ** 0.6
    side = rounded_profile([(0.98, TOP - 0.28), (1.115, TOP - 0.23), (1.115, TOP - 0.035)], 0.012, 0.03)
    rim = rounded_profile(
        [
            (1.10, TOP - 0.04),
            (1.13, TOP - 0.04),
            (1.13, TOP + 0.008),
            (1.05, TOP + 0.008),
            (1.05, TOP - 0.002),
        ],
        0.008,
        0.02,
    )
    return [
        disk(1.07, 150).at(0.0, 0.0, TOP).of(Material(table_top(720), roughness=0.22)),
        lathe(rim, 300).of(Material(plain(WALNUT), roughness=0.25)),
        lathe(side, 756, 0.016 - flutes).of(Material(plain(TERRACOTTA), roughness=0.55)),
        lathe(np.array([[0, TOP - 0.28], [0.5, TOP - 0.28], [0.98, TOP - 0.28]]), 96).of(_ceramic(WALNUT)),
    ]


def _column_and_knot() -> list[Surface]:
    x, y, height = 0.30, 0.33, 0.40
    angle = np.linspace(0, 2 * np.pi, 289)
    flutes = 0.020 * np.abs(np.cos(angle * 12))
    shaft = rounded_profile([(0.185, 0.05), (0.172, height - 0.05)], 0.01, SPACING)
    foot = rounded_profile(
        [(0.0, 0.0), (0.235, 0.0), (0.235, 0.045), (0.19, 0.06), (0.15, 0.06)], 0.014, 0.016
    )
    head = np.stack([foot[::-1, 0], height - foot[::-1, 1]], -1)
    stone = Material(plain(IVORY), roughness=0.45)
    t = np.linspace(0, 2 * np.pi, 421)
    reach = 2 + np.cos(3 * t)
    curve = 0.118 * np.stack([reach * np.cos(2 * t), reach * np.sin(2 * t), 1.15 * np.sin(3 * t)], -1)
    knot = ring(curve, 0.068, 36).turned(90.0, 28.0, 35.0).standing(x, y, TOP + height - 0.004)
    striped = Shape(
        knot.vertices,
        knot.faces,
        knot.uv[:, ::-1] * np.asarray([72, 1], dtype=np.float32)
        + knot.uv * np.asarray([2, 0], dtype=np.float32),
    )
    return [
        lathe(shaft, 288, 0.020 - flutes).at(x, y, TOP).of(stone),
        lathe(foot, 96).at(x, y, TOP).of(stone),
        lathe(head, 96).at(x, y, TOP).of(stone),
        striped.of(Material(candy(CORAL, IVORY, 0.30), roughness=0.10)),
    ]


def _vase() -> list[Surface]:
    x, y, height = -0.46, 0.30, 0.60
    s = np.linspace(0, 1, 60)
    belly = (
        0.075
        + 0.165 * np.sin(np.pi * np.clip(s * 0.98 + 0.16, 0, 1)) ** 1.6
        + 0.035 * np.clip((s - 0.86) / 0.14, 0, 1) ** 2
    )
    outside = np.stack([belly, 0.004 + s * height], -1)
    inside = np.stack([belly[:20:-3] - 0.016, outside[:20:-3, 1]], -1)
    lip = outside[-1] + np.array([[-0.004, 0.006], [-0.012, 0.006]])
    floor = np.array([[0, 0], [belly[0] - 0.006, 0]])
    vessel = lathe(np.concatenate([floor, outside, lip, inside]), 132)
    # The pattern spans the outside; v of the inside runs on past 1 and shows the plain glaze near v = 0.
    v = np.where(
        vessel.uv[:, 1] * (len(outside) + len(inside) + 3) < len(outside) + 3,
        (vessel.vertices[:, 2]) / height,
        0.02,
    )
    vessel = Shape(vessel.vertices, vessel.faces, np.stack([vessel.uv[:, 0] * 26, v], -1).astype(np.float32))
    stems, tips = _stems(height)
    return [
        vessel.at(x, y, TOP).of(Material(glazed_vase(), roughness=0.08)),
        together(stems).at(x, y, TOP).of(Material(plain(WALNUT), roughness=0.5)),
        *(tip.at(x, y, TOP).of(_ceramic(code)) for tip, code in tips),
    ]


def _stems(height: float) -> tuple[list[Shape], list[tuple[Shape, str]]]:
    """Thin bent stems with a berry at each end."""
    stems, tips = [], []
    codes = (MUSTARD, CORAL, IVORY, TERRACOTTA, MUSTARD, BLUSH, TEAL)
    for number, code in enumerate(codes):
        angle, lean = number * 2.4 + 0.5, 0.10 + 0.055 * (number % 4)
        rise = height + 0.52 + 0.09 * ((number * 3) % 7 - 3)
        t = np.linspace(0, 1, 72)[:, None]
        out = np.array([[np.cos(angle), np.sin(angle), 0]])
        up = np.array([[0, 0, 1.0]])
        path = out * (0.02 + lean * t**2.2 - 0.03 * np.sin(3 * t)) + up * (0.05 + (rise - 0.05) * t)
        stems.append(tube(path, 0.0075, 8))
        tips.append((ball(0.034 + 0.006 * (number % 3), 15).at(*(float(c) for c in path[-1])), code))
    return stems, tips


def _cage() -> list[Surface]:
    """A geodesic sphere of thin rods about a glazed ball."""
    radius = 0.285
    corners, edges = _geodesic()
    t = np.linspace(0, 1, 9)[:, None]
    rods = [tube(radius * (corners[a] * (1 - t) + corners[b] * t), 0.0085, 8) for a, b in edges]
    knobs = [ball(0.017, 7).at(*(float(c) for c in radius * corner)) for corner in corners]
    cage = together([*rods, *knobs]).turned(14.0, 9.0, 20.0)
    ground = TOP - float(cage.vertices[:, 2].min())
    return [
        cage.at(0.56, -0.30, ground).of(_metal(BRASS, 0.8)),
        ball(0.145, 44).at(0.56, -0.30, TOP + 0.145 + 0.03).of(_ceramic(TEAL)),
    ]


def _geodesic() -> tuple[Float[np.ndarray, "corner xyz=3"], list[tuple[int, int]]]:
    """Corners (unit) and edges of an icosahedron with every edge halved."""
    golden = (1 + 5**0.5) / 2
    base = np.array(
        [p for a in (-1, 1) for b in (-golden, golden) for p in ((0, a, b), (a, b, 0), (b, 0, a))]
    )
    base /= np.linalg.norm(base[0])
    near = [(a, b) for a, b in combinations(range(12), 2) if base[a] @ base[b] > 0.4]
    middles = np.array([base[a] + base[b] for a, b in near])
    corners = np.concatenate([base, middles / np.linalg.norm(middles[0])])
    # All edges of the finer net are shorter than its next-nearest distances (0.55 and 0.62 against 1.05).
    return corners, [
        (a, b) for a, b in combinations(range(42), 2) if np.linalg.norm(corners[a] - corners[b]) < 0.7
    ]


def _gear_and_ball() -> list[Surface]:
    x, y = -0.05, -0.50
    angle = np.linspace(0, 2 * np.pi, 24 * 20 + 1)
    tooth = np.clip(1.9 * np.sin(24 * angle), -1, 1)
    big = _gear(0.255 + 0.020 * tooth, 0.10, 0.055)
    angle = np.linspace(0, 2 * np.pi, 16 * 20 + 1)
    small = _gear(0.165 + 0.018 * np.clip(1.9 * np.sin(16 * angle), -1, 1), 0.09, 0.05)
    coat = bands(
        [TEAL, IVORY] * 3 + [MUSTARD] + [IVORY, TEAL] * 3, [3, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 3], 512
    )
    rest = 0.105 + float(np.sqrt(0.185**2 - 0.09**2))
    return [
        big.at(x, y, TOP).of(_metal(COPPER, 0.6)),
        small.at(x, y, TOP + 0.055).of(_metal(GOLD, 0.45)),
        ball(0.185, 52).turned(24.0, 18.0, 0.0).at(x, y, TOP + rest).of(Material(coat, roughness=0.10)),
    ]


def _gear(outer: Float[np.ndarray, "column"], inner: float, height: float) -> Shape:
    """A flat ring with a toothed outer wall; points lie about `SPACING` apart."""
    bevel = 0.006
    angle = np.linspace(0, 2 * np.pi, len(outer))
    share = np.linspace(0, 1, 7)
    bottom = [(inner + (outer - bevel - inner) * s, 0.0) for s in (0.0, 1.0)]
    wall = [(outer, bevel + (height - 2 * bevel) * s) for s in np.linspace(0, 1, 5)]
    top = [(inner + (outer - bevel - inner) * s, height) for s in share[::-1]]
    hole = [(inner + 0 * outer, height * s) for s in (0.66, 0.33, 0.0)]
    rows = [
        np.stack([r * np.cos(angle), r * np.sin(angle), z + 0 * angle], -1)
        for r, z in bottom + wall + top + hole
    ]
    return sheet(np.stack(rows))


def _block() -> list[Surface]:
    block = rounded_box((0.30, 0.115, 0.115), 0.016, SPACING)
    return [
        block.turned(0.0, 0.0, -38.0)
        .standing(-0.60, -0.30, TOP)
        .of(Material(lettered_block(), roughness=0.28))
    ]


def _stack() -> list[Surface]:
    """Three rounded disks, not quite in line."""
    side = rounded_profile([(0.0, 0.0), (0.118, 0.0), (0.118, 0.066), (0.0, 0.066)], 0.028, SPACING)
    disks = ((-0.80, 0.06, CREAM), (-0.787, 0.052, BLUSH), (-0.806, 0.066, TEAL))
    return [
        lathe(side, 56).at(x, y, TOP + 0.066 * i).of(_ceramic(code)) for i, (x, y, code) in enumerate(disks)
    ]


def _marbles() -> list[Surface]:
    spots = [
        (0.30, -0.80, 0.060, MUSTARD), (0.42, -0.72, 0.042, CORAL), (0.20, -0.10, 0.050, CREAM),
        (0.83, 0.12, 0.075, CORAL), (0.74, 0.24, 0.045, TEAL), (-0.72, -0.60, 0.055, TERRACOTTA),
        (-0.08, 0.74, 0.080, MUSTARD), (-0.22, 0.80, 0.045, TEAL), (-0.40, -0.74, 0.050, CORAL),
    ]  # fmt: skip
    return [ball(radius, 20).at(x, y, TOP + radius).of(_ceramic(code)) for x, y, radius, code in spots]
