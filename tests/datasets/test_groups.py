"""Pictures of several sizes and lenses in one scene: groups of views, from the loader to the file of the field."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from omnifield.datasets import load_scene
from omnifield.datasets.camera_path import from_nerfstudio
from omnifield.datasets.capture import read_capture
from omnifield.datasets.format import Reading
from omnifield.datasets.frame import Frame
from omnifield.datasets.images import Picture
from omnifield.datasets.intrinsics import Intrinsics
from omnifield.fields import MlpConfig
from omnifield.scenes import Lens
from omnifield.scenes.camera_groups import all_poses, any_moving
from omnifield.scenes.multiscale import with_scales
from omnifield.scenes.placement import Stated, place, placed
from omnifield.scenes.views import cameras_of, names_of, view_count
from omnifield.train import Budget, begin, fit, judge, load_field, save_field
from omnifield.train.run import Run

from .conftest import Dataset, disc, ring_pose

FILE = "transforms.json"
MLP = MlpConfig(**MlpConfig.PRESETS["tiny"], samples_per_step=1 << 10)
PORTRAITS = ("1", "4", "5", "10")


def turned(photographs: Dataset) -> Dataset:
    """Some of the pictures are held upright."""
    for frame in photographs.files[FILE]["frames"]:
        name = Path(frame["file_path"]).stem
        if name in PORTRAITS:
            photographs.save(frame["file_path"], disc(16, 24, int(name))[..., :3])
            frame.update(w=16, h=24, cx=8.25, cy=11.5)
    return photographs


def two_lenses(photographs: Dataset) -> Dataset:
    for frame in photographs.files[FILE]["frames"]:
        if Path(frame["file_path"]).stem in PORTRAITS:
            frame.update(camera_model="OPENCV_FISHEYE")
    return photographs


@pytest.mark.parametrize("mixed", [turned, two_lenses])
def test_groups_keep_the_order_and_every_picture_its_camera(photographs: Dataset, mixed) -> None:
    scene = load_scene(mixed(photographs).write())
    one, other = scene.train
    assert one.first == 0 and other.first == len(one)
    assert int(one.names[0]) < int(other.names[0])
    for views in (*scene.train, *scene.test):
        assert list(views.names) == sorted(views.names, key=int)
        for image, name in zip(views.images, views.names, strict=True):
            portrait = name in PORTRAITS and mixed is turned
            size = (16, 24) if portrait else (24, 16)
            assert torch.equal(image, torch.from_numpy(disc(*size, int(name))[..., :3].copy()))
            assert (views.cameras.width, views.cameras.height) == size
            fisheye = name in PORTRAITS and mixed is two_lenses
            assert views.cameras.lens is (Lens.FISHEYE if fisheye else Lens.PERSPECTIVE)
    together = dict(zip(names_of(scene.train), all_poses(cameras_of(scene.train)), strict=True))
    for name, pose in together.items():
        angle = torch.tensor(2 * math.pi * (int(name) - int(names_of(scene.train)[0])) / 12)
        first = together[names_of(scene.train)[0]]
        assert torch.allclose((pose[:, 2] * first[:, 2]).sum(), 0.9 * angle.cos() + 0.1, atol=1e-4)


@pytest.mark.parametrize("mixed", [turned, two_lenses])
def test_a_mixed_scene_is_trained_judged_kept_and_looked_at(
    photographs: Dataset, mixed, tmp_path: Path
) -> None:
    scene = load_scene(mixed(photographs).write())
    training = begin(scene, MLP)
    run = Run(tmp_path / "run", scene, training, {})
    (tmp_path / "run").mkdir()
    fit(training, scene, Budget(steps=3))
    judged = list(judge(training.field, training.sampler, scene.test, torch.ones(3)))
    assert [view.name for view in judged] == list(names_of(scene.test))
    shapes = {view.name: tuple(view.image.shape[:2]) for view in judged}
    assert all(shapes[name] == views.images.shape[1:3] for views in scene.test for name in views.names)
    before = run.trained()
    save_field(tmp_path / "field.safetensors", before)
    after = load_field(tmp_path / "field.safetensors")
    assert len(after.cameras) == len(scene.train) == 2
    for views, cameras in zip(scene.train, after.cameras, strict=True):
        for name, value in vars(views.cameras).items():
            loaded = getattr(cameras, name)
            assert torch.equal(loaded, value) if isinstance(value, torch.Tensor) else loaded == value


def test_photographs_take_three_bytes_a_pixel_and_cutouts_four(
    photographs: Dataset, blender: Dataset
) -> None:
    [views] = load_scene(photographs.write()).train
    assert views.images.untyped_storage().nbytes() == len(views) * 24 * 16 * 3
    [coarse] = with_scales(load_scene(photographs.folder), 2).train[1:]
    assert coarse.images.shape[3] == 3
    color, alpha = views.colors_and_alpha(0, slice(2, 5), slice(None))
    assert torch.equal((color * 255).round().byte(), views.images[0, 2:5])
    assert alpha.shape == (3, 24) and (alpha == 1).all() and (views.alpha(0) == 255).all()
    [views] = load_scene(blender.write()).train
    assert views.images.untyped_storage().nbytes() == len(views) * 16 * 16 * 4
    color, alpha = views.colors_and_alpha(torch.tensor([1, 0]), torch.tensor([8, 0]), torch.tensor([8, 0]))
    assert alpha.tolist() == [1, 0] and color.shape == (2, 3)


def test_one_transparent_picture_among_photographs_stays_transparent(photographs: Dataset) -> None:
    photographs.save("images/3.png", disc(24, 16, 3))
    scene = load_scene(photographs.write())
    [views] = scene.train
    assert views.has_alpha and scene.has_alpha
    index = views.names.index("3")
    assert torch.equal(views.images[index], torch.from_numpy(disc(24, 16, 3)))
    assert all((views.alpha(view) == 255).all() for view in range(len(views)) if view != index)


def test_coarser_groups_have_the_numbers_of_the_full_ones(photographs: Dataset) -> None:
    scene = with_scales(load_scene(turned(photographs).write()), 2)
    assert [views.reduced for views in scene.train] == [1, 1, 2, 2]
    full, half = scene.train[:2], scene.train[2:]
    for views, coarse in zip(full, half, strict=True):
        assert coarse.first == views.first
        assert coarse.names == tuple(f"{name}_d1" for name in views.names)
        assert (coarse.cameras.width, coarse.cameras.height) == (
            views.cameras.width // 2,
            views.cameras.height // 2,
        )
    assert len({*names_of(scene.train)}) == view_count(scene.train)


def test_downscale_is_of_every_group(photographs: Dataset) -> None:
    scene = load_scene(turned(photographs).write(), downscale=2)
    assert {(views.cameras.width, views.cameras.height) for views in scene.train} == {(12, 8), (8, 12)}


def test_reduced_copies_are_rounded_each_by_itself(photographs: Dataset) -> None:
    """Report 21: 101×67 and 67×101 at a half, rounded up by another program: the lens is by the true ratio of each
    axis."""
    full, half = ((101, 67), (67, 101)), ((51, 34), (34, 51))
    for frame in photographs.files[FILE]["frames"]:
        name = Path(frame["file_path"]).stem
        upright = name in PORTRAITS
        photographs.save(f"images/{name}.png", disc(*full[upright], int(name))[..., :3])
        photographs.save(f"images_2/{name}.png", disc(*half[upright], int(name))[..., :3])
        width, height = full[upright]
        frame.update(w=width, h=height, cx=width / 2 + 3, cy=height / 2 - 4)
    for views in load_scene(photographs.write(), downscale=2).train:
        cameras = views.cameras
        upright = cameras.height > cameras.width
        assert (cameras.width, cameras.height) == half[upright]
        (width, height), (x, y) = (
            full[upright],
            (cameras.width / full[upright][0], cameras.height / full[upright][1]),
        )
        torch.testing.assert_close(cameras.focal, torch.tensor([20 * x, 21 * y]).expand(len(views), 2))
        principal = torch.tensor([(width / 2 + 3) * x, (height / 2 - 4) * y])
        torch.testing.assert_close(cameras.principal, principal.expand(len(views), 2))


def test_a_film_along_pictures_of_two_sizes_has_the_usual_one(photographs: Dataset) -> None:
    path = from_nerfstudio(turned(photographs).write() / FILE, near=0.1)
    assert (path.cameras.width, path.cameras.height, len(path.cameras)) == (24, 16, 8)
    assert "8 of the 12 cameras" in path.said and "24×16" in path.said


def my_frames(file: Path) -> list[Frame]:
    """A loader of somebody's own table: name, focal length, angle."""
    frames = []
    for name, focal, angle in csv.reader(file.read_text().splitlines()):
        picture = Picture(file.with_name(name), f"{file}: {name}")
        lens = Intrinsics((24, 16), (float(focal), float(focal)), (12, 8))
        pose = torch.tensor(ring_pose(float(angle), 3.0, 1.0), dtype=torch.float64)
        frames.append(Frame(Path(name).stem, picture, lens, pose))
    return frames


