"""Every mistake gets one sentence that names the file and the field, and never a traceback of ours."""

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from omnifield.datasets import load_scene

TRAIN, FILE = "transforms_train.json", "transforms.json"
SPOILERS = [
    None,
    True,
    -1,
    0,
    1e999,
    float("nan"),
    "x",
    "",
    "\0",
    "\ud800",
    [],
    {},
    [[]],
    [1, 2],
    10**400,
    {"a": 1},
]


def complaint(data: Path | str, downscale: int = 1) -> str:
    with pytest.raises((ValueError, FileNotFoundError)) as caught:
        load_scene(data, downscale=downscale)
    assert type(caught.value) in (ValueError, FileNotFoundError)
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence
    return sentence


def spoil(field: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda frame: frame.update({field: value})


def scaled(frame: dict[str, Any]) -> None:
    frame["transform_matrix"] = [
        [2 * value for value in row[:3]] + row[3:] for row in frame["transform_matrix"][:3]
    ]


def mirrored(frame: dict[str, Any]) -> None:
    frame["transform_matrix"] = [[-row[0], *row[1:]] for row in frame["transform_matrix"][:3]]


def sheared(frame: dict[str, Any]) -> None:
    frame["transform_matrix"] = [[1, 0.6, 0, 0], [0, 0.8, 0, 0], [0, 0, 1, 4]]


def infinite(frame: dict[str, Any]) -> None:
    frame["transform_matrix"][1][3] = float("inf")


FRAME_FAULTS = [
    (spoil("transform_matrix", None), "transform_matrix is missing"),
    (spoil("transform_matrix", [[1, 2], [3, 4]]), "transform_matrix is not a table"),
    (spoil("transform_matrix", "eye"), "transform_matrix is 'eye', not a list"),
    (spoil("transform_matrix", [["a"] * 4] * 4), "transform_matrix holds 'a'"),
    (spoil("transform_matrix", [[0, 0, 0, 0]] * 4), "transform_matrix has the last row"),
    (spoil("transform_matrix", [[0, 0, 0, 0]] * 3), "transform_matrix is not a rigid pose"),
    (scaled, "transform_matrix is not a rigid pose: its axes have lengths 2, 2, 2"),
    (mirrored, "transform_matrix is not a rigid pose: it mirrors"),
    (sheared, "transform_matrix is not a rigid pose: its axes are not at right angles"),
    (infinite, "transform_matrix holds inf"),
    (spoil("file_path", None), "file_path is missing"),
    (spoil("file_path", 3), "file_path is 3"),
    (spoil("file_path", "a\0b"), "file_path is"),
    (spoil("file_path", "../../nowhere/x.png"), "does not exist"),
    (spoil("file_path", "x" * 5000), "does not exist"),
    (spoil("time", 2), "time is 2"),
    (spoil("time", -0.01), "time is -0.01, but must lie between 0 and 1"),
    (spoil("time", float("nan")), "time is nan, not a finite number"),
    (spoil("time", "now"), "time is 'now'"),
    (spoil("mask_path", "no.png"), "no.png"),
]


@pytest.mark.parametrize(("fault", "expected"), FRAME_FAULTS)
@pytest.mark.parametrize("file", [TRAIN, FILE])
def test_a_fault_in_a_frame(blender, photographs, file: str, fault: Callable, expected: str) -> None:
    dataset = blender if file == TRAIN else photographs
    fault(dataset.frame(file, 2))
    sentence = complaint(dataset.write())
    assert expected in sentence and file in sentence and "frames[2]." in sentence


FILE_FAULTS = [
    ({"frames": None}, "frames is missing"),
    ({"frames": []}, "frames is empty"),
    ({"frames": {"a": 1}}, "frames is {'a': 1}, not a list"),
    ({"frames": [3]}, "frames[0] is 3"),
    ({"fl_x": 0}, "fl_x is 0"),
    ({"fl_x": -5.0}, "fl_x is -5"),
    ({"fl_x": float("nan")}, "fl_x is nan"),
    ({"fl_x": "long"}, "fl_x is 'long'"),
    ({"fl_x": True}, "fl_x is True"),
    ({"fl_x": 10**400}, "fl_x is 1000"),
    ({"fl_x": None, "fl_y": None}, "fl_x is missing"),
    ({"fl_x": None, "camera_angle_x": 4.0}, "camera_angle_x is 4"),
    ({"fl_x": None, "x_fov": 0}, "x_fov is 0"),
    ({"cx": "middle"}, "cx is 'middle'"),
    ({"w": 0}, "w is 0"),
    ({"w": 16, "h": 24}, "another shape than w and h"),
    ({"k1": [0]}, "k1 is [0]"),
    ({"camera_model": "EQUIRECTANGULAR"}, "camera_model is 'EQUIRECTANGULAR', which is not supported"),
    ({"camera_model": 5}, "camera_model is 5"),
    ({"is_fisheye": "yes"}, "is_fisheye is 'yes'"),
    ({"latlong": True}, "latlong asks for a lens that is not supported"),
    ({"ftheta_p0": 0.1}, "ftheta_p0 asks for a lens"),
    ({"aabb_scale": "big"}, "aabb_scale is 'big'"),
    ({"aabb_scale": 1, "scale": 0}, "scale is 0"),
    ({"aabb_scale": 1, "offset": [0, 1]}, "offset is [0, 1]"),
    ({"up": [0, 1]}, "up is [0, 1]"),
    ({"applied_transform": [[1]]}, "applied_transform is not a table"),
    ({"applied_scale": 0}, "applied_scale is 0"),
    ({"orientation_override": "down"}, "orientation_override is 'down'"),
    ({"train_filenames": "all"}, "train_filenames is 'all'"),
    ({"train_filenames": [1]}, "train_filenames[0] is 1"),
    ({"test_filenames": ["images/99.png"]}, "test_filenames names images/99.png"),
    ({"train_filenames": ["images/1.png"]}, "at least 2 images for training"),
]


@pytest.mark.parametrize(("fields", "expected"), FILE_FAULTS)
def test_a_fault_in_a_file(photographs, fields: dict[str, Any], expected: str) -> None:
    photographs.files[FILE].update(fields)
    sentence = complaint(photographs.write())
    assert expected in sentence and FILE in sentence


def test_depth_pictures_alone_are_no_dataset(blender) -> None:
    for frame in blender.files[TRAIN]["frames"]:
        frame["file_path"] += "_depth_0001"
    assert f"{TRAIN}: frames names depth and normal pictures only" in complaint(blender.write())


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_images(photographs, count: int) -> None:
    del photographs.files[FILE]["frames"][count:]
    assert "frames must hold at least 2 images for training and 1 for testing" in complaint(
        photographs.write()
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"frames": [\n{"a": 1,}\n]}', "transforms.json, line 2: this is not valid JSON"),
        ("", "transforms.json, line 1"),
        ("[]", "transforms.json: the top level must be an object"),
        ("[" * 100_000, "transforms.json is not a readable JSON file"),
        ('{"fl_x": ' + "9" * 5000 + "}", "transforms.json"),
        ("\xff\xfe", "transforms.json is not a readable JSON file"),
    ],
)
def test_malformed_json(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / FILE).write_bytes(text.encode("latin-1"))
    assert expected in complaint(tmp_path)


