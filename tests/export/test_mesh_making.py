"""Meshes of a field whose surface is known: where it is, in whose frame, of what colour, and within which box."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from omnifield.export import atlas, atlas_process, sight
from omnifield.export.density_lattice import Lattice
from omnifield.export.mesh_making import ColoredMesh, MeshPlan, by_density, make_mesh
from omnifield.export.stages import finished, stage
from omnifield.export.texels import EDGE, spread, texels_of
from omnifield.export.texture_bake import Texture
from omnifield.export.triangles import Triangles
from omnifield.scenes import Cameras
from omnifield.scenes.crop import crop_between, crop_of
from omnifield.train.field_file import TrainedField
from scipy.ndimage import distance_transform_edt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from ..scripts.conftest import COLOR, DOMAIN, RADIUS, BallConfig

BYTES = np.array([round(255 * channel) for channel in COLOR])
EVERYTHING = crop_of(DOMAIN, ())


@pytest.fixture
def ball(trained: Callable[..., TrainedField], ring: Callable[[Tensor, float], Cameras]) -> TrainedField:
    return replace(trained(DOMAIN, ring(torch.zeros(3), 3.0)), field=BallConfig().build(DOMAIN))


def made(trained: TrainedField, **changes: object) -> ColoredMesh:
    plan = MeshPlan(EVERYTHING, resolution=40, faces=2000, texture=0, time=0.0)
    return finished(make_mesh(trained, replace(plan, **changes), by_density), lambda at: None)


def atlas_for(mesh: Triangles, side: int) -> atlas.Atlas:
    return finished(stage(atlas.atlas_of(mesh, side), "", 0.0, 1.0), lambda at: None)


def test_the_surface_is_where_rays_end(ball: TrainedField) -> None:
    found = made(ball)
    distance = np.linalg.norm(found.mesh.vertices, axis=1)
    assert np.abs(distance - RADIUS).max() < 0.03 and 1000 < len(found.mesh.faces) <= 2000
    outwards = (found.mesh.normals * found.mesh.vertices).sum(1) / distance
    assert outwards.min() > 0.8
    assert np.abs(found.paint.astype(int) - BYTES).max() <= 1


def test_it_can_be_moved_to_where_its_data_were(ball: TrainedField) -> None:
    """nerfstudio#2068: meshes in a normalised frame."""
    there = torch.eye(4, dtype=torch.float64)
    there[:3, :3] = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    there[:3, 3] = torch.tensor([1e4, 0, 5.0])
    found = made(ball).moved(there).mesh
    assert np.abs(np.linalg.norm(found.vertices - [1e4, 0, 5], axis=1) - RADIUS).max() < 0.03


def test_nothing_outside_of_the_box_is_exported(ball: TrainedField) -> None:
    """nerfstudio#3579: the crop was ignored."""
    box = crop_between((-0.7, -0.7, 0.0), (0.7, 0.7, 0.7), torch.eye(4))
    found = made(ball, crop=box).mesh
    assert found.vertices[:, 2].min() > -1e-3 and found.vertices[:, 2].max() > RADIUS - 0.05


def test_a_turned_box_is_the_same_box(ball: TrainedField) -> None:
    turned = torch.eye(4)
    turned[:3, :3] = torch.tensor([[0.6, -0.8, 0], [0.8, 0.6, 0], [0, 0, 1]])
    found = made(ball, crop=crop_between((0.0, -0.7, -0.7), (0.7, 0.7, 0.7), turned)).mesh
    assert (found.vertices @ np.array([0.6, 0.8, 0])).min() > -1e-3


@pytest.mark.parametrize("corner", [(0.9, 0.9, 0.9), (-0.1, -0.1, -0.1)], ids=["beside", "within"])
def test_a_box_with_no_surface_in_it_is_a_sentence(ball: TrainedField, corner) -> None:
    """Open3D#4419: silently empty."""
    x, y, z = corner
    box = crop_between(corner, (x + 0.2, y + 0.2, z + 0.2), torch.eye(4))
    with pytest.raises(ValueError, match=r"^There is no surface.*\.$"):
        made(ball, crop=box)


def test_a_field_that_has_learnt_nothing_is_a_sentence(ball: TrainedField, trained, ring) -> None:
    with pytest.raises(ValueError, match="There is no surface"):
        made(trained(DOMAIN, ring(torch.zeros(3), 3.0)))


