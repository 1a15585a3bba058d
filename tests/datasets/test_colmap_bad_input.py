"""What is wrong in a COLMAP folder is said in one sentence that names the file."""

import struct
from pathlib import Path

import numpy as np
import pytest
from omnifield.datasets import load_scene

from .colmap_folder import Camera, Model, ring, save_pictures

NAMES = [f"{i}.png" for i in range(4)]


def model_with_points() -> Model:
    model = ring(NAMES)
    model.points = {1: (0.0, 0.0, 0.0)}
    model.images[1].keypoints = [(1.0, 2.0, 1)]
    return model


def written(root: Path, model: Model, kind: str = "bin") -> Path:
    return model.write(save_pictures(root, NAMES) / "sparse" / "0", kind)


@pytest.mark.parametrize("name", ["cameras", "images", "points3D"])
def test_a_binary_file_that_is_cut_off_anywhere(tmp_path: Path, name: str) -> None:
    folder = written(tmp_path, model_with_points())
    whole = (folder / f"{name}.bin").read_bytes()
    for length in range(len(whole)):
        (folder / f"{name}.bin").write_bytes(whole[:length])
        with pytest.raises(ValueError, match=rf"{name}\.bin (is cut off|lists no image)"):
            load_scene(tmp_path)


@pytest.mark.parametrize("name", ["cameras", "images", "points3D"])
def test_counts_that_are_too_large(tmp_path: Path, name: str) -> None:
    folder = written(tmp_path, model_with_points())
    file = folder / f"{name}.bin"
    file.write_bytes(struct.pack("<Q", 2**63) + file.read_bytes()[8:])
    with pytest.raises(ValueError, match=rf"{name}\.bin is cut off or .*: it states 9223372036854775808"):
        load_scene(tmp_path)


@pytest.mark.parametrize("kind", ["bin", "txt"])
@pytest.mark.parametrize(
    ("camera", "said"),
    [
        (Camera("THIN_PRISM_FISHEYE", (9.0,) * 12), "1 has the model THIN_PRISM_FISHEYE, which is not"),
        (Camera("FOV", (9.0,) * 5), "camera 1 has the model FOV, which is not supported"),
        (Camera("FULL_OPENCV", (*(9.0,) * 4, *(0.0,) * 5, 0.1, 0.0, 0.0)), "FULL_OPENCV with k4, k5 or k6"),
        (Camera(parameters=(0.0, 9.0, 9.0, 9.0)), "PINHOLE with the focal length 0"),
        (Camera(parameters=(float("nan"), 9.0, 9.0, 9.0)), r"camera 1 \(PINHOLE\) has a parameter that is not"),
        (Camera(size=(0, 16)), r"camera 1 \(PINHOLE\) states a size of 0x16 pixels"),
        (Camera(size=(16, 16)), "another shape than w and h"),
    ],
)  # fmt: skip
def test_cameras_that_cannot_be_had(tmp_path: Path, kind: str, camera: Camera, said: str) -> None:
    """Report 14: the model and the camera are named."""
    model = ring(NAMES)
    model.cameras[1] = camera
    folder = written(tmp_path, model, kind)
    with pytest.raises(ValueError, match=said) as caught:
        load_scene(tmp_path)
    assert str(folder) in str(caught.value)


def test_a_model_that_no_list_has(tmp_path: Path) -> None:
    folder = written(tmp_path, ring(NAMES))
    data = bytearray((folder / "cameras.bin").read_bytes())
    data[12:16] = struct.pack("<i", 99)
    (folder / "cameras.bin").write_bytes(data)
    with pytest.raises(
        ValueError, match=r"camera 1 has a model that is not known here \(COLMAP's number 99\)"
    ):
        load_scene(tmp_path)


@pytest.mark.parametrize("kind", ["bin", "txt"])
def test_images_that_cannot_be_placed(tmp_path: Path, kind: str) -> None:
    model = ring(NAMES)
    model.images[2].camera = 5
    written(tmp_path, model, kind)
    with pytest.raises(
        ValueError, match=r"image 2 \(1\.png\) is of camera 5, which cameras\.\w+ does not have"
    ):
        load_scene(tmp_path)
    model.images[2].camera = 1
    model.images[2].pose = np.full((4, 4), np.nan) + np.eye(4)
    model.images[2].numbers = lambda: [1.0, 0.0, 0.0, 0.0, float("nan"), 0.0, 0.0]  # type: ignore
    written(tmp_path, model, kind)
    with pytest.raises(ValueError, match="has a pose that is not made of finite numbers"):
        load_scene(tmp_path)
    model.images[2].numbers = lambda: [0.0] * 7  # type: ignore
    written(tmp_path, model, kind)
    with pytest.raises(ValueError, match="has the quaternion 0 0 0 0, which is no rotation"):
        load_scene(tmp_path)


def test_two_of_one_number(tmp_path: Path) -> None:
    folder = written(tmp_path, ring(NAMES), "txt")
    text = (folder / "cameras.txt").read_text()
    (folder / "cameras.txt").write_text(text + text)
    with pytest.raises(
        ValueError, match=r"cameras\.txt has two of the number 1: each camera must have its own"
    ):
        load_scene(tmp_path)


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [
        ("cameras", "1 PINHOLE 24 16 20 21", r"line 1 has 4 numbers where 6 are needed"),
        ("cameras", "1 PINHOLE 24 16 20 21 x 8", r"line 1 has '24 16 20 21 x 8' where 6 numbers are needed"),
        ("cameras", "1.5 PINHOLE 24 16 20 21 12 8", r"line 1 has 1\.5 where a whole number is needed"),
        ("cameras", "1", r"line 1 is of a camera model '', which is not known here"),
        ("cameras", "1 PINHOLE inf 16 20 21 12 8", r"line 1 has inf where a whole number is needed"),
        ("images", "1 1 0 0 0 0 0 0 1", r"line 1 is not an image's"),
        ("images", "", r"images\.txt lists no image"),
        ("points3D", "1 2 3", r"line 1 has 3 numbers where 4 are needed"),
    ],
)
def test_lines_that_are_none(tmp_path: Path, name: str, line: str, said: str) -> None:
    folder = written(tmp_path, ring(NAMES), "txt")
    (folder / f"{name}.txt").write_text(line + "\n")
    with pytest.raises(ValueError, match=said):
        load_scene(tmp_path)


def test_a_text_that_is_none(tmp_path: Path) -> None:
    folder = written(tmp_path, ring(NAMES), "txt")
    (folder / "images.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"images\.txt is not a text in UTF-8"):
        load_scene(tmp_path)


def test_pictures_that_are_missing(tmp_path: Path) -> None:
    written(tmp_path, ring(NAMES))
    for name in NAMES[2:]:
        (tmp_path / "images" / name).unlink()
    with pytest.raises(
        FileNotFoundError, match=r"lacks 2 of the 4 pictures that .*images\.bin lists, 2\.png"
    ):
        load_scene(tmp_path)
    (tmp_path / "images").rename(tmp_path / "pictures")
    with pytest.raises(FileNotFoundError, match=r"has no folder images, nor a reduced one as images_4"):
        load_scene(tmp_path)


def test_a_folder_of_none_is_told_what_would_be_one(tmp_path: Path) -> None:
    (tmp_path / "sparse" / "0").mkdir(parents=True)
    with pytest.raises(
        FileNotFoundError, match=r"nor sparse/0 \(COLMAP\) nor poses_bounds\.npy \(LLFF\) nor cameras"
    ):
        load_scene(tmp_path)
