"""Meshes of every kind become scenes in their own units; bad ones are refused in one clear sentence."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from omnifield.datasets import load_scene
from omnifield.scenes import Box
from omnifield.studio import light
from omnifield.studio.mesh import mesh_scene
from omnifield.studio.shade import lit
from omnifield.studio.shots import Shots, render_views, truth
from PIL import Image

from .bare_mesh import read_mesh

TINY = Shots(size=32, train=2, test=1)
QUAD = "v -1 0 -1\nv 1 0 -1\nv 1 0 1\nv -1 0 1\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"


@pytest.fixture(autouse=True)
def few_rays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(light, "RAY_BUDGET", 1)


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def tall_box() -> trimesh.Trimesh:
    """1 wide, 2 deep, 3 high (z), its lowest corner at (10, 20, 30)."""
    return trimesh.creation.box((1, 2, 3)).apply_translation([10.5, 21, 31.5])


@pytest.mark.parametrize("suffix", [".ply", ".stl", ".off"])
def test_cameras_and_box_are_in_the_units_of_the_mesh(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"tower{suffix}"
    tall_box().export(path)
    scene = mesh_scene(path, TINY)
    assert scene.name == "tower" and (len(scene.train[0]), len(scene.test[0])) == (2, 1)
    margin = 0.05 * 3
    assert isinstance(scene.domain, Box)
    assert scene.domain.lo == pytest.approx((10 - margin, 20 - margin, 30 - margin), abs=1e-4)
    assert scene.domain.hi == pytest.approx((11 + margin, 22 + margin, 33 + margin), abs=1e-4)
    torch.testing.assert_close(scene.scene_from_input, torch.eye(4))
    cameras = scene.train[0].cameras
    away = cameras.world_from_camera[:, :, 3] - torch.tensor([10.5, 21, 31.5])
    radius = 14**0.5 / 2
    torch.testing.assert_close(away.norm(dim=-1), torch.full((2,), 4 * radius / 1.3), atol=1e-4, rtol=0)
    torch.testing.assert_close(away / away.norm(dim=-1, keepdim=True), cameras.world_from_camera[:, :, 2])
    assert cameras.near < 2 * radius
    alpha = scene.train[0].images[..., 3]
    assert (alpha == 255).any() and not alpha[:, [0, -1]].any() and not alpha[:, :, [0, -1]].any()


@pytest.mark.parametrize("suffix", [".glb", ".obj"])
def test_formats_with_y_up_are_turned(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"tower{suffix}"
    trimesh.creation.box((1, 3, 2)).export(path)
    scene = mesh_scene(path, TINY)
    assert scene.domain.hi == pytest.approx((0.5 + 0.15, 1 + 0.15, 1.5 + 0.15), abs=1e-5)
    turned = scene.scene_from_input @ torch.tensor([1.0, 2, 3, 1])
    assert turned.tolist() == [1, -3, 2, 1]
    assert torch.linalg.det(scene.scene_from_input).item() == pytest.approx(1)


def test_the_transforms_of_a_scene_graph_are_applied(tmp_path: Path) -> None:
    scene = trimesh.Scene()
    shift = trimesh.transformations.translation_matrix([5, 0, 0])
    scene.add_geometry(trimesh.creation.box((1, 1, 1)), node_name="a", geom_name="box")
    scene.graph.update(frame_to="b", geometry="box", matrix=shift @ np.diag([2.0, 2, -2, 1]))
    scene.export(tmp_path / "two.glb")
    bare = read_mesh(tmp_path / "two.glb")
    assert bare.vertices.min(0).tolist() == pytest.approx([-0.5, -1, -1])
    assert bare.vertices.max(0).tolist() == pytest.approx([6, 1, 1])
    assert bare.part.max() == 1
    middle = np.where(bare.vertices[:, :1] < 2, np.float32([[0, 0, 0]]), np.float32([[5, 0, 0]]))
    assert ((bare.vertices - middle) * bare.normals).sum(-1).min() > 0  # outward, the mirrored one too


def test_edges_stay_sharp_and_round_things_round(tmp_path: Path) -> None:
    trimesh.creation.box((1, 1, 1)).export(tmp_path / "box.stl")
    flat = read_mesh(tmp_path / "box.stl")
    assert len(flat.vertices) == 24 and np.allclose(np.abs(flat.normals).max(-1), 1)
    trimesh.creation.icosphere(subdivisions=3).export(tmp_path / "ball.stl")
    smooth = read_mesh(tmp_path / "ball.stl")
    assert len(smooth.vertices) == 642
    np.testing.assert_allclose(smooth.normals, smooth.vertices, atol=0.02)


def test_colours_of_vertices_faces_and_materials(tmp_path: Path) -> None:
    box = trimesh.creation.box((1, 1, 1))
    box.visual.vertex_colors = np.tile(np.uint8([255, 0, 128, 255]), (8, 1))
    box.export(tmp_path / "vertex.ply")
    linear = ((128 / 255 + 0.055) / 1.055) ** 2.4
    np.testing.assert_allclose(read_mesh(tmp_path / "vertex.ply").tint[0], [1, 0, linear], atol=1e-5)
    box = trimesh.creation.box((1, 1, 1))
    box.visual.face_colors = np.repeat(np.uint8([[255, 0, 0, 255], [0, 0, 255, 255]]), 6, 0)
    box.export(tmp_path / "face.ply")
    tint = read_mesh(tmp_path / "face.ply")
    assert {tuple(c) for c in tint.tint[tint.faces].reshape(-1, 3).tolist()} == {(1, 0, 0), (0, 0, 1)}
    material = trimesh.visual.material.PBRMaterial(
        baseColorFactor=[0, 255, 0, 255], roughnessFactor=0.3, metallicFactor=0
    )
    box = trimesh.creation.box((1, 1, 1))
    box.visual = trimesh.visual.TextureVisuals(material=material)
    box.export(tmp_path / "material.glb")
    (green,) = read_mesh(tmp_path / "material.glb").materials
    assert green.texture.tolist() == [[[0, 1, 0]]] and (green.roughness, green.metallic) == pytest.approx(
        (0.3, 0)
    )
    trimesh.creation.box((1, 1, 1)).export(tmp_path / "plain.stl")
    assert read_mesh(tmp_path / "plain.stl").materials[0].texture.tolist() == [[[0.5, 0.5, 0.5]]]


def test_a_picture_lies_on_a_mesh_the_right_way_up(tmp_path: Path) -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[:4, :4], picture[:4, 4:], picture[4:, :4] = (
        (255, 0, 0),
        (0, 255, 0),
        (0, 0, 255),
    )  # top left is red
    Image.fromarray(picture).save(tmp_path / "flag.png")
    written(tmp_path / "m.mtl", "newmtl m\nmap_Kd flag.png\n")
    quad = written(
        tmp_path / "quad.obj", f"mtllib m.mtl\nusemtl m\n{QUAD}f 4/1 3/2 2/3 1/4\n"
    )  # lies flat, seen from +y
    scene = mesh_scene(quad, Shots(size=48, train=12, test=1))
    top = scene.train[0].cameras.world_from_camera[:, 2, 2].argmax()
    cameras, image = scene.train[0].cameras[top : top + 1], scene.train[0].images[top].double()
    for corner, channel in (((-0.5, 0.5), 0), ((0.5, 0.5), 1), ((-0.5, -0.5), 2)):
        pose = cameras.world_from_camera[0]
        local = pose[:, :3].T @ (torch.tensor([*corner, 0.0]) - pose[:, 3])
        x, y = (
            local[:2] * torch.tensor([1.0, -1.0]) / -local[2] * cameras.focal[0] + cameras.principal[0]
        ).int()
        color = image[y, x, :3]
        assert color.argmax() == channel and color[channel] > 2 * color.sort().values[1]


def test_a_missing_picture_is_said_and_its_material_stays(tmp_path: Path) -> None:
    written(tmp_path / "m.mtl", "newmtl m\nKd 0.2 0.4 0.6\nmap_Kd gone.png\n")
    path = written(tmp_path / "quad.obj", f"mtllib m.mtl\nusemtl m\n{QUAD}f 1/1 2/2 3/3 4/4\n")
    with pytest.warns(UserWarning, match=r"quad\.obj names gone\.png, which is not there"):
        bare = read_mesh(path)
    np.testing.assert_allclose(bare.materials[0].texture[0, 0], [0.2, 0.4, 0.6], atol=0.01)
    path = written(tmp_path / "lost.obj", f"mtllib lost.mtl\n{QUAD}f 1 2 3 4\n")
    with pytest.warns(UserWarning, match=r"lost\.mtl"):
        read_mesh(path)


def test_a_missing_picture_of_a_gltf(tmp_path: Path) -> None:
    material = trimesh.visual.material.PBRMaterial(baseColorTexture=Image.new("RGB", (4, 4), (255, 0, 0)))
    box = trimesh.creation.box((1, 1, 1))
    box.visual = trimesh.visual.TextureVisuals(uv=np.zeros((8, 2)), material=material)
    for name, content in trimesh.exchange.gltf.export_gltf(trimesh.Scene(box)).items():
        (tmp_path / name).write_bytes(content)
    path = tmp_path / "model.gltf"
    document = json.loads(path.read_text())
    document["images"] = [{"uri": "gone.png"}]
    path.write_text(json.dumps(document))
    with pytest.warns(UserWarning, match=r"gone\.png"):
        assert len(read_mesh(path).faces) == 12


BAD = {
    "garbage.glb": b"this is not a mesh",
    "garbage.ply": b"ply\nformat ascii 1.0\nelement vertex",
    "empty.obj": b"",
    "empty.stl": b"solid nothing\nendsolid\n",
    "points.ply": b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\n"
    b"property float z\nend_header\n0 0 0\n",
    "nan.obj": b"v 0 0 0\nv 1 0 0\nv 0 1 nan\nf 1 2 3\n",
    "point.obj": b"v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3\n",
    "binary.stl": bytes(range(256)),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_meshes_are_refused_in_one_sentence(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(BAD[name])
    with pytest.raises(ValueError) as caught:
        mesh_scene(path, TINY)
    message = str(caught.value)
    assert name in message and "\n" not in message and message.endswith(".")


def test_a_mesh_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.glb"):
        mesh_scene(tmp_path / "gone.glb", TINY)


def test_the_real_spot_from_its_own_cameras(real: Callable[[str], Path]) -> None:
    folder = real("nerf_synthetic/spot")
    [reference] = load_scene(folder).test
    bare = read_mesh(folder / "mesh_gt.ply")
    cameras = reference.cameras[:2]
    ours = render_views(lit(bare), cameras, "spot").images[..., 3].double() / 255
    theirs = reference.images[:2, ..., 3].double() / 255
    assert torch.minimum(ours, theirs).sum() / torch.maximum(ours, theirs).sum() > 0.98
    depth, _ = truth(bare, cameras)
    for view, name in enumerate(reference.names[:2]):
        (file,) = [path for path in (folder / "test_depth").iterdir() if path.stem == name]
        stored = np.asarray(Image.open(file)) / 10000
        both = (stored > 0) & (depth[view] > 0)
        assert np.median(np.abs(stored - depth[view])[both]) < 1e-3


def test_the_real_spot_wears_its_texture(real: Callable[[str], Path]) -> None:
    scene = mesh_scene(real("meshes/spot") / "spot.obj", Shots(size=64, train=1, test=1))
    color = scene.train[0].images[scene.train[0].images[..., 3] == 255][:, :3].double()
    assert color.std(0).min() > 20  # white hide, dark spots, not one grey