def test_what_nobody_can_see_is_removed(ball: TrainedField, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell of which the inside is empty has one side, not two."""
    density = type(ball.field).probe

    def hollow(field, points):
        probe = density(field, points)
        return replace(probe, density=torch.where(probe.carry[:, 0] < 0.45, 0.0, probe.density))

    monkeypatch.setattr(type(ball.field), "probe", hollow)
    assert np.linalg.norm(made(ball).mesh.vertices, axis=1).min() > 0.55


def test_a_texture_has_the_colour_of_the_field_everywhere(ball: TrainedField) -> None:
    found = made(ball, texture=256)
    assert isinstance(found.paint, Texture) and max(found.paint.picture.shape) <= 256
    assert np.abs(found.paint.picture.astype(int) - BYTES).max() <= 1  # between charts too
    where = found.paint.atlas
    np.testing.assert_array_equal(where.origin[where.faces], found.mesh.faces)


def test_a_crash_of_xatlas_leaves_colours_at_the_vertices(ball: TrainedField, monkeypatch) -> None:
    """xatlas#146, #151: a segmentation fault."""
    crashing = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    monkeypatch.setattr(atlas, "command_of", lambda given, made: [*atlas.PYTHON, "-c", crashing])
    found = made(ball, texture=256)
    assert not isinstance(found.paint, Texture) and np.abs(found.paint.astype(int) - BYTES).max() <= 1
    assert found.said == "Colours are at the vertices, and there is no texture: xatlas ended with signal 11."


def test_too_small_a_texture_is_said() -> None:
    """photo-sphere-viewer#1015: more charts than there is room for."""
    corners = np.random.default_rng(0).uniform(size=(3000, 3))
    with pytest.raises(atlas.NoAtlas, match=r"1000 charts take \d+ by \d+ texels, not 64 by 64"):
        atlas_for(Triangles(corners, np.arange(3000).reshape(-1, 3)), 64)


def test_an_atlas_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """xatlas#36: hours."""
    monkeypatch.setattr(atlas, "command_of", lambda given, made: ["sleep", "60"])
    monkeypatch.setattr(atlas, "LEAST_PATIENCE", 0.1)
    mesh = Triangles(np.eye(3), np.array([[0, 1, 2]]))
    with pytest.raises(atlas.NoAtlas, match="was not done with 1 faces in time"):
        atlas_for(mesh, 64)


def test_whoever_waits_no_longer_ends_xatlas(monkeypatch: pytest.MonkeyPatch) -> None:
    """xatlas#36, Hunyuan3D-2#170: Ctrl-C that nothing answers."""
    started: list[subprocess.Popen[bytes]] = []
    monkeypatch.setattr(atlas, "command_of", lambda given, made: ["sleep", "60"])
    popen = subprocess.Popen
    monkeypatch.setattr(
        atlas.subprocess, "Popen", lambda *args, **more: started.append(popen(*args, **more)) or started[0]
    )
    work = atlas.atlas_of(Triangles(np.eye(3), np.array([[0, 1, 2]])), 64)
    next(work)
    [child] = started
    assert child.poll() is None
    with pytest.raises(KeyboardInterrupt):
        work.throw(KeyboardInterrupt())
    assert child.poll() is not None


def test_charts_are_four_texels_apart_and_nothing_else_lies_beside_them() -> None:
    """xatlas#62, trellis-mac#5: seams that show what lies behind them."""
    box = trimesh.creation.box()
    where = atlas_for(Triangles(np.array(box.vertices), np.array(box.faces, np.int64)), 128)
    texels = texels_of(where)
    edges = np.concatenate([where.faces[:, [0, 1]], where.faces[:, [1, 2]]])
    graph = coo_matrix((np.ones(len(edges)), edges.T), shape=(len(where.uv), len(where.uv)))
    count, chart = connected_components(graph, directed=False)
    picture, known = (
        np.zeros((where.height, where.width, 3), np.uint8),
        np.zeros((where.height, where.width), bool),
    )
    known[texels.row, texels.column] = True
    picture[texels.row, texels.column] = 1 + chart[where.faces[texels.face, 0]][:, None]
    owner, filled = picture[..., 0], spread(picture, known)[..., 0]
    assert count == 6
    for each in range(1, 1 + count):
        away = distance_transform_edt(owner != each)
        assert away[known & (owner != each)].min() >= atlas_process.PADDING - 2 * EDGE
        assert (filled[away <= 2] == each).all()


def test_a_smooth_closed_surface_crashes_nothing() -> None:
    """xatlas#151: an icosphere of 82 thousand faces; here of as many as take a second."""
    ball = trimesh.creation.icosphere(4)
    found = atlas_for(Triangles(np.array(ball.vertices), np.array(ball.faces, np.int64)), 512)
    assert max(found.width, found.height) <= 512 and len(found.faces) == len(ball.faces)
    assert Path(atlas_process.__file__).name in " ".join(atlas.command_of(Path("a"), Path("b")))


def test_more_cells_than_there_is_memory_for_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnifield.export.density_lattice.available_memory", lambda: 2.0**26)
    with pytest.raises(ValueError, match=r"--resolution 512 takes .* GiB of memory.*: \d+ would fit\."):
        Lattice.of(EVERYTHING, 512)
    assert Lattice.of(EVERYTHING, 64).shape == (65, 65, 65)


def test_without_embree_there_is_a_mesh_too(ball: TrainedField, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sight.ray, "has_embree", False)
    assert np.abs(np.linalg.norm(made(ball).mesh.vertices, axis=1) - RADIUS).max() < 0.03
