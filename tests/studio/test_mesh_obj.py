"""OBJ files and their materials are read as the format says, or what is not is said by name."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from omnifield.scenes.notice import Notice
from omnifield.studio import mesh_part, obj_file
from omnifield.studio.mesh_file import read_parts
from omnifield.studio.mesh_part import Part
from omnifield.studio.mtl_file import Map, read_map
from omnifield.studio.surface import Wrap

from .glb_file import QUADRANTS, png

SQUARE = "v -1 -1 0\nv 1 -1 0\nv 1 1 0\nv -1 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"
FACE = "usemtl a\nf 1/1 2/2 3/3 4/4\n"


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def picture(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(png(QUADRANTS))


def silently_read(path: Path) -> Part:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (part,) = read_parts(path)
    return part


MAPS = {
    "tex.png": Map("tex.png"),
    "-s 2 tex.png": Map("tex.png", scale=(2.0, 1.0)),
    "-s 2 3 1 -o 0.5 -.25 0 tex.png": Map("tex.png", scale=(2.0, 3.0), offset=(0.5, -0.25)),
    "-mm 0.1 0.5 tex.png": Map("tex.png", base=0.1, gain=0.5),
    "-blendu on -blendv off -cc on -clamp on -bm 1e-1 -texres 64 -boost 2 tex.png": Map(
        "tex.png", clamp=True
    ),
    "-clamp off -imfchan r -t 0 0 0 -type sphere my tex -2.png": Map("my tex -2.png"),
    '"my tex.png"': Map("my tex.png"),
    "-O 1 2 tex.png": Map("tex.png", offset=(1.0, 2.0)),
    "2.png": Map("2.png"),
}


@pytest.mark.parametrize("rest", MAPS)
def test_options_before_a_picture(rest: str) -> None:
    assert read_map(rest) == MAPS[rest]


NAMES = (
    "textures\\wood.png",
    "textures/wood.png",
    "Textures/WOOD.PNG",
    "./textures//wood.png",
    "-s 1 1 1 textures\\wood.png",
)


@pytest.mark.parametrize("name", NAMES)
def test_pictures_are_found(tmp_path: Path, name: str) -> None:
    picture(tmp_path / "textures" / "wood.png")
    written(tmp_path / "m.mtl", f"newmtl a\nKd 0.8 0.8 0.8\nmap_Kd {name}\n")
    part = silently_read(written(tmp_path / "a.obj", f"mtllib m.mtl\n{SQUARE}{FACE}"))
    assert part.material.texture.shape == (8, 8, 3)
    assert part.material.texture[0, 0].tolist() == [1, 0, 0]


def test_how_a_picture_lies(tmp_path: Path) -> None:
    picture(tmp_path / "my tex.png")
    written(tmp_path / "m.mtl", "newmtl a\nmap_Kd -s 2 3 -o 0.5 0.25 -mm 0 0.5 -clamp on my tex.png\n")
    part = silently_read(written(tmp_path / "a.obj", f"mtllib m.mtl\n{SQUARE}{FACE}"))
    order = np.lexsort(part.vertices.T[:2])
    np.testing.assert_allclose(part.uv[order], [[0.5, 0.25], [2.5, 0.25], [0.5, 3.25], [2.5, 3.25]])
    assert part.material.sampling.u is part.material.sampling.v is Wrap.CLAMP
    half = ((127 / 255 + 0.055) / 1.055) ** 2.4
    np.testing.assert_allclose(part.material.texture[0, 0], [half, 0, 0], atol=1e-6)


def test_libraries(tmp_path: Path) -> None:
    """Several in one statement or in several, names with spaces, and pictures beside a library in a folder."""
    picture(tmp_path / "mats" / "wood.png")
    picture(tmp_path / "top.png")
    written(tmp_path / "mats" / "one.mtl", "newmtl one\nmap_Kd wood.png\nnewmtl up\nmap_Kd ..\\top.png\n")
    written(tmp_path / "two.mtl", "newmtl two\nKd 0.1 0.2 0.3\n")
    written(tmp_path / "my three.mtl", "newmtl three\nKd 0.4 0.5 0.6\n")
    head = "mtllib mats/one.mtl two.mtl\nmtllib My Three.mtl\n"
    faces = "".join(f"usemtl {name}\nf 1/1 2/2 3/3\n" for name in ("one", "up", "two", "three"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parts = read_parts(written(tmp_path / "a.obj", head + SQUARE + faces))
    assert [part.material.texture.shape[0] for part in parts] == [8, 8, 1, 1]
    np.testing.assert_allclose(
        [p.material.texture[0, 0] for p in parts[2:]], [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]
    )


def test_the_same_grey_with_and_without_coordinates(tmp_path: Path) -> None:
    plain = silently_read(written(tmp_path / "a.obj", f"{SQUARE}f 1 2 3 4\n"))
    mapped = silently_read(written(tmp_path / "b.obj", f"{SQUARE}{FACE}"))
    assert plain.material.texture.tolist() == mapped.material.texture.tolist() == [[[0.5, 0.5, 0.5]]]


SAID = {
    "names gone.png, which is not there": "map_Kd -s 2 gone.png",
    "is see-through": "d 0.3",
    "map_bump of material 'a' are left out": "map_Bump -bm 1 gone.png",
    "('none of it'), and is left out": "Kd none of it",
}


@pytest.mark.parametrize("said", SAID)
def test_what_is_left_out_is_said(tmp_path: Path, said: str) -> None:
    written(tmp_path / "m.mtl", f"newmtl a\n{SAID[said]}\n")
    path = written(tmp_path / "a.obj", f"mtllib m.mtl\n{SQUARE}{FACE}")
    with pytest.warns(Notice) as caught:
        read_parts(path)
    assert len(caught) == 1 and said in str(caught[0].message) and "a.obj" in str(caught[0].message)


def test_materials_and_libraries_that_are_not_there(tmp_path: Path) -> None:
    with pytest.warns(Notice, match=r"a\.obj names gone\.mtl, which is not there"):
        read_parts(written(tmp_path / "a.obj", f"mtllib gone.mtl\n{SQUARE}{FACE}"))
    written(tmp_path / "m.mtl", "newmtl b\nKd 1 0 0\n")
    with pytest.warns(Notice, match="'a' is in none of its libraries"):
        read_parts(written(tmp_path / "a.obj", f"mtllib m.mtl\n{SQUARE}{FACE}"))


@pytest.mark.parametrize("name", ["../m.mtl", "/etc/m.mtl", "C:\\m.mtl", "..\\m.mtl", "file:///m.mtl"])
def test_files_stay_in_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "inner").mkdir()
    written(tmp_path / "m.mtl", "newmtl a\nKd 1 0 0\n")
    with pytest.raises(ValueError, match="only files in its own folder"):
        read_parts(written(tmp_path / "inner" / "a.obj", f"mtllib {name}\n{SQUARE}{FACE}"))
    written(tmp_path / "inner" / "m.mtl", f"newmtl a\nmap_Kd {name}\n")
    with pytest.raises(ValueError, match="only files in its own folder"):
        read_parts(written(tmp_path / "inner" / "a.obj", f"mtllib m.mtl\n{SQUARE}{FACE}"))


def test_colours_of_vertices_and_masks(tmp_path: Path) -> None:
    colored = "v 0 0 0 1 0 0\nv 1 0 0 0 1 0\nv 0 1 0 0 0 1\nv 5 5 5\nf 1 2 3\n"
    part = silently_read(written(tmp_path / "a.obj", colored))
    assert part.tint.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert part.material.texture.tolist() == [[[1, 1, 1]]]
    mask = np.zeros((8, 8, 3), np.uint8)
    mask[:4] = 255
    (tmp_path / "mask.png").write_bytes(png(mask))
    written(tmp_path / "m.mtl", "newmtl a\nKd 1 0 0\nmap_d mask.png\n")
    part = silently_read(written(tmp_path / "b.obj", f"mtllib m.mtl\n{SQUARE}{FACE}"))
    assert part.material.solid[:4].all() and not part.material.solid[4:].any()


def test_polygons_and_all_ways_to_count_corners(tmp_path: Path) -> None:
    ways = (
        "f 1/1/1 2/2/1 3/3/1 4/4/1",
        "f -4/-4 -3/-3 -2/-2 -1/-1",
        "f 1/1 2/2 3/3\nf 1/1 3/3 4/4",
        "f 1 2 3 4",
    )
    for way in (
        *ways,
        "f 1//1 2//1 3//1 4//1",
        "f 1/ 2/ 3/ 4//",
        "f 1 2/2 3//1 4/4/1",
        "f 1/1 2/2 3/3 \\\n4/4",
        "\tf\t1/1 2/2 3/3 4/4 # square",
    ):
        part = silently_read(written(tmp_path / "a.obj", f"\ufeff{SQUARE}vn 0 0 1\n{way}\nv 9 9 9\n"))
        corners = part.vertices[part.faces]
        assert corners.shape == (2, 3, 3)
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        np.testing.assert_array_equal(normal, [[0, 0, 4], [0, 0, 4]])
        if part.uv.any():
            np.testing.assert_array_equal(part.vertices[:, :2], part.uv * 2 - 1)


BAD = {
    "has commas where numbers have points": "v -0,5 -0,5 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n",
    "'v 0 zero 0' is not made of numbers": "v 0 zero 0\nf 1 1 1\n",
    "'f 1 2 x' is not a face": f"{SQUARE}f 1 2 x\n",
    "only vertices, points or lines and no faces": f"{SQUARE}p 1\nl 1 2\n",
    "no geometry and no faces": "# nothing\n",
    "a face refers to a vertex that is not there": f"{SQUARE}f 1 2 5\n",
    "damaged: a face refers": f"{SQUARE}f 0 1 2\n",
    "is damaged: a face": f"{SQUARE}f 1/9 2/2 3/3\n",
    "not finite numbers": "v 0 0 0\nv 1 0 0\nv 0 1 nan\nf 1 2 3\n",
    "without area": "v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n",
    "2 coordinates instead of three": "v 0 0\nv 1 0\nv 0 1\nf 1 2 3\n",
    "git-lfs": "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
}


@pytest.mark.parametrize("reason", BAD)
def test_bad_files_are_refused_in_the_users_words(tmp_path: Path, reason: str) -> None:
    with pytest.raises(ValueError) as caught:
        read_parts(written(tmp_path / "a.obj", BAD[reason]))
    message = str(caught.value)
    assert reason in message and "a.obj" in message and message.endswith(".") and "\n" not in message


def test_too_many_faces_are_refused_before_they_are_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "a.obj", SQUARE + 9 * "f 1 2 3\n")
    monkeypatch.setattr(mesh_part, "MOST_FACES", 8)
    monkeypatch.setattr(obj_file, "text_of", lambda _: pytest.fail("parsed"))
    with pytest.raises(ValueError, match=r"has 9 faces; omnifield renders meshes of at most 8"):
        read_parts(path)
