"""What a glTF file says of its picture is rendered, or refused by name, or said by name."""

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from omnifield.scenes.notice import Notice
from omnifield.studio.mesh_file import read_parts
from omnifield.studio.mesh_part import Part
from omnifield.studio.surface import Sampling, Wrap

from .bare_mesh import read_mesh
from .glb_file import QUADRANTS, SQUARE, TRIANGLES, UV, Glb, png


@pytest.fixture
def glb() -> Glb:
    return Glb()


def silently_read(glb: Glb, folder: Path) -> list[Part]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read_parts(glb.write(folder / "a.glb"))


def only(parts: list[Part]) -> Part:
    (part,) = parts
    return part


def test_vertex_colours_multiply_the_material(glb: Glb, tmp_path: Path) -> None:
    colors = np.float32([[1, 0, 0, 1], [0.5, 0.5, 0.5, 1], [0, 1, 0, 1], [1, 1, 1, 1]])
    glb.attributes["COLOR_0"] = glb.accessor(colors)
    glb.material(pbrMetallicRoughness={"baseColorFactor": [0.5, 1, 0.25, 1], "metallicFactor": 0})
    part = only(silently_read(glb, tmp_path))
    np.testing.assert_allclose(part.tint, colors[:, :3])
    np.testing.assert_allclose(part.material.texture, [[[0.5, 1, 0.25]]])


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_normalised_numbers_are_fractions(glb: Glb, tmp_path: Path, kind: type) -> None:
    most = np.iinfo(kind).max
    glb.textured()
    glb.attributes["TEXCOORD_0"] = glb.accessor((UV * most).astype(kind), normalized=True)
    glb.attributes["COLOR_0"] = glb.accessor(np.full((4, 4), most, kind) // 2, normalized=True)
    part = only(silently_read(glb, tmp_path))
    np.testing.assert_allclose(part.uv, np.stack([UV[:, 0], 1 - UV[:, 1]], -1), atol=1e-6)
    np.testing.assert_allclose(part.tint, most // 2 / most, atol=1e-6)


def test_quantised_positions(glb: Glb, tmp_path: Path) -> None:
    """Bytes with padding between them, as KHR_mesh_quantization stores them, scaled by their node."""
    padded = np.zeros((4, 4), np.int8)
    padded[:, :3] = SQUARE * 127
    view = glb.view(padded.tobytes(), byteStride=4)
    entry = {"bufferView": view, "componentType": 5120, "count": 4, "type": "VEC3", "normalized": True}
    glb.document["accessors"].append(entry)
    glb.attributes["POSITION"] = len(glb.document["accessors"]) - 1
    glb.document["extensionsRequired"] = glb.document["extensionsUsed"] = ["KHR_mesh_quantization"]
    glb.node["scale"] = [3, 3, 3]
    np.testing.assert_allclose(only(silently_read(glb, tmp_path)).vertices, 3.0 * SQUARE, atol=1e-6)


def test_texture_transforms_and_sets_of_coordinates(glb: Glb, tmp_path: Path) -> None:
    """A quarter turn takes u to −v: counter-clockwise as seen, since v points down; then it is moved."""
    moved = {"offset": [0.25, 0.5], "rotation": math.pi / 2, "scale": [2, 1], "texCoord": 1}
    glb.textured(extensions={"KHR_texture_transform": moved})
    glb.attributes["TEXCOORD_1"] = glb.accessor(np.float32([[0, 0], [1, 0], [0, 1], [1, 1]]))
    u, v = only(silently_read(glb, tmp_path)).uv.T
    np.testing.assert_allclose(u, [0.25, 0.25, 1.25, 1.25], atol=1e-6)
    np.testing.assert_allclose(1 - v, [0.5, -1.5, 0.5, -1.5], atol=1e-6)


def test_strips_and_fans_are_triangles(glb: Glb, tmp_path: Path) -> None:
    normals = {}
    for mode, order in ((4, TRIANGLES), (5, np.uint16([0, 1, 3, 2])), (6, np.uint16([0, 1, 2, 3]))):
        glb.part |= {"mode": mode, "indices": glb.accessor(order)}
        bare = read_mesh(glb.write(tmp_path / "a.glb"))
        assert len(bare.faces) == 2
        corners = bare.vertices[bare.faces]
        normals[mode] = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert all((normal == [0, 0, 4]).all() for normal in normals.values())


def test_parts_that_are_points_are_said_and_a_file_of_them_is_refused(glb: Glb, tmp_path: Path) -> None:
    glb.document["meshes"][0]["primitives"].append({"attributes": glb.attributes, "mode": 1})
    with pytest.warns(Notice, match=r"a\.glb: 1 of its 2 parts are points or lines"):
        only(read_parts(glb.write(tmp_path / "a.glb")))
    glb.part["mode"] = 0
    with pytest.raises(ValueError, match="only points or lines"):
        read_parts(glb.write(tmp_path / "a.glb"))


def test_instances(glb: Glb, tmp_path: Path) -> None:
    places = {"TRANSLATION": np.float32([[0, 0, 0], [5, 0, 0]]), "SCALE": np.float32([[1, 1, 1], [2, 2, 2]])}
    attributes = {name: glb.accessor(rows) for name, rows in places.items()}
    glb.node["extensions"] = {"EXT_mesh_gpu_instancing": {"attributes": attributes}}
    glb.node["translation"] = [0, 0, 7]
    first, second = silently_read(glb, tmp_path)
    np.testing.assert_allclose(first.vertices, SQUARE + np.array([0, 0, 7]))
    np.testing.assert_allclose(second.vertices, 2 * SQUARE + np.array([5, 0, 7]))


def test_sparse_accessors(glb: Glb, tmp_path: Path) -> None:
    where, what = glb.view(np.uint8([2]).tobytes()), glb.view(np.float32([[9, 9, 9]]).tobytes())
    sparse = {"indices": {"bufferView": where, "componentType": 5121}, "values": {"bufferView": what}}
    glb.document["accessors"][0]["sparse"] = {"count": 1, **sparse}
    vertices = only(silently_read(glb, tmp_path)).vertices
    np.testing.assert_array_equal(vertices, [SQUARE[0], SQUARE[1], [9, 9, 9], SQUARE[3]])


def test_skins_and_morph_targets_are_as_they_stand(glb: Glb, tmp_path: Path) -> None:
    up = glb.accessor(np.tile(np.float32([[0, 0, 1]]), (4, 1)))
    glb.part["targets"] = [{"POSITION": up}]
    glb.document["meshes"][0]["weights"] = [0.5]
    glb.attributes["JOINTS_0"] = glb.accessor(np.zeros((4, 4), np.uint8))
    glb.attributes["WEIGHTS_0"] = glb.accessor(np.tile(np.float32([[1, 0, 0, 0]]), (4, 1)))
    inverse = np.eye(4, dtype=np.float32)
    inverse[:3, 3] = [-1, 0, 0]
    binds = glb.accessor(inverse.T.reshape(1, 16))
    glb.document["skins"] = [{"joints": [1], "inverseBindMatrices": binds}]
    glb.node.update(skin=0, translation=[100, 0, 0])  # a skin takes no notice of where its node is
    glb.document["nodes"].append({"translation": [1, 2, 3]})
    glb.document["scenes"][0]["nodes"].append(1)
    np.testing.assert_allclose(only(silently_read(glb, tmp_path)).vertices, SQUARE + np.array([0, 2, 3.5]))


def test_animations_and_other_scenes_are_said(glb: Glb, tmp_path: Path) -> None:
    glb.document["animations"] = [{"channels": [], "samplers": []}]
    glb.document["nodes"].append({"mesh": 0})
    glb.document["scenes"] = [{"nodes": [1], "name": "spare"}, {"nodes": [0], "name": "main"}]
    glb.document["scene"] = 1
    with pytest.warns(Notice) as said:
        only(read_parts(glb.write(tmp_path / "a.glb")))
    assert ["'main' is rendered and 'spare' left out" in str(w.message) for w in said] == [True, False]
    assert "animations" in str(said[1].message)


def test_hidden_nodes_are_not_there(glb: Glb, tmp_path: Path) -> None:
    glb.document["nodes"].append({"mesh": 0, "extensions": {"KHR_node_visibility": {"visible": False}}})
    glb.document["scenes"][0]["nodes"].append(1)
    only(silently_read(glb, tmp_path))


LEFT_OUT: dict[str, dict[str, Any]] = {
    "KHR_materials_transmission": {"extensions": {"KHR_materials_transmission": {"transmissionFactor": 1}}},
    "FOO_paint": {"extensions": {"FOO_paint": {}}},
    "normalTexture": {"normalTexture": {"index": 0}},
    "alphaMode BLEND, opacity 0.1": {
        "alphaMode": "BLEND",
        "pbrMetallicRoughness": {"baseColorFactor": [1, 0, 0, 0.1]},
    },
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_left_out_is_said_by_name(glb: Glb, tmp_path: Path, name: str) -> None:
    glb.material(**LEFT_OUT[name])
    with pytest.warns(Notice, match=name) as said:
        only(read_parts(glb.write(tmp_path / "a.glb")))
    assert len(said) == 1 and str(said[0].message).startswith("a.glb: ")


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (b"\xabKTX 20\xbb\r\n\x1a\n" + bytes(64), "KTX2"),
        (png(QUADRANTS)[:60], "read|damaged"),
        (b"", "format"),
    ],
)
def test_pictures_that_cannot_be_read_are_said_and_are_not_white(
    glb: Glb, tmp_path: Path, picture: bytes, reason: str
) -> None:
    glb.textured(picture)
    with pytest.warns(Notice, match=reason) as said:
        part = only(read_parts(glb.write(tmp_path / "a.glb")))
    assert len(said) == 1 and part.material.texture.tolist() == [[[0.5, 0.5, 0.5]]]


def test_webp_is_read_where_an_extension_names_it(glb: Glb, tmp_path: Path) -> None:
    glb.textured(png(QUADRANTS, "WEBP"))
    glb.document["textures"] = [{"extensions": {"EXT_texture_webp": {"source": 0}}}]
    assert only(silently_read(glb, tmp_path)).material.texture.shape == (8, 8, 3)


def test_samplers(glb: Glb, tmp_path: Path) -> None:
    glb.textured()
    glb.document["textures"][0]["sampler"] = 0
    glb.document["samplers"] = [{"wrapS": 33071, "wrapT": 33648, "magFilter": 9728}]
    sampling = only(silently_read(glb, tmp_path)).material.sampling
    assert sampling == Sampling(Wrap.CLAMP, Wrap.MIRROR, nearest=True)


def test_masks_unlit_and_emissive_materials(glb: Glb, tmp_path: Path) -> None:
    alpha = np.full((8, 8, 1), 255, np.uint8)
    alpha[:4] = 60
    entry = glb.textured(np.concatenate([QUADRANTS, alpha], -1))
    entry |= {"alphaMode": "MASK", "alphaCutoff": 0.25, "emissiveFactor": [0, 0.5, 0]}
    entry |= {
        "extensions": {"KHR_materials_unlit": {}, "KHR_materials_emissive_strength": {"emissiveStrength": 4}}
    }
    material = only(silently_read(glb, tmp_path)).material
    assert material.unlit and material.emission.tolist() == [[[0, 2, 0]]]
    assert not material.solid[:4].any() and material.solid[4:].all()
    entry["alphaMode"] = "OPAQUE"
    assert only(silently_read(glb, tmp_path)).material.solid.all()
    entry |= {"alphaMode": "MASK", "alphaCutoff": 1.1}
    with pytest.raises(ValueError, match="fully transparent"):
        silently_read(glb, tmp_path)


def test_older_specular_glossiness(glb: Glb, tmp_path: Path) -> None:
    older = {"diffuseFactor": [0.2, 0.4, 0.6, 1], "glossinessFactor": 0.75}
    glb.material(extensions={"KHR_materials_pbrSpecularGlossiness": older})
    with pytest.warns(Notice, match="pbrSpecularGlossiness"):
        material = only(read_parts(glb.write(tmp_path / "a.glb"))).material
    np.testing.assert_allclose(material.texture, [[[0.2, 0.4, 0.6]]], atol=1e-6)
    assert (material.roughness, material.metallic) == (0.25, 0)


def test_without_a_material_it_is_grey_with_and_without_coordinates(glb: Glb, tmp_path: Path) -> None:
    assert only(silently_read(glb, tmp_path)).material.texture.tolist() == [[[0.5, 0.5, 0.5]]]
    glb.attributes["TEXCOORD_0"] = glb.accessor(UV)
    assert only(silently_read(glb, tmp_path)).material.texture.tolist() == [[[0.5, 0.5, 0.5]]]


def test_what_of_the_vertices_is_left_out_is_said(glb: Glb, tmp_path: Path) -> None:
    """Normals that ours are not, and opacity where the material uses it."""
    glb.attributes["NORMAL"] = glb.accessor(np.float32([[0, 0, 1]] * 4))
    glb.attributes["COLOR_0"] = glb.accessor(np.float32([[1, 1, 1, 0.5]] * 4))
    glb.material()
    only(silently_read(glb, tmp_path))
    glb.attributes["NORMAL"] = glb.accessor(np.float32([[1, 0, 1], [1, 0, 1], [0, 0, 1], [0, 0, 1]]))
    with pytest.warns(Notice, match="material 0: its normals are left out; edges of more than 35 degrees"):
        read_parts(glb.write(tmp_path / "a.glb"))
    del glb.attributes["NORMAL"]
    glb.material(alphaMode="BLEND")
    with pytest.warns(Notice, match=r"material 0: the opacity of its vertices \(COLOR_0\) is left out"):
        read_parts(glb.write(tmp_path / "a.glb"))
