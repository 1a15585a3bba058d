"""PLY, STL and OFF files: what they say of themselves is checked before trimesh reads on."""

import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
import trimesh
from omnifield.scenes.notice import Notice
from omnifield.studio.mesh_file import read_parts
from omnifield.studio.mesh_part import Part

from .glb_file import QUADRANTS, png

HEAD = "ply\nformat ascii 1.0\n"
XYZ = "property float x\nproperty float y\nproperty float z\n"
FACE = "element face 1\nproperty list uchar int vertex_indices\nend_header\n"
UV_AND_COLOR = (
    "property float s\nproperty float t\nproperty uchar red\nproperty uchar green\nproperty uchar blue\n"
)
ROWS = "0 0 0 0 0 255 0 0\n1 0 0 1 0 255 0 0\n1 1 0 1 1 255 0 0\n3 0 1 2\n"
PAINTED = f"element vertex 3\n{XYZ}{UV_AND_COLOR}{FACE}{ROWS}"


def silently_read(path: Path) -> Part:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (part,) = read_parts(path)
    return part


def test_a_picture_on_a_ply(tmp_path: Path) -> None:
    path = tmp_path / "a.ply"
    path.write_text(f"{HEAD}comment TextureFile my tex.png\n{PAINTED}")
    with pytest.warns(Notice, match=r"a\.ply names my tex\.png, which is not there"):
        (part,) = read_parts(path)
    assert part.tint.tolist() == [[1, 0, 0]] * 3  # the colours that are there
    (tmp_path / "my tex.png").write_bytes(png(QUADRANTS))
    part = silently_read(path)
    assert part.material.texture.shape == (8, 8, 3) and part.tint.min() == 1
    np.testing.assert_array_equal(part.uv, part.vertices[:, :2])
    path.write_text(f"{HEAD}comment TextureFile ../tex.png\n{PAINTED}")
    with pytest.raises(ValueError, match="only files in its own folder"):
        read_parts(path)


def test_coordinates_without_a_picture_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.ply"
    path.write_text(f"{HEAD}{PAINTED}")
    assert silently_read(path).tint.tolist() == [[1, 0, 0]] * 3
    grey = PAINTED.replace("red", "a").replace("green", "b").replace("blue", "c")
    path.write_text(f"{HEAD}{grey}")
    assert silently_read(path).material.texture.tolist() == [[[0.5, 0.5, 0.5]]]


def test_colours_of_an_off(tmp_path: Path) -> None:
    path = tmp_path / "a.off"
    path.write_text(
        "COFF # colours\n4 1 0\n0 0 0 255 0 0 255\n1 0 0 0 255 0 255\n1 1 0 0 0 255 255\n0 1 0 0 0 0 255\n4 0 1 2 3\n"
    )
    part = silently_read(path)
    assert part.tint.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]] and len(part.faces) == 2


def test_what_is_written_behind_an_stl_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "a.stl"
    path.write_bytes(trimesh.creation.box().export(file_type="stl") + b"\0\0")
    assert len(silently_read(path).faces) == 12


BOX = {kind: trimesh.creation.box().export(file_type=kind) for kind in ("stl", "ply")}
BAD: dict[str, tuple[str, bytes]] = {
    "cut short: it has 10 of its 12 faces": ("a.stl", BOX["stl"][:-60]),
    "no STL file: it has only 9 bytes": ("a.stl", b"not an st"),
    "has 4,000,000,000 faces; omnifield renders meshes of at most 10,000,000": (
        "a.stl",
        bytes(80) + struct.pack("<I", 4_000_000_000),
    ),
    "has 3,000,000,000 faces": ("a.ply", f"{HEAD}{FACE.replace(' 1', ' 3000000000')}".encode()),
    "has 3,000,000,000 vertices": ("a.ply", f"{HEAD}element vertex 3000000000\n{XYZ}{FACE}".encode()),
    "has no header": ("a.ply", b"ply\nformat ascii 1.0\nelement vertex"),
    "only points and no faces": ("a.ply", f"{HEAD}element vertex 1\n{XYZ}end_header\n0 0 0\n".encode()),
    "triangle strips": (
        "a.ply",
        f"{HEAD}element vertex 1\n{XYZ}element tristrips 1\nproperty list int int i\nend_header\n0 0 0\n".encode(),
    ),
    "damaged, or not": ("a.ply", BOX["ply"][:-10]),
    "does not begin with OFF": ("a.off", b"not topical"),
    "lines for its 3 vertices and 1 faces": ("a.off", b"OFF\n3 1 0\n0 0 0\n1 0 0\n"),
    "has 2,000,000,000 faces": ("a.off", b"OFF\n3 2000000000 0\n"),
    "a face refers to a vertex": ("a.off", b"OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 3\n"),
    "is empty": ("a.stl", b""),
}


@pytest.mark.parametrize("reason", BAD)
def test_bad_files_are_refused_in_the_users_words(tmp_path: Path, reason: str) -> None:
    name, content = BAD[reason]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError) as caught:
        read_parts(tmp_path / name)
    message = str(caught.value)
    assert reason in message and name in message and message.endswith(".") and "\n" not in message
