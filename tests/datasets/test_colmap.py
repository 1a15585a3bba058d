"""COLMAP's folders as people have them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from omnifield.datasets import load_scene
from omnifield.datasets.colmap import read_largest, read_model
from omnifield.scenes import Scene
from omnifield.scenes.cameras import Lens
from omnifield.scenes.notice import Notice

from .colmap_folder import SIZE, Camera, Image, Model, pose, ring, save_pictures
from .conftest import Dataset, disc

NAMES = [f"{i:02}.png" for i in range(12)]


def input_poses(scene: Scene) -> dict[str, np.ndarray]:
    """World from camera of every view by its name, in the input's frame."""
    found = {}
    for views in scene.train + scene.test:
        for name, matrix in zip(views.names, views.cameras.world_from_camera.double(), strict=True):
            full = torch.cat([matrix, torch.tensor([[0, 0, 0, 1.0]], dtype=torch.float64)])
            found[name] = (scene.scene_from_input.inverse() @ full).numpy()
    return found


@pytest.mark.parametrize("kind", ["bin", "txt"])
@pytest.mark.parametrize("place", ["sparse/0", "sparse", "colmap/sparse/0", "."])
def test_a_folder_is_a_scene(tmp_path: Path, kind: str, place: str) -> None:
    ring(NAMES).write(save_pictures(tmp_path / "garden", NAMES) / place, kind)
    scene = load_scene(tmp_path / "garden")
    assert (scene.name, scene.source) == ("garden", "COLMAP")
    assert [views.names for views in scene.test] == [("00", "08")] and len(scene.train[0]) == 10
    assert torch.equal(scene.train[0].images[0], torch.from_numpy(disc(*SIZE, 1)[..., :3]))
    poses = input_poses(scene)
    for i in range(12):  # report 16: what comes back is what went in
        assert np.abs(poses[f"{i:02}"] - pose(i)).max() < 1e-6
    cameras = scene.train[0].cameras
    assert cameras.focal.tolist() == [[20.0, 21.0]] * 10
    assert cameras.principal.tolist() == [[11.5, 8.25]] * 10
    up = cameras.world_from_camera[:, 2, 1]
    assert (up > 0.5).all()  # as the other photograph formats: +Z is up


def test_the_folder_of_a_model_may_be_named(tmp_path: Path) -> None:
    ring(NAMES).write(save_pictures(tmp_path / "garden", NAMES) / "sparse" / "0")
    for inner in ("sparse", "sparse/0"):
        assert load_scene(tmp_path / "garden" / inner).name == "garden"


def test_numbers_are_looked_up_and_names_are_sorted(tmp_path: Path) -> None:
    """Report 10: numbers neither say the order nor are without gaps."""
    cameras = {9: Camera(), 2: Camera(parameters=(30.0, 30.0, 12.0, 8.0))}
    images = {
        7: Image("c.png", pose(2), 9),
        3: Image("a.png", pose(0), 2),
        12: Image("b.png", pose(1), 9),
    }
    Model(cameras, images).write(save_pictures(tmp_path, ["a.png", "b.png", "c.png"]) / "sparse" / "0")
    scene = load_scene(tmp_path)
    assert scene.test[0].names == ("a",) and scene.train[0].names == ("b", "c")
    assert scene.test[0].cameras.focal.tolist() == [[30.0, 30.0]]
    assert np.abs(input_poses(scene)["c"] - pose(2)).max() < 1e-6


def test_cameras_of_several_sizes_and_lenses(tmp_path: Path) -> None:
    model = ring(NAMES)
    model.cameras[2] = Camera("OPENCV_FISHEYE", (9.0, 9.5, 8.0, 12.0, 0.1, 0.2, 0.3, 0.4), (16, 24))
    for number in range(7, 13):
        model.images[number].camera = 2
    save_pictures(tmp_path, NAMES[:6])
    for name in NAMES[6:]:
        save_pictures(tmp_path, [name], (16, 24))
    model.write(tmp_path / "sparse" / "0")
    scene = load_scene(tmp_path)
    assert [(v.cameras.width, v.cameras.lens, len(v)) for v in scene.train] == [
        (24, Lens.PERSPECTIVE, 5),
        (16, Lens.FISHEYE, 5),
    ]
    assert torch.allclose(
        scene.train[1].cameras.distortion, torch.tensor([0.1, 0.2, 0.3, 0.4, 0.0, 0.0]).expand(5, 6)
    )


