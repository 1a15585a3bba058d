"""NeuS's folders: what projects into the pictures, in which order, in which sphere."""

from pathlib import Path

import numpy as np
import pytest
import torch
from omnifield.datasets import load_scene
from omnifield.datasets.neus import _reduced, decompose
from omnifield.scenes.domain import Box, Contraction
from omnifield.scenes.notice import Notice

from .colmap_folder import pose, save_pictures
from .conftest import Dataset, disc

NAMES = [f"{i}.png" for i in range(12)]  # unpadded: 10 comes after 9
SAMPLE = Path(__file__).parents[3] / "shared" / "data" / "neus" / "dtu_scan65"
KERNEL = np.array([[20.0, 0.3, 11.0], [0, 21.0, 7.75], [0, 0, 1]])
SCALE, MIDDLE = 5.0, np.array([3.0, -2.0, 40.0])


def camera_from_sphere(i: int) -> np.ndarray:
    return np.linalg.inv(pose(i) @ np.diag([1.0, -1, -1, 1]))


def matrices() -> dict[str, np.ndarray]:
    sphere = np.diag([SCALE, SCALE, SCALE, 1.0])
    sphere[:3, 3] = MIDDLE
    found = {}
    for i in range(12):
        projection = np.eye(4)
        projection[:3] = -2.5 * KERNEL @ camera_from_sphere(i)[:3]  # any factor means the same
        found[f"world_mat_{i}"] = projection @ np.linalg.inv(sphere)
        found[f"scale_mat_{i}"] = sphere
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.savez(tmp_path / "cameras_sphere.npz", **matrices())
    for i in range(12):
        Dataset(tmp_path).save(f"mask/{i:03}.png", disc(24, 16, i)[..., 3])
    return save_pictures(tmp_path, NAMES, folder="image")


@pytest.mark.parametrize("named", [".", "cameras_sphere.npz"])
def test_a_folder_is_a_scene(folder: Path, named: str) -> None:
    """Report 18: picture k has the matrices of number k."""
    scene = load_scene(folder / named)
    assert (scene.name, scene.source) == (folder.name, "NeuS")
    assert [views.names for views in scene.test] == [("0", "8")]
    assert scene.train[0].names[-2:] == ("10", "11")
    assert torch.equal(scene.train[0].images[-1, ..., :3], torch.from_numpy(disc(24, 16, 11)[..., :3]))
    cameras = scene.train[0].cameras
    assert torch.allclose(cameras.focal, torch.tensor([20.0, 21.0]).expand(10, 2))
    assert torch.allclose(cameras.principal, torch.tensor([11.5, 8.25]).expand(10, 2))
    expected = scene.scene_from_input.numpy() @ pose(11)
    assert np.allclose(cameras.world_from_camera[-1], expected[:3], atol=1e-5)


def test_the_object_is_in_the_box_of_the_sphere(folder: Path) -> None:
    scene = load_scene(folder)
    assert scene.domain == Box((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0)) and scene.has_alpha
    assert torch.equal(scene.test[0].images[0, ..., 3], torch.from_numpy(disc(24, 16, 0)[..., 3]))
    origin = torch.tensor([0.0, 0.0, 0.0, 1.0], dtype=torch.float64)
    assert torch.allclose(scene.scene_from_input @ origin, origin)
    world_from_sphere = scene.input_from_original.inverse().numpy()
    assert np.allclose(world_from_sphere @ origin.numpy(), [*MIDDLE, 1.0])
    assert np.allclose(np.diag(world_from_sphere), [SCALE, SCALE, SCALE, 1.0])


def test_without_masks_the_surroundings_are_learnt(folder: Path) -> None:
    (folder / "mask").rename(folder / "masks of old")
    scene = load_scene(folder)
    assert scene.domain == Contraction((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0)) and not scene.has_alpha


