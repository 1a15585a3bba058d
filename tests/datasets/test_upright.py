"""Pictures that are stored in another way than they are to be seen: EXIF's eight orientations."""

import math
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from omnifield.datasets import load_scene
from omnifield.datasets.exif import UNDOES, turned
from omnifield.datasets.image_file import Header, read_header
from PIL import Image, ImageOps

from .conftest import Dataset, ring_pose

FILE, WIDTH, HEIGHT = "transforms.json", 24, 16
SAVED_AS = {
    "jpg": {"quality": 100, "subsampling": 0},
    "png": {},
    "tiff": {"compression": "tiff_lzw"},
    "webp": {"lossless": True},
}


def save(path: Path, seen: np.ndarray, orientation: int) -> None:
    """A picture that is `seen` once it is turned as its EXIF says."""
    exif = Image.Exif()
    exif[274] = orientation
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(turned(seen, UNDOES[orientation])).save(path, exif=exif, **SAVED_AS[path.suffix[1:]])


def smooth(i: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A picture that no JPEG changes much, and no turn leaves as it was."""
    y, x = np.mgrid[:height, :width]
    return np.stack([10 * x, 15 * y, np.full_like(x, 20 * i)], -1).astype(np.uint8)


def dataset(
    tmp_path: Path, orientations: list[int], suffix: str = "png", size: tuple[int, int] | None = None
) -> Dataset:
    width, height = size or (WIDTH, HEIGHT)
    made = Dataset(tmp_path)
    frames = []
    for i, orientation in enumerate(orientations):
        save(tmp_path / f"{i}.{suffix}", smooth(i, width, height), orientation)
        pose = ring_pose(2 * math.pi * i / len(orientations), 3.0, 1.0)
        frames.append({"file_path": f"{i}.{suffix}", "transform_matrix": pose})
    made.files[FILE] = {"fl_x": 20.0, "w": width, "h": height, "frames": frames}
    return made


def differences(data: Path, pictures: list[np.ndarray], downscale: int = 1) -> float:
    """The mean one from the views as loaded, of all train and test views; infinite for another shape."""
    scene = load_scene(data, downscale=downscale)
    views = dict(zip(scene.train[0].names, scene.train[0].images, strict=True))
    views |= dict(zip(scene.test[0].names, scene.test[0].images, strict=True))
    if views["0"].shape[:2] != pictures[0].shape[:2]:
        return math.inf
    each = [
        views[str(i)][..., :3].float() - torch.from_numpy(seen).float() for i, seen in enumerate(pictures)
    ]
    return torch.stack(each).abs().mean().item()


def stored(orientations: list[int], size: tuple[int, int] = (WIDTH, HEIGHT)) -> list[np.ndarray]:
    return [turned(smooth(i, *size), UNDOES[orientation]) for i, orientation in enumerate(orientations)]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turning_is_pillows_and_can_be_undone(tmp_path: Path, orientation: int) -> None:
    save(tmp_path / "a.png", smooth(3), orientation)
    with Image.open(tmp_path / "a.png") as image:
        assert (np.asarray(ImageOps.exif_transpose(image)) == smooth(3)).all()
    assert (turned(turned(smooth(3), UNDOES[orientation]), orientation) == smooth(3)).all()


@pytest.mark.parametrize("suffix", SAVED_AS)
@pytest.mark.parametrize("orientation", range(2, 9))
def test_the_upright_size_turns_them_and_the_stored_one_does_not(
    tmp_path: Path, orientation: int, suffix: str
) -> None:
    data = dataset(tmp_path, [orientation] * 4, suffix)
    with warnings.catch_warnings():  # flips and half turns are said
        warnings.simplefilter("ignore" if orientation < 5 else "error")
        assert differences(data.write(), [smooth(i) for i in range(4)]) < 3
        if orientation >= 5:
            data.files[FILE] |= {"w": HEIGHT, "h": WIDTH}
            assert differences(data.write(), stored([orientation] * 4)) < 3


@pytest.mark.parametrize("orientation", [3, 6])
def test_without_a_size_they_are_turned_and_that_is_said(tmp_path: Path, orientation: int) -> None:
    data = dataset(tmp_path, [1, orientation, orientation, 1], "jpg")
    data.files[FILE] |= {"w": None, "h": None}
    with pytest.warns(
        UserWarning, match=r"orientation of 1.jpg and 1 more is applied; .* are not stated\.$"
    ) as said:
        assert differences(data.write(), [smooth(i) for i in range(4)]) < 3
    assert len(said) == 1 and FILE in str(said[0].message)


def test_the_middle_tells_where_the_size_is_missing(tmp_path: Path) -> None:
    data = dataset(tmp_path, [6, 8, 6, 8])
    data.files[FILE] |= {"w": None, "h": None, "cx": 8.2, "cy": 11.7}
    assert differences(data.write(), stored([6, 8, 6, 8])) == 0
    data.files[FILE] |= {"cx": 11.7, "cy": 8.2}
    with pytest.warns(UserWarning, match="is applied"):
        assert differences(data.write(), [smooth(i) for i in range(4)]) == 0


def test_each_picture_is_judged_by_itself(tmp_path: Path) -> None:
    """A program that turns pixels and leaves the tag makes pictures that are upright as they are stored."""
    data = dataset(tmp_path, [1, 6, 8, 6])
    save(tmp_path / "3.png", turned(smooth(3), 6), 6)
    assert differences(data.write(), [smooth(i) for i in range(4)]) == 0


def test_what_w_and_h_do_not_tell_the_others_do(tmp_path: Path) -> None:
    """A half turn beside quarter turns that the poses do not know of."""
    data = dataset(tmp_path, [6, 8, 6, 8])
    save(tmp_path / "0.png", turned(smooth(0), 6), 3)
    data.files[FILE] |= {"w": HEIGHT, "h": WIDTH}
    expected = [turned(turned(smooth(0), 6), 3), *stored([6, 8, 6, 8])[1:]]
    with pytest.warns(UserWarning, match="orientation of 0.png is not applied"):
        assert differences(data.write(), expected) == 0


@pytest.mark.parametrize("orientations", [[6] * 4, [8] * 4, [1, 3, 1, 1], [6, 8, 1, 3]])
@pytest.mark.parametrize("as_stored", [False, True])
def test_of_square_pictures_the_poses_tell(tmp_path: Path, orientations: list[int], as_stored: bool) -> None:
    data = dataset(tmp_path, orientations, size=(16, 16))
    for frame, orientation in zip(data.files[FILE]["frames"], orientations, strict=True):
        if as_stored:
            frame["transform_matrix"] = _of_stored(np.array(frame["transform_matrix"]), orientation)
    expected = stored(orientations, (16, 16)) if as_stored else [smooth(i, 16, 16) for i in range(4)]
    with pytest.warns(UserWarning, match="is not applied" if as_stored else "is applied"):
        assert differences(data.write(), expected) == 0


def _of_stored(pose: np.ndarray, orientation: int) -> list[list[float]]:
    """The pose of the picture as stored, by that of the upright one."""
    right, up = pose[:, 0].copy(), pose[:, 1].copy()
    axes = {1: (right, up), 3: (-right, -up), 6: (-up, right), 8: (up, -right)}[orientation]
    pose[:, 0], pose[:, 1] = axes
    return pose.tolist()


@pytest.mark.parametrize("orientation", range(5, 9))
@pytest.mark.parametrize("mask_as_stored", [False, True])
def test_masks_and_alpha_follow_where_they_have_the_stored_shape(
    tmp_path: Path, orientation: int, mask_as_stored: bool
) -> None:
    data = dataset(tmp_path, [orientation] * 4)
    mask = np.full((HEIGHT, WIDTH), 255, np.uint8)
    mask[2, 5] = 0
    companion = turned(mask, UNDOES[orientation]) if mask_as_stored else mask
    for i, frame in enumerate(data.files[FILE]["frames"]):
        frame["mask_path"] = "mask.png"
        data.save(f"{i}.png.alpha.png", companion)
    data.save("mask.png", companion)
    [train] = load_scene(data.write()).train
    assert train.ignored[0].nonzero().tolist() == [[2, 5]]
    assert (train.images[0, ..., 3] == 0).nonzero().tolist() == [[2, 5]]


@pytest.mark.parametrize("keeps_the_tag", [False, True])
@pytest.mark.parametrize("stated", [False, True])
def test_reduced_copies_are_turned_like_their_pictures(
    tmp_path: Path, keeps_the_tag: bool, stated: bool
) -> None:
    data = dataset(tmp_path / "images", [6] * 4)
    data.folder = tmp_path
    for i, frame in enumerate(data.files[FILE]["frames"]):
        frame["file_path"] = f"images/{i}.png"
        save(tmp_path / "images_2" / f"{i}.png", smooth(i)[::2, ::2].copy(), 6 if keeps_the_tag else 1)
    if not stated:
        data.files[FILE] |= {"w": None, "h": None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert differences(data.write(), [smooth(i)[::2, ::2] for i in range(4)], downscale=2) == 0
        assert load_scene(data.folder, downscale=2).train[0].cameras.focal[0].tolist() == [10, 10]


def test_every_kind_of_loader_turns(blender) -> None:
    path = blender.folder / "train" / "r_2.png"
    seen = np.asarray(Image.open(path)).copy()
    save(path, seen, 6)
    with pytest.warns(
        UserWarning, match=r"transforms_train.json: the EXIF orientation of r_2.png is applied"
    ):
        assert (load_scene(blender.write()).train[0].images[2].numpy() == seen).all()


def test_the_tag_is_found_behind_a_pngs_pixels_and_a_damaged_one_is_none(tmp_path: Path) -> None:
    Image.fromarray(smooth(0)).save(tmp_path / "a.png")
    data, exif = (tmp_path / "a.png").read_bytes(), Image.Exif()
    exif[274] = 8
    for content, orientation in (
        (exif.tobytes(8).removeprefix(b"Exif\0\0"), 8),
        (b"MM\0*\0\0", 1),
        (b"?" * 40, 1),
    ):
        chunk = struct.pack(">I4s", len(content), b"eXIf") + content
        chunk += struct.pack(">I", zlib.crc32(chunk[4:]))
        (tmp_path / "a.png").write_bytes(data[:-12] + chunk + data[-12:])
        assert read_header(tmp_path / "a.png") == Header((WIDTH, HEIGHT), orientation, has_alpha=False)


@pytest.mark.parametrize("value", [0, 9, 6000])
def test_an_unknown_orientation_is_none(tmp_path: Path, value: int) -> None:
    exif = Image.Exif()
    exif[274] = value
    Image.fromarray(smooth(0)).save(tmp_path / "a.jpg", exif=exif)
    assert read_header(tmp_path / "a.jpg").orientation == 1