def test_the_largest_model_is_taken_and_said(tmp_path: Path) -> None:
    save_pictures(tmp_path, NAMES)
    ring(NAMES[:4]).write(tmp_path / "sparse" / "0")
    ring(NAMES).write(tmp_path / "sparse" / "1")
    with pytest.warns(
        UserWarning, match=r"of 2 models 1 is taken, which has most pictures \(12; the others have 4\)"
    ):
        scene = load_scene(tmp_path)
    assert sum(len(views) for views in scene.train + scene.test) == 12


@pytest.mark.parametrize("kind", ["bin", "txt"])
def test_names_with_spaces_letters_and_folders(tmp_path: Path, kind: str) -> None:
    """Reports 7 and 15."""
    names = ["01/a.png", "02/a.png", "ü dir/日本 1.png", "a b.png"]
    ring(names).write(save_pictures(tmp_path / "x y", names) / "sparse" / "0", kind)
    scene = load_scene(tmp_path / "x y")
    assert [*scene.test[0].names, *scene.train[0].names] == ["01_a", "02_a", "a b", "日本 1"]


def test_names_that_lead_out_of_the_folder_and_back(tmp_path: Path) -> None:
    names = [f"../images/{i}..png" for i in range(3)]
    ring(names).write(
        save_pictures(tmp_path, [name.removeprefix("../images/") for name in names]) / "sparse" / "0"
    )
    scene = load_scene(tmp_path)
    assert scene.train[0].names == ("1", "2")


@pytest.mark.filterwarnings("ignore::omnifield.scenes.notice.Notice")
def test_one_exploded_camera_spoils_no_scale(tmp_path: Path) -> None:
    """Report 28: one of twelve, a thousand times as far off."""
    model = ring(NAMES)
    sound = load_scene(_written(model, tmp_path / "sound"))
    model.images[6].pose[:3, 3] *= 1000
    with pytest.warns(Notice, match=r"the camera of 05 stands .* units from the middle of the others"):
        scene = load_scene(_written(model, tmp_path / "exploded"))
    assert scene.domain.side == pytest.approx(sound.domain.side, rel=0.1)
    assert np.allclose(scene.domain.lo, sound.domain.lo, atol=0.1 * sound.domain.side)
    assert scene.train[0].cameras.near == pytest.approx(sound.train[0].cameras.near, rel=0.1)


def test_rigs_and_frames_are_passed_over(tmp_path: Path) -> None:
    folder = ring(NAMES).write(save_pictures(tmp_path, NAMES) / "sparse" / "0")
    for name in ("rigs.bin", "frames.bin"):
        (folder / name).write_bytes(b"\xff" * 5)
    assert len(load_scene(tmp_path).train[0]) == 10


def test_reduced_pictures_are_found_by_stem(tmp_path: Path) -> None:
    """Reports 11 and 12."""
    small = [f"{i:02}.jpg" for i in range(12)]
    ring(NAMES).write(save_pictures(tmp_path, NAMES) / "sparse" / "0")
    made = load_scene(tmp_path, downscale=2)
    save_pictures(tmp_path, [*small[:11], "extra.jpg"], (12, 8), "images_2")
    assert torch.equal(
        load_scene(tmp_path, downscale=2).train[0].images, made.train[0].images
    )  # one is missing
    Dataset(tmp_path).save("images_2/11.jpg", np.full((8, 12, 3), 90, np.uint8))
    scene = load_scene(tmp_path, downscale=2)
    assert (scene.train[0].images[-1] == 90).all()
    assert torch.equal(scene.train[0].cameras.focal, made.train[0].cameras.focal)
    assert load_scene(tmp_path).train[0].cameras.width == 24


def test_only_a_reduced_copy(tmp_path: Path) -> None:
    ring(NAMES).write(save_pictures(tmp_path, NAMES, (12, 8), "images_2") / "sparse" / "0")
    with pytest.warns(UserWarning, match="the pictures are those of images_2, as there is no folder images"):
        scene = load_scene(tmp_path)
    assert scene.train[0].cameras.focal[0].tolist() == [10.0, 10.5]
    assert load_scene(tmp_path, downscale=4).train[0].cameras.width == 6
    with pytest.raises(FileNotFoundError, match="--downscale 3"):
        load_scene(tmp_path, downscale=3)