def test_projections_come_apart_as_they_were_put_together() -> None:
    generator = np.random.default_rng(3)
    for _ in range(50):
        rotation = np.linalg.qr(generator.normal(size=(3, 3)))[0]
        rotation *= np.linalg.det(rotation)
        kernel = np.triu(generator.uniform(0.1, 2, (3, 3)))
        move = generator.normal(size=3)
        projection = generator.choice([-3.0, 0.2]) * kernel @ np.column_stack([rotation, move])
        found, camera_from_world = decompose(projection)
        assert np.allclose(found, kernel / kernel[2, 2])
        assert np.allclose(camera_from_world[:3], np.column_stack([rotation, move]))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"world_mat_3": None}, r"lacks world_mat_3, which each picture needs"),
        ({"scale_mat_0": None}, r"lacks scale_mat_0, which each picture needs"),
        ({"world_mat_3": np.eye(3)}, r"world_mat_3 is not a table of 4 rows of 4 finite numbers"),
        (
            {"world_mat_3": np.full((4, 4), np.nan)},
            r"world_mat_3 is not a table of 4 rows of 4 finite numbers",
        ),
        ({"world_mat_3": np.zeros((4, 4))}, r"world_mat_3 has no inverse"),
        ({"world_mat_3": np.array([None])}, r"cannot be read as arrays of numpy's"),
    ],
)
def test_what_is_wrong_is_said(folder: Path, change: dict[str, np.ndarray | None], said: str) -> None:
    kept = {name: value for name, value in {**matrices(), **change}.items() if value is not None}
    np.savez(folder / "cameras_sphere.npz", **kept)
    with pytest.raises(ValueError, match=said) as caught:
        load_scene(folder)
    assert "cameras_sphere.npz" in str(caught.value)


def test_pictures_and_masks_that_do_not_fit(folder: Path) -> None:
    (folder / "mask" / "011.png").unlink()
    with pytest.raises(ValueError, match=r"mask holds 11 masks, and .*image 12 pictures"):
        load_scene(folder)
    (folder / "image").rename(folder / "rgb")
    with pytest.raises(FileNotFoundError, match=r"has cameras_sphere\.npz, but no folder image\."):
        load_scene(folder)


def test_a_scan_is_that_of_its_transforms() -> None:
    if not SAMPLE.is_dir():
        pytest.skip("the sample scenes are not beside this folder, as shared/data")
    scene, other = load_scene(SAMPLE / "cameras_sphere.npz"), load_scene(SAMPLE / "transforms.json")
    for ours, theirs in zip(scene.test, other.test, strict=True):
        assert ours.names == theirs.names
        assert torch.allclose(ours.cameras.focal, theirs.cameras.focal)
        # The file beside it keeps NeuS's pixels as they are.
        # They are a quarter of DTU's, so half a pixel of the full size is an eighth here.
        assert torch.allclose(ours.cameras.principal, theirs.cameras.principal + 0.125)


def test_without_scale_mat_the_cameras_tell_the_box(folder: Path) -> None:
    """Report 19: poses stay those of the world, and the box is around what they look at."""
    np.savez(folder / "cameras_sphere.npz", **{k: v for k, v in matrices().items() if k.startswith("world")})
    with pytest.warns(Notice, match=r"has no scale_mat: the box is put around what the cameras look at\.$"):
        scene = load_scene(folder)
    middle = (torch.tensor(scene.domain.lo) + torch.tensor(scene.domain.hi)).double() / 2
    looked_at = scene.scene_from_input @ torch.tensor([*MIDDLE, 1.0], dtype=torch.float64)
    assert isinstance(scene.domain, Box) and (middle - looked_at[:3]).norm() < 0.1 * scene.domain.side
    expected = scene.scene_from_input.numpy() @ in_world(pose(11))
    assert np.allclose(scene.train[0].cameras.world_from_camera[-1], expected[:3], atol=1e-4)


def in_world(pose_in_sphere: np.ndarray) -> np.ndarray:
    pose_in_sphere = pose_in_sphere.copy()
    pose_in_sphere[:3, 3] = SCALE * pose_in_sphere[:3, 3] + MIDDLE
    return pose_in_sphere


@pytest.mark.parametrize(
    ("size", "factor"), [((400, 300), 4), ((1600, 1200), 1), ((768, 576), 1), ((24, 16), 1)]
)
def test_pixels_of_reduced_pictures(size: tuple[int, int], factor: int) -> None:
    assert _reduced(size) == factor
