"""Files of meshes: the right way up, the right colours, read by other people's readers."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import trimesh
from omnifield.export.atlas import Atlas
from omnifield.export.mesh_making import ColoredMesh
from omnifield.export.mesh_output import turn_to_y, write_mesh
from omnifield.export.ply_file import Ply, write_ply
from omnifield.export.texels import spread
from omnifield.export.texture_bake import Texture
from omnifield.export.triangles import Triangles
from omnifield.studio.mesh_file import read_parts
from PIL import Image

UP = np.array([0.0, 0.0, 1.0])
CORNERS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0]], np.uint8)


def square() -> Triangles:
    """Seen from -y, with its z upwards."""
    vertices = np.array([[0.0, 0, 0], [2, 0, 0], [2, 0, 1], [0, 0, 1]])
    return Triangles(vertices, np.array([[0, 1, 2], [0, 2, 3]]))


def painted() -> ColoredMesh:
    """Red at the lower left, then counterclockwise green, blue and yellow."""
    uv = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[32:, :32], picture[32:, 32:], picture[:32, 32:], picture[:32, :32] = CORNERS
    mesh = square()
    return ColoredMesh(mesh, Texture(Atlas(np.arange(4), mesh.faces, uv, 64, 64), picture))


def color_at(mesh: trimesh.Trimesh, picture: Image.Image, place: np.ndarray) -> list[int]:
    """As a viewer has it: trimesh's uv have v upwards."""
    nearest = np.linalg.norm(mesh.vertices - place, axis=1).argmin()
    u, v = mesh.visual.uv[nearest]
    x, y = (np.array([u, 1 - v]) * picture.width).clip(1, picture.width - 2)
    return list(picture.convert("RGB").getpixel((int(x), int(y))))


@pytest.mark.parametrize("ending", ["glb", "obj"])
def test_a_square_has_its_colours_at_its_corners(tmp_path: Path, ending: str) -> None:
    """obj2gltf#13, InstantMesh#170: textures upside down."""
    write_mesh(tmp_path / f"square.{ending}", painted(), UP)
    read = trimesh.load(tmp_path / f"square.{ending}", force="mesh", process=False)
    material = read.visual.material
    picture = material.baseColorTexture if ending == "glb" else material.image
    turn = turn_to_y(UP)[:3, :3] if ending == "glb" else np.eye(3)
    for place, color in zip(square().vertices, CORNERS, strict=True):
        assert color_at(read, picture, turn @ place) == color.tolist()


def test_a_glb_stands_upright_and_shows_its_colours_as_they_are(tmp_path: Path) -> None:
    """gsplat#793: models that lie on their side."""
    write_mesh(tmp_path / "square.glb", painted(), UP)
    content = (tmp_path / "square.glb").read_bytes()
    tree = json.loads(content[20 : 20 + struct.unpack("<I", content[12:16])[0]])
    assert tree["extensionsUsed"] == ["KHR_materials_unlit"]
    (material,) = tree["materials"]
    assert material["pbrMetallicRoughness"]["metallicFactor"] == 0 and material["doubleSided"]
    read = trimesh.load(tmp_path / "square.glb", force="mesh", process=False)
    np.testing.assert_allclose(np.ptp(read.vertices, axis=0), [2, 1, 0], atol=1e-6)
    assert read.vertices[:, 1].min() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("up", [*np.eye(3), *-np.eye(3), [0.1, -0.9, 0.3]], ids=str)
def test_whatever_is_up_is_turned_to_y_by_right_angles(up: np.ndarray) -> None:
    turn = turn_to_y(np.asarray(up))[:3, :3]
    assert (turn @ np.asarray(up)).argmax() == 1 and np.linalg.det(turn) == pytest.approx(1)
    assert sorted(np.abs(turn).ravel().tolist()) == [0] * 6 + [1] * 3


@pytest.mark.parametrize("ending", ["glb", "ply", "obj"])
def test_grey_at_the_vertices_stays_as_bright(tmp_path: Path, ending: str) -> None:
    """glTF#1638: pale colours. In glTF they are linear, in PLY and OBJ as on the screen."""
    grey = np.full((4, 3), 128, np.uint8)
    write_mesh(tmp_path / f"grey.{ending}", ColoredMesh(square(), grey), UP)
    (part,) = read_parts(tmp_path / f"grey.{ending}")
    linear = ((128 / 255 + 0.055) / 1.055) ** 2.4
    np.testing.assert_allclose(part.tint * part.material.texture[0, 0], linear, atol=0.5 / 255)


def test_two_meshes_in_a_folder_keep_their_pictures(tmp_path: Path) -> None:
    for name in ("one", "other"):
        write_mesh(tmp_path / f"{name}.obj", painted(), UP)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {f"{name}.{ending}" for name in ("one", "other") for ending in ("obj", "mtl", "png")}
    assert "Kd 1 1 1" in (tmp_path / "one.mtl").read_text()


def test_a_ply_is_what_every_reader_knows(tmp_path: Path) -> None:
    """Pcx#11, PCL#5639: double precision that nobody reads."""
    place, normal = np.random.default_rng(0).normal(size=(2, 9, 3))
    color = np.arange(27, dtype=np.uint8).reshape(9, 3)
    write_ply(tmp_path / "cloud.ply", Ply(place, normal, color, more={"opacity": np.linspace(0, 1, 9)}))
    head = (tmp_path / "cloud.ply").read_bytes().split(b"end_header")[0].decode()
    assert "binary_little_endian" in head and "double" not in head and "property uchar red" in head
    read = trimesh.load(tmp_path / "cloud.ply")
    np.testing.assert_allclose(read.vertices, place, rtol=1e-6)
    assert np.asarray(read.colors)[:, :3].tolist() == color.tolist()


def test_open3d_reads_them(tmp_path: Path) -> None:
    open3d = pytest.importorskip("open3d")
    write_mesh(tmp_path / "square.obj", painted(), UP)
    read = open3d.io.read_triangle_mesh(str(tmp_path / "square.obj"), enable_post_processing=True)
    assert len(read.triangles) == 2 and read.has_triangle_uvs()
    [picture] = [np.asarray(texture) for texture in read.textures if len(np.asarray(texture))]
    size = len(picture)
    for corner, (u, v) in zip(np.asarray(read.triangles).ravel(), np.asarray(read.triangle_uvs), strict=True):
        place = np.asarray(read.vertices)[corner]
        nearest = np.linalg.norm(square().vertices - place, axis=1).argmin()
        row, column = (
            min(int(each * size), size - 1) for each in (v, u)
        )  # it turned the picture upside down itself
        assert picture[row, column, :3].tolist() == CORNERS[nearest].tolist()
    write_mesh(tmp_path / "square.ply", ColoredMesh(square(), CORNERS), UP)
    colored = open3d.io.read_triangle_mesh(str(tmp_path / "square.ply"))
    np.testing.assert_allclose(np.asarray(colored.vertex_colors) * 255, CORNERS, atol=0.5)


def test_what_lies_between_charts_is_their_nearest_texel() -> None:
    """xatlas#62: dark seams."""
    picture, known = np.zeros((9, 9, 3), np.uint8), np.zeros((9, 9), bool)
    picture[2, 2], picture[6, 7], known[2, 2], known[6, 7] = 50, 200, True, True
    filled = spread(picture, known)
    assert set(np.unique(filled)) == {50, 200} and filled[0, 0, 0] == 50 and filled[8, 8, 0] == 200


def test_an_unwritable_folder_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot be written"):
        write_mesh(tmp_path / "file" / "square.glb", painted(), UP)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