def test_what_is_not_a_dataset(tmp_path: Path) -> None:
    assert "There is no file or folder" in complaint(tmp_path / "nowhere")
    assert "is empty" in complaint(tmp_path)
    (tmp_path / "notes.txt").write_text("hello")
    sentence = complaint(tmp_path)
    assert "transforms.json" in sentence and "transforms_train.json" in sentence
    assert "notes.txt is neither" in complaint(tmp_path / "notes.txt")
    assert "There is no mesh file" in complaint(tmp_path / "cow.obj")
    (tmp_path / FILE).mkdir()
    assert FILE in complaint(tmp_path / FILE)


def test_downscale_out_of_range(blender) -> None:
    assert "--downscale must be 1 or more, not 0" in complaint(blender.write(), downscale=0)
    assert "--downscale 9 leaves nothing of images of 16x16" in complaint(blender.folder, downscale=9)


@pytest.mark.parametrize("content", [b"", b"not an image", "half"])
def test_damaged_images(blender, content: bytes | str) -> None:
    path = blender.folder / "train" / "r_2.png"
    path.write_bytes(path.read_bytes()[:600] if isinstance(content, str) else content)
    sentence = complaint(blender.write())
    assert f"{TRAIN}: frames[2].file_path names" in sentence and "cannot be read as an image" in sentence
    assert "r_2.png" in sentence