@pytest.mark.parametrize("name", ["00.png.png", "00.png"])
def test_masks(tmp_path: Path, name: str) -> None:
    """Report 6."""
    ring(NAMES).write(save_pictures(tmp_path, NAMES) / "sparse" / "0")
    mask = np.full((16, 24), 255, np.uint8)
    mask[:4] = 0
    Dataset(tmp_path).save(f"masks/{name}", mask)
    ignored = load_scene(tmp_path).test[0].ignored[0]
    assert ignored[:4].all() and not ignored[4:].any()


def test_the_stored_pixels_are_meant_and_the_upright_ones_tell_up(tmp_path: Path) -> None:
    """Report 22: turned cameras, whose pictures have an EXIF tag that says so."""
    from PIL import Image as Pillow

    model = ring(NAMES)
    turn = np.array([[0.0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])  # x of the world's down
    for image in model.images.values():
        image.pose = image.pose @ turn.T
    model.write(tmp_path / "sparse" / "0")
    (tmp_path / "images").mkdir()
    exif = Pillow.Exif()
    for i, name in enumerate(NAMES):
        up_in_camera = np.linalg.inv(model.images[i + 1].pose)[:3, :3] @ [0.0, 0.0, 1.0]
        exif[0x0112] = 8 if up_in_camera[0] > 0 else 6
        Pillow.fromarray(disc(*SIZE, i)[..., :3]).save(tmp_path / "images" / name, exif=exif)
    scene = load_scene(tmp_path)
    assert scene.train[0].cameras.width == 24
    assert np.allclose(scene.scene_from_input[2, :3], [0, 0, 1], atol=0.05)


def test_rays_begin_before_the_nearest_point(tmp_path: Path) -> None:
    model = ring(NAMES)
    without = load_scene(_written(model, tmp_path / "without")).train[0].cameras.near
    model.points = {5: (0.0, 0.0, 0.0), 4: (float("nan"), 0.0, 0.0)}
    for image in model.images.values():
        image.keypoints = [(1.0, 2.0, -1), (3.0, 4.0, 5), (5.0, 6.0, 4)]
    scene = load_scene(_written(model, tmp_path / "with"))
    expected = min(0.5 * 10**0.5, 0.1 * scene.domain.side)
    assert without < scene.train[0].cameras.near == pytest.approx(expected)


def test_a_text_need_not_be_tidy(tmp_path: Path) -> None:
    """Report 13: no line for keypoints, empty ones, double spaces, decimal commas, quaternions of any length."""
    model = ring(["a.png", "b b.png", "c.png"])
    folder = model.write(tmp_path, "txt")
    lines = []
    for number, image in model.images.items():
        values = [2 * each for each in image.numbers()[:4]] + image.numbers()[4:]
        numbers = "  ".join(f"{each:.12f}".replace(".", ",") for each in values)
        lines += [f"{number} {numbers}  1 {image.name}"] + ([""] if number == 2 else [])
    (folder / "images.txt").write_text("\n".join(lines))
    read = read_model(folder).images
    assert [image.name for image in read] == ["a.png", "b b.png", "c.png"]
    for image, original in zip(read, model.images.values(), strict=True):
        expected = np.linalg.inv(original.pose @ np.diag([1.0, -1, -1, 1]))
        assert np.abs(image.camera_from_world.numpy() - expected).max() < 1e-9


def test_keypoints_and_points_are_the_same_in_both_kinds(tmp_path: Path) -> None:
    model = ring(["a.png", "b.png"])
    model.points = {9: (1.0, 2.0, 3.0), 4: (0.25, -1.0, 1e-3)}
    model.images[1].keypoints = [(0.5, 1.25, 9), (3.0, 4.0, -1)]
    one, other = (read_largest(model.write(tmp_path / kind, kind)) for kind in ("bin", "txt"))
    for read in (one, other):
        assert read.points.number.tolist() == [4, 9]
        assert read.points.position.tolist() == [[0.25, -1.0, 1e-3], [1.0, 2.0, 3.0]]
        assert read.images[0].keypoints.tolist() == [[0.5, 1.25], [3.0, 4.0]]
        assert read.images[0].point.tolist() == [9, -1] and not len(read.images[1].point)
    assert one.cameras == other.cameras


def _written(model: Model, root: Path) -> Path:
    model.write(save_pictures(root, [image.name for image in model.images.values()]) / "sparse" / "0")
    return root
