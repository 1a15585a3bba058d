"""Which glTF files are refused, in the user's words, and where the files they name may lie."""

import base64
import warnings
from pathlib import Path

import numpy as np
import pytest
from omnifield.studio import mesh_picture
from omnifield.studio.mesh_file import read_parts
from PIL import Image

from .glb_file import QUADRANTS, Glb, png


@pytest.fixture
def glb() -> Glb:
    return Glb()


REFUSED = {
    "FOO_unknown": {"extensionsRequired": ["FOO_unknown"]},
    "KHR_draco_mesh_compression": {"extensionsRequired": ["KHR_draco_mesh_compression"]},
    "EXT_meshopt_compression": {"extensionsRequired": ["EXT_meshopt_compression"]},
    "KHR_texture_basisu": {"extensionsRequired": ["KHR_texture_basisu"]},
    "glTF 1.0": {"asset": {"version": "1.0"}},
    "more than one parent": {"nodes": [{"mesh": 0, "children": [0]}], "scenes": [{"nodes": [0]}]},
    "number 3 of its meshes": {"nodes": [{"mesh": 3}]},
    "number 9 of its nodes": {"scenes": [{"nodes": [9]}]},
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_cannot_be_rendered_is_refused_by_name(glb: Glb, tmp_path: Path, reason: str) -> None:
    glb.document |= REFUSED[reason]
    with pytest.raises(ValueError, match=reason) as caught:
        read_parts(glb.write(tmp_path / "a.glb"))
    assert "a.glb" in str(caught.value) and str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_draco_is_refused_where_the_file_forgets_to_require_it(glb: Glb, tmp_path: Path) -> None:
    glb.part["extensions"] = {"KHR_draco_mesh_compression": {"bufferView": 0, "attributes": {}}}
    assert len(read_parts(glb.write(tmp_path / "a.glb"))) == 1  # what is there uncompressed is read
    del glb.document["accessors"][0]["bufferView"]
    with pytest.raises(ValueError, match=r"compressed \(KHR_draco_mesh_compression\)"):
        read_parts(glb.write(tmp_path / "a.glb"))


def test_uris_are_percent_decoded_and_may_hold_the_data(glb: Glb, tmp_path: Path) -> None:
    glb.textured()
    (tmp_path / "my scene.bin").write_bytes(glb.binary)
    (tmp_path / "Färg ö.png").write_bytes(png(QUADRANTS))
    glb.document["images"] = [{"uri": "F%C3%A4rg%20%C3%B6.png"}]
    path = glb.write_json(tmp_path / "a.gltf", "my%20scene.bin")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (by_name,) = read_parts(path)
        data = "data:application/octet-stream;base64," + base64.b64encode(glb.binary).decode()
        (by_data,) = read_parts(glb.write_json(path, data))
    assert by_name.material.texture.shape == by_data.material.texture.shape == (8, 8, 3)
    np.testing.assert_array_equal(by_name.vertices, by_data.vertices)


OUTSIDE = ("../a.bin", "%2e%2e/a.bin", "b/../../a.bin", "/etc/a.bin", "file:///etc/a.bin", "http://a.b/a.bin")


@pytest.mark.parametrize("uri", [*OUTSIDE, "..\\a.bin", "C:\\a.bin", "\\\\server\\a.bin"])
def test_uris_stay_in_the_folder(glb: Glb, tmp_path: Path, uri: str) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    (tmp_path / "a.bin").write_bytes(glb.binary)
    with pytest.raises(ValueError, match="only files in its own folder"):
        read_parts(glb.write_json(folder / "a.gltf", uri))
    glb.textured()
    glb.document["images"] = [{"uri": uri}]
    (folder / "a.bin").write_bytes(glb.binary)
    with pytest.raises(ValueError, match="only files in its own folder"):
        read_parts(glb.write_json(folder / "a.gltf", "a.bin"))


def test_files_that_are_missing_or_too_short(glb: Glb, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"a\.gltf names the file gone\.bin, which is not there"):
        read_parts(glb.write_json(tmp_path / "a.gltf", "gone.bin"))
    (tmp_path / "short.bin").write_bytes(glb.binary[:20])
    with pytest.raises(ValueError, match=r"short\.bin has 20 bytes and should have"):
        read_parts(glb.write_json(tmp_path / "a.gltf", "short.bin"))
    whole = glb.write(tmp_path / "a.glb").read_bytes()
    for length in (14, 40, len(whole) - 8):
        (tmp_path / "cut.glb").write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"cut\.glb is cut short"):
            read_parts(tmp_path / "cut.glb")


def test_limits_are_checked_before_memory_is_taken(
    glb: Glb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    glb.document["accessors"][1]["count"] = 3 * 2_000_000_000
    with pytest.raises(ValueError, match=r"2,000,000,000 faces; .* at most 10,000,000"):
        read_parts(glb.write(tmp_path / "a.glb"))
    glb.document["accessors"][1]["count"] = 6
    places = {"bufferView": 0, "componentType": 5126, "count": 10**9, "type": "VEC3"}
    glb.document["accessors"].append(places)
    attributes = {"TRANSLATION": len(glb.document["accessors"]) - 1}
    glb.node["extensions"] = {"EXT_mesh_gpu_instancing": {"attributes": attributes}}
    with pytest.raises(ValueError, match=r"2,000,000,000 faces"):
        read_parts(glb.write(tmp_path / "a.glb"))
    del glb.node["extensions"]
    glb.textured(np.zeros((200, 100, 3), np.uint8))
    monkeypatch.setattr(mesh_picture, "MOST_TEXELS", 19_999)
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("decoded"))
    with pytest.raises(ValueError, match=r"100 × 200 pixels; at most 19,999 are read"):
        read_parts(glb.write(tmp_path / "a.glb"))
