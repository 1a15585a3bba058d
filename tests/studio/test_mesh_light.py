"""What light does with holes, with what shines, and with what takes no light; and how textures are looked up."""

from dataclasses import replace

import numpy as np
import pytest
from omnifield.studio import light
from omnifield.studio.cutout import caster_of
from omnifield.studio.raycast import Caster
from omnifield.studio.shade import Pixel, lit, lookup
from omnifield.studio.surface import Material, Sampling, Surface, Wrap, joined, surface

WHITE = np.ones((1, 1, 3), np.float32)
ROW = np.float32([[[0.0] * 3, [0.25] * 3, [0.5] * 3, [1.0] * 3]])


@pytest.fixture(autouse=True)
def few_rays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(light, "RAY_BUDGET", 1)


def square(height: float, material: Material) -> Surface:
    """Level, from −1 to 1, with u along x and v along y."""
    corners = np.float32([[-1, -1, height], [1, -1, height], [1, 1, height], [-1, 1, height]])
    return surface(
        corners,
        np.int32([[0, 1, 2], [0, 2, 3]]),
        uv=(corners[:, :2] + 1) / 2,
        tint=np.ones((4, 3), np.float32),
        material=material,
        crease=40.0,
    )


def down(*places: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    origins = np.float32([[x, y, 2] for x, y in places])
    return origins, np.tile(np.float32([[0, 0, -1]]), (len(origins), 1))


def test_rays_go_through_holes() -> None:
    half = np.zeros((4, 4), bool)
    half[:, 2:] = True  # solid where x > 0
    bare = joined(
        [
            square(1.0, Material(WHITE, solid=half)),
            square(0.5, Material(WHITE, solid=half)),
            square(0.0, Material(WHITE)),
        ]
    )
    caster = caster_of(bare)
    rays = down((0.5, 0.2), (-0.5, 0.2), (-3.0, 0.0))
    hits = caster.first(*rays)
    np.testing.assert_allclose(hits.distance, [1, 2, np.inf], atol=1e-5)
    assert [face // 2 for face in hits.face] == [0, 2, -1]
    np.testing.assert_array_equal(caster.struck(*rays), hits.face)
    np.testing.assert_array_equal(caster.blocked(*rays), [True, True, False])
    assert not caster_of(
        replace(bare, materials=bare.materials[:2] * 1 + (Material(WHITE, solid=half),))
    ).blocked(*rays)[1]
    assert type(caster_of(square(0.0, Material(WHITE)))) is Caster


def test_what_shines_and_what_takes_no_light() -> None:
    color = np.float32([[[0.25, 0.5, 0.125]]])
    plain, unlit = lit(square(0.0, Material(color))), lit(square(0.0, Material(color, unlit=True)))
    glowing = lit(square(0.0, Material(0 * color, emission=color, roughness=1.0)))
    pixel = Pixel(np.zeros((2, 3), np.float32), np.zeros((1, 2), np.float32))
    rays = down((0.1, 0.2))
    seen, flat, glow, dark = (
        s.see(*rays, pixel).color[0]
        for s in (plain, unlit, glowing, lit(square(0.0, Material(0 * color, roughness=1.0))))
    )
    np.testing.assert_allclose(flat, color[0, 0], atol=1e-6)
    assert np.abs(seen - flat).max() > 0.05
    np.testing.assert_allclose(glow - dark, color[0, 0], atol=1e-5)


@pytest.mark.parametrize(
    ("wrap", "expected"),
    [(Wrap.REPEAT, [1, 0, 0.25]), (Wrap.CLAMP, [0, 1, 1]), (Wrap.MIRROR, [0, 1, 0.5])],
)
def test_beyond_the_edges_of_a_texture(wrap: Wrap, expected: list[float]) -> None:
    places = np.float32([[-0.125, 1.125, 1.375], [0.5, 0.5, 0.5]])[..., None]
    np.testing.assert_allclose(lookup(ROW, places, Sampling(wrap, wrap))[:, 0], expected, atol=1e-6)
    upright = lookup(ROW.transpose(1, 0, 2), np.ascontiguousarray(1 - places[::-1]), Sampling(wrap, wrap))
    np.testing.assert_allclose(upright[:, 0], expected, atol=1e-6)


def test_nearest_shows_single_texels() -> None:
    places = np.float32([[0.26, 0.49, 0.51], [0.5, 0.5, 0.5]])[..., None]
    np.testing.assert_allclose(
        lookup(ROW, places, Sampling(nearest=True))[:, 0], [0.25, 0.25, 0.5], atol=1e-6
    )