def test_another_shape_than_the_lens_is_stated_for(photographs) -> None:
    photographs.save(photographs.frame(FILE, 3)["file_path"], np.zeros((24, 16, 3), np.uint8))
    sentence = complaint(photographs.write())
    assert "frames[3].file_path" in sentence and "16x24" in sentence and "24x16" in sentence


def test_a_damaged_mask_and_an_alpha_of_another_size(photographs) -> None:
    frame = photographs.frame(FILE, 0)
    (photographs.folder / "mask.png").write_bytes(b"x")
    frame["mask_path"] = "mask.png"
    assert "frames[0].mask_path names" in complaint(photographs.write())
    del frame["mask_path"]
    photographs.save("images/0.png.alpha.png", np.zeros((8, 8), np.uint8))
    assert "alpha" in complaint(photographs.write())


def test_images_that_show_nothing(blender, photographs) -> None:
    for i in range(4):
        blender.save(f"train/r_{i}.png", np.zeros((16, 16, 4), np.uint8))
    assert "transparent everywhere (their alpha is 0)" in complaint(blender.write())
    photographs.save("black.png", np.zeros((16, 24), np.uint8))
    for frame in photographs.files[FILE]["frames"]:
        frame["mask_path"] = "black.png"
    assert "masks (mask_path) ignore every pixel" in complaint(photographs.write())


def test_cameras_that_look_away(blender) -> None:
    for content in blender.files.values():
        for frame in content["frames"]:  # OpenCV's axes where OpenGL's are asked for
            frame["transform_matrix"] = [[r[0], -r[1], -r[2], r[3]] for r in frame["transform_matrix"][:3]]
    assert "no training camera sees the box" in complaint(blender.write())


def test_no_content_of_a_file_raises_anything_else(photographs) -> None:
    """Replace, remove and nest values at random: either the scene loads or one sentence says why not."""
    file = photographs.files[FILE]
    del file["frames"][4:]
    file |= {
        "aabb_scale": 2,
        "k1": 0.0,
        "up": [0, 0, 1],
        "train_filenames": ["images/1.png", "images/10.png"],
    }
    original, rng = json.dumps(file), random.Random(0)
    for _ in range(150):
        content = json.loads(original)
        for _ in range(rng.choice([1, 1, 2])):
            _spoil_somewhere(content, rng)
        photographs.files[FILE] = content
        try:
            load_scene(photographs.write())
        except (ValueError, FileNotFoundError) as error:
            assert type(error) in (ValueError, FileNotFoundError), error
            assert str(error).endswith("."), error


def _spoil_somewhere(content: Any, rng: random.Random) -> None:
    while True:
        key = rng.choice(list(content) if isinstance(content, dict) else range(len(content)))
        child = content[key]
        if isinstance(child, dict | list) and child and rng.random() < 0.8:
            content = child
            continue
        content[key] = copy.deepcopy(rng.choice(SPOILERS))
        return
