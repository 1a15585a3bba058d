"""A mesh at geographic coordinates is the mesh at the origin, and the way back is known exactly."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from omnifield.scenes import Box
from omnifield.studio import light
from omnifield.studio.mesh import mesh_scene
from omnifield.studio.shots import Shots

from .glb_file import SQUARE, Glb

TINY = Shots(size=32, train=3, test=1)
FAR = np.array([441547.8508, 5121946.5962, 2344.752])  # metres east, north and up
# A pyramid whose corners are no round numbers.
CORNERS = np.array(
    [[-0.713, -0.629, -0.521], [0.837, -0.557, -0.443], [0.117, 0.931, -0.387], [0.071, 0.053, 0.877]]
)
FACES = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])


@pytest.fixture(autouse=True)
def few_rays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(light, "RAY_BUDGET", 1)


def obj(places: np.ndarray) -> str:
    rows = [f"v {x:.4f} {y:.4f} {z:.4f}" for x, y, z in places]
    return "\n".join(rows + [f"f {a} {b} {c}" for a, b, c in FACES + 1])


def ply(places: np.ndarray) -> str:
    head = f"ply\nformat ascii 1.0\nelement vertex {len(places)}\n"
    head += "property float x\nproperty float y\nproperty float z\n"
    head += f"element face {len(FACES)}\nproperty list uchar int vertex_indices\nend_header\n"
    rows = [f"{x:.4f} {y:.4f} {z:.4f}" for x, y, z in places]
    return head + "\n".join(rows + [f"3 {a} {b} {c}" for a, b, c in FACES]) + "\n"


def off(places: np.ndarray) -> str:
    rows = [f"{x:.4f} {y:.4f} {z:.4f}" for x, y, z in places]
    return f"OFF\n{len(places)} {len(FACES)} 0\n" + "\n".join(rows + [f"3 {a} {b} {c}" for a, b, c in FACES])


def stl(places: np.ndarray) -> str:
    faces = []
    for corners in places[FACES]:
        loop = "".join(f"vertex {x:.4f} {y:.4f} {z:.4f}\n" for x, y, z in corners)
        faces.append(f"facet normal 0 0 0\nouter loop\n{loop}endloop\nendfacet\n")
    return f"solid p\n{''.join(faces)}endsolid p\n"


@pytest.mark.parametrize("write", [obj, ply, off, stl])
def test_far_away_is_as_at_the_origin(tmp_path: Path, write) -> None:
    near_path, far_path = tmp_path / f"near.{write.__name__}", tmp_path / f"far.{write.__name__}"
    near_path.write_text(write(CORNERS))
    far_path.write_text(write(CORNERS + FAR))
    check_the_same(near_path, far_path, FAR)


def test_a_node_of_a_glb_may_be_far_away(tmp_path: Path) -> None:
    glb = Glb()
    glb.attributes["POSITION"] = glb.accessor(CORNERS.astype(np.float32))
    glb.part["indices"] = glb.accessor(FACES.astype(np.uint16).reshape(-1))
    near = glb.write(tmp_path / "near.glb")
    glb.node["translation"] = FAR.tolist()
    check_the_same(near, glb.write(tmp_path / "far.glb"), FAR)


def check_the_same(near_path: Path, far_path: Path, shift: np.ndarray) -> None:
    near, far = mesh_scene(near_path, TINY), mesh_scene(far_path, TINY)
    difference = (near.train[0].images.double() - far.train[0].images.double()).abs()
    assert difference.max() <= 2 and (difference > 0).double().mean() < 0.01
    # What the cameras of both see is the same once both are taken back to the file's own frame.
    back = [torch.linalg.inv(scene.scene_from_input.double()) for scene in (near, far)]
    eyes = [
        scene.train[0].cameras.world_from_camera[:, :, 3].double() @ inverse[:3, :3].T + inverse[:3, 3]
        for scene, inverse in zip((near, far), back, strict=True)
    ]
    torch.testing.assert_close(eyes[0] + torch.from_numpy(shift), eyes[1], atol=1e-5, rtol=0)
    assert isinstance(far.domain, Box) and max(map(abs, (*far.domain.lo, *far.domain.hi))) < 2
    assert far.domain.side == pytest.approx(near.domain.side, rel=1e-6)
    turn = far.scene_from_input[:3, :3]
    torch.testing.assert_close(turn @ turn.T, torch.eye(3))


def test_a_mesh_near_the_origin_stays_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "near.ply"
    path.write_text(ply(CORNERS + 10))
    scene = mesh_scene(path, replace(TINY, train=1))
    assert torch.equal(scene.scene_from_input, torch.eye(4))


def test_a_square_too_thin_to_be_seen_is_refused(tmp_path: Path) -> None:
    glb = Glb()
    glb.attributes["POSITION"] = glb.accessor(SQUARE * np.float32([1, 0, 0]))
    with pytest.raises(ValueError, match=r"All faces of .*thin\.glb are without area"):
        mesh_scene(glb.write(tmp_path / "thin.glb"), TINY)
    glb.attributes["POSITION"] = glb.accessor(SQUARE * np.float32([1, 1e-7, 1]))
    with pytest.raises(ValueError, match=r"The faces of .*thin\.glb are too thin to be seen"):
        mesh_scene(glb.write(tmp_path / "thin.glb"), TINY)
