"""A surface of a lattice: where it should be, and without a gap between blocks."""

import numpy as np
import pytest
import trimesh
from omnifield.export import level_set
from omnifield.export.level_set import surface_of
from omnifield.export.mesh_clean import decimated, without_holes, without_specks
from omnifield.export.stages import finished, stage
from omnifield.export.triangles import Triangles


def ball(size: int, middle: tuple[float, float, float], radius: float) -> np.ndarray:
    """Sides of a lattice's points, bent as those of a field are."""
    place = np.indices((size, size, size)).reshape(3, -1).T - np.array(middle)
    inside = radius - np.linalg.norm(place, axis=1)
    side = inside / (1 + np.abs(inside))
    return np.where(np.abs(side) < 1e-3, 1e-3, side).reshape(size, size, size).astype(np.float16)


def surface(side: np.ndarray) -> Triangles:
    return finished(stage(surface_of(side), "", 0.0, 1.0), lambda at: None)


def body(mesh: Triangles) -> trimesh.Trimesh:
    return trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)


@pytest.mark.parametrize("block", [8, 13, 64])
def test_a_sphere_across_blocks_is_watertight(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """nerfstudio#2721: gaps between the chunks."""
    monkeypatch.setattr(level_set, "BLOCK", block)
    found = surface(ball(33, (16.2, 15.7, 16.4), 9.3))
    made = body(found)
    assert made.is_watertight and made.body_count == 1
    assert made.volume == pytest.approx(
        4 / 3 * np.pi * 9.3**3, rel=0.01
    )  # and not negative: it looks outwards
    distance = np.linalg.norm(found.vertices - [16.2, 15.7, 16.4], axis=1)
    assert np.abs(distance - 9.3).max() < 0.1


def test_noise_across_blocks_has_no_edge_of_one_face(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(level_set, "BLOCK", 6)
    side = np.random.default_rng(0).uniform(-1, 1, (20, 20, 20)).astype(np.float16)
    side[[0, -1]] = side[:, [0, -1]] = side[:, :, [0, -1]] = -0.9
    side[np.abs(side) < 1e-3] = 1e-3
    found = surface(side)
    ends = np.sort(
        np.concatenate([found.faces[:, [0, 1]], found.faces[:, [1, 2]], found.faces[:, [2, 0]]]), 1
    )
    _, times = np.unique(ends, axis=0, return_counts=True)
    assert (times % 2 == 0).all()


def test_nothing_on_one_of_the_sides_is_no_surface() -> None:
    assert not len(surface(np.full((9, 9, 9), -0.5, np.float16)).faces)
    assert not len(surface(np.full((9, 9, 9), 0.5, np.float16)).faces)


def two_balls() -> Triangles:
    side = np.maximum(ball(48, (20, 20, 20), 14.0), ball(48, (43.3, 43.3, 43.3), 0.7))
    return surface(side.astype(np.float16))


def test_specks_go_and_the_largest_part_stays() -> None:
    both = two_balls()
    assert body(both).body_count == 2
    assert body(without_specks(both, 0.1)).body_count == 1
    assert len(without_specks(both, 2.0).faces) == len(without_specks(both, 0.1).faces)


def test_decimation_keeps_the_shape() -> None:
    found = surface(ball(48, (24, 23, 22), 18.0))
    fewer = decimated(found, 1000)
    assert len(fewer.faces) <= 1000 < len(found.faces)
    assert body(fewer).volume == pytest.approx(body(found).volume, rel=0.02)
    assert decimated(fewer, 5000) is fewer


def test_a_small_hole_is_closed_and_a_large_one_left() -> None:
    whole = surface(ball(33, (16.2, 15.7, 16.4), 9.3))
    top = whole.vertices[whole.faces].mean(1)[:, 2]
    small, large = whole.only(top < top.max() - 0.2), whole.only(top < 16)
    assert not body(small).is_watertight and body(without_holes(small)).is_watertight
    assert body(without_holes(small)).volume == pytest.approx(body(whole).volume, rel=0.01)
    assert not body(without_holes(large)).is_watertight


def test_holes_that_touch_are_closed_too() -> None:
    ball = trimesh.creation.icosphere(3)
    mesh = Triangles(np.array(ball.vertices), np.array(ball.faces, np.int64))
    around = (mesh.faces == 0).any(1)
    first, *_, last = np.flatnonzero(around)
    neighbour = next(v for v in mesh.faces[last] if v != 0)
    beside = (mesh.faces == neighbour).any(1) & ~around
    open_at = np.zeros(len(mesh.faces), bool)
    open_at[[first, last]] = True  # two faces that share no more than a vertex
    open_at[np.flatnonzero(beside)[0]] = True
    holed = mesh.only(~open_at)
    assert not body(holed).is_watertight and body(without_holes(holed)).is_watertight