def test_who_waits_is_told_how_many_pictures_are_decoded(tmp_path: Path) -> None:
    dataset, told = Dataset(tmp_path), []
    for i in range(5):
        dataset.save(f"{i}.png", disc(24, 16, i)[..., :3])
    (tmp_path / "table.csv").write_text("\n".join(f"{i}.png,{20 + i},{1.25 * i}" for i in range(5)))
    frames = my_frames(tmp_path / "table.csv")
    reading = Reading(told=lambda done, total: told.append((done, total)))
    read_capture(frames[:4], frames[4:], reading=reading, source="table.csv")
    assert told == [(done, 5) for done in range(1, 6)]


def test_frames_need_no_json(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path)
    for i in range(5):
        dataset.save(f"{i}.png", disc(24, 16, i)[..., :3])
    (tmp_path / "table.csv").write_text("\n".join(f"{i}.png,{20 + i},{1.25 * i}" for i in range(5)))
    frames = my_frames(tmp_path / "table.csv")
    capture = read_capture(frames[:4], frames[4:], reading=Reading(), source="table.csv")
    [views] = placed(capture.train, place(capture, Stated("table.csv")))
    assert views.names == ("0", "1", "2", "3") and not any_moving([views.cameras])
    assert views.cameras.focal[:, 0].tolist() == [20, 21, 22, 23]
    assert np.array_equal(views.images[2].numpy(), disc(24, 16, 2)[..., :3])
    with pytest.raises(ValueError, match=r"^table\.csv: frames must hold at least 2 images"):
        read_capture(frames[:1], frames[1:], reading=Reading(), source="table.csv")
