"""LLFF's folders: its axes, its full size, its bounds, and what can be wrong in them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from omnifield.datasets import load_scene

from .colmap_folder import pose, ring, save_pictures
from .conftest import Dataset, disc

NAMES = [f"{i:02}.png" for i in range(12)]
SAMPLE = Path(__file__).parents[3] / "shared" / "data" / "llff" / "fern"


def table(count: int = 12) -> np.ndarray:
    """Cameras on a ring: full size 48x32, focal length 40, bounds 2 and 5."""
    rows = []
    for i in range(count):
        right, up, back, place = pose(i)[:3].T
        matrix = np.stack([-up, right, back, place, np.array([32.0, 48.0, 40.0])], 1)
        rows.append([*matrix.ravel(), 2.0 + i, 5.0 + i])
    return np.array(rows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / "poses_bounds.npy", table())
    return save_pictures(tmp_path, NAMES)


@pytest.mark.parametrize("named", [".", "poses_bounds.npy"])
def test_a_folder_is_a_scene(folder: Path, named: str) -> None:
    scene = load_scene(folder / named)
    assert (scene.name, scene.source) == (folder.name, "LLFF")
    assert [views.names for views in scene.test] == [("00", "08")]
    assert torch.equal(scene.train[0].images[0], torch.from_numpy(disc(24, 16, 1)[..., :3]))
    cameras = scene.test[0].cameras
    assert cameras.focal.tolist() == [[20.0, 20.0]] * 2 and cameras.principal.tolist() == [[12.0, 8.0]] * 2
    moved = scene.scene_from_input[:3, :3].numpy() @ pose(8)[:3, :3]
    assert np.allclose(cameras.world_from_camera[1, :, :3], moved, atol=1e-6)
    assert cameras.near == pytest.approx(min(0.5 * 2.0, 0.1 * scene.domain.side))


def test_only_a_reduced_copy_and_masks_of_its_size(tmp_path: Path) -> None:
    np.save(tmp_path / "poses_bounds.npy", table())
    save_pictures(tmp_path, NAMES, folder="images_2")
    mask = np.full((16, 24), 255, np.uint8)
    mask[:, :5] = 0
    Dataset(tmp_path).save("masks_2/08.png", mask)
    with pytest.warns(UserWarning, match="the pictures are those of images_2"):
        scene = load_scene(tmp_path)
    assert scene.test[0].ignored[1, :, :5].all() and not scene.test[0].ignored[1, :, 5:].any()
    assert load_scene(tmp_path, downscale=4).train[0].cameras.width == 12


def test_what_is_no_picture_is_passed_over(folder: Path) -> None:
    """Report 4."""
    for name in (".DS_Store", "._00.png", "notes.txt"):
        (folder / "images" / name).write_text("no picture")
    assert len(load_scene(folder).train[0]) == 10


def test_a_model_of_colmap_beside_it_is_taken(folder: Path) -> None:
    """It has the distortion that poses_bounds.npy leaves out."""
    ring(NAMES).write(folder / "sparse" / "0")
    assert load_scene(folder).source == "COLMAP"
    assert load_scene(folder / "poses_bounds.npy").source == "LLFF"


def spoilt(column: int, value: float) -> np.ndarray:
    rows = table()
    rows[3, column] = value
    return rows


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (table()[:, :15], r"is a table of 12x15, but must have 17 numbers for each picture"),
        (table()[0], r"is a table of 17, but must have 17 numbers"),
        (table(11), r"has poses of 11 pictures, but .*images holds 12"),
        (spoilt(0, np.nan), r"row 3 has a number that is not finite"),
        (spoilt(14, -4.0), r"row 3 has a height, width or focal length that is not above zero"),
        (spoilt(15, 0.0), r"row 3 has the bounds 0 and 8"),
        (spoilt(16, 1.0), r"row 3 has the bounds 5 and 1"),
        (spoilt(0, 9.0), r"row 3 is not a rigid pose"),
        (table()[:, [*range(4), 9, *range(5, 9), 4, *range(10, 17)]], r"row 0 has height 48 and width 32, which"),
        (np.array(["a"]), r"holds <U1 where real numbers are needed"),
        (np.array([{}], dtype=object), r"cannot be read as arrays of numpy's"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(folder: Path, rows: np.ndarray, said: str) -> None:
    """Report 17 is the swapped one."""
    np.save(folder / "poses_bounds.npy", rows, allow_pickle=rows.dtype == object)
    with pytest.raises(ValueError, match=said) as caught:
        load_scene(folder)
    assert "poses_bounds.npy" in str(caught.value)


def test_files_that_are_no_arrays(folder: Path) -> None:
    file = folder / "poses_bounds.npy"
    whole = file.read_bytes()
    for data in (b"", b"\x93NUMPY", whole[:200], b"\x80\x04K\x01.", b"PK\x03\x04 no archive"):
        file.write_bytes(data)
        with pytest.raises(ValueError, match=r"poses_bounds\.npy cannot be read as arrays of numpy's"):
            load_scene(folder)


def test_no_pictures(folder: Path) -> None:
    (folder / "images").rename(folder / "photos")
    with pytest.raises(FileNotFoundError, match=r"has poses_bounds\.npy, but no folder images"):
        load_scene(folder)


def test_fern_is_that_of_its_transforms() -> None:
    if not SAMPLE.is_dir():
        pytest.skip("the sample scenes are not beside this folder, as shared/data")
    scene, other = load_scene(SAMPLE / "poses_bounds.npy"), load_scene(SAMPLE / "transforms.json")
    assert [views.names for views in scene.test] == [views.names for views in other.test]
    for ours, theirs in zip(scene.train + scene.test, other.train + other.test, strict=True):
        assert torch.allclose(ours.cameras.world_from_camera, theirs.cameras.world_from_camera, atol=1e-5)
        assert torch.allclose(ours.cameras.focal, theirs.cameras.focal)
