"""NeRF-synthetic datasets: written on the spot, and the real ones where they are."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from omnifield.datasets import load_scene
from omnifield.scenes import Box, Contraction, Scene
from omnifield.scenes.hull import possible_cells
from PIL import Image

TRAIN, TEST, VAL = "transforms_train.json", "transforms_test.json", "transforms_val.json"


def moved(dataset, scale: float, shift: float) -> None:
    for content in dataset.files.values():
        for frame in content["frames"]:
            for row in frame["transform_matrix"][:3]:
                row[3] = row[3] * scale + shift


def test_everything_comes_as_the_files_have_it(blender) -> None:
    scene = load_scene(blender.write())
    assert (scene.name, scene.has_alpha, len(scene.train[0]), len(scene.test[0])) == ("lego", True, 4, 2)
    assert scene.train[0].names == ("r_0", "r_1", "r_2", "r_3")
    assert scene.domain == Box((-1.5,) * 3, (1.5,) * 3)
    cameras = scene.train[0].cameras
    pose = torch.tensor(blender.frame(TRAIN, 2)["transform_matrix"])
    torch.testing.assert_close(cameras.world_from_camera[2], pose[:3], atol=1e-6, rtol=0)
    assert cameras.focal[0].tolist() == pytest.approx([8 / math.tan(0.6911112070083618 / 2)] * 2)
    assert cameras.principal[0].tolist() == [8, 8] and cameras.near == pytest.approx(0.05 * 1.5)
    stored = np.asarray(Image.open(blender.folder / "train" / "r_2.png"))
    assert np.array_equal(scene.train[0].images[2].numpy(), stored)
    assert not scene.train[0].ignored.any() and scene.train[0].ignored.untyped_storage().nbytes() == 1
    torch.testing.assert_close(scene.scene_from_input, torch.eye(4).double())


def test_tests_fall_back_to_validation_and_then_to_every_eighth(blender) -> None:
    blender.files[VAL] = blender.files.pop(TEST)
    assert load_scene(blender.write()).test[0].names == ("r_0", "r_1")
    (blender.folder / VAL).unlink()
    del blender.files[VAL]
    scene = load_scene(blender.write())
    assert scene.test[0].names == ("r_0",) and scene.train[0].names == ("r_1", "r_2", "r_3")


def test_depth_and_normal_pictures_are_no_views(blender) -> None:
    for kind in ("depth", "normal"):
        frame = blender.frame(TEST, 0) | {"file_path": f"./test/r_0_{kind}_0001"}
        blender.save(f"test/r_0_{kind}_0001.png", np.zeros((16, 16, 4), np.uint8))
        blender.files[TEST]["frames"].append(frame)
    assert load_scene(blender.write()).test[0].names == ("r_0", "r_1")


def test_extension_and_a_json_as_data(blender) -> None:
    for frame in blender.files[TRAIN]["frames"]:
        frame["file_path"] += ".png"
    scene = load_scene(blender.write() / TRAIN)
    assert scene.train[0].names == ("r_0", "r_1", "r_2", "r_3") and not scene.train[0].cameras.moving


def timed(blender) -> None:
    """As D-NeRF has it."""
    for frames in (content["frames"] for content in blender.files.values()):
        for i, frame in enumerate(frames):
            frame["time"] = i / (len(frames) - 1)


def test_a_frames_time_is_that_of_its_camera_and_its_rays(blender) -> None:
    timed(blender)
    blender.frame(TEST, 0)["time"] = 0.25
    scene = load_scene(blender.write())
    assert scene.source == "D-NeRF" and scene.train[0].cameras.moving
    assert scene.train[0].cameras.time.tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert scene.test[0].cameras.time.tolist() == [0.25, 1]
    assert (scene.test[0].cameras.pixel_rays(0).time == 0.25).all()
    rays = scene.train[0].cameras.rays(torch.tensor([3, 1]), torch.ones(2), torch.ones(2))
    assert rays.time.tolist() == pytest.approx([1, 1 / 3])
    assert scene.to("cpu").train[0].cameras[1:3].time.tolist() == pytest.approx([1 / 3, 2 / 3])


@pytest.mark.parametrize(("file", "index"), [(TRAIN, 0), (TRAIN, 2), (TEST, 1)])
def test_a_frame_without_a_time_among_those_that_have_one(blender, file: str, index: int) -> None:
    timed(blender)
    del blender.frame(file, index)["time"]
    with pytest.raises(ValueError) as caught:
        load_scene(blender.write())
    sentence = str(caught.value)
    assert f"{file}: frames[{index}].time is missing" in sentence and "\n" not in sentence


def test_frames_at_one_time_are_of_a_scene_that_stands_still(blender) -> None:
    timed(blender)
    for content in blender.files.values():
        for frame in content["frames"]:
            frame["time"] = 0.5
    scene = load_scene(blender.write())
    assert scene.source == "NeRF-synthetic" and not scene.train[0].cameras.moving


def test_downscale(blender) -> None:
    whole, half = load_scene(blender.write()), load_scene(blender.folder, downscale=2)
    assert half.train[0].images.shape == (4, 8, 8, 4)
    a, b = whole.train[0].cameras.rays, half.train[0].cameras.rays
    one = torch.ones(1)
    torch.testing.assert_close(
        a(torch.tensor([1]), 6 * one, 10 * one).directions, b(torch.tensor([1]), 3 * one, 5 * one).directions
    )


@pytest.mark.parametrize(("scale", "shift"), [(10.0, 0.0), (0.1, 0.0), (1.0, 50.0)])
def test_another_scale_or_middle_gets_a_box_around_what_is_looked_at(
    blender, scale: float, shift: float
) -> None:
    moved(blender, scale, shift)
    domain = load_scene(blender.write()).domain
    assert isinstance(domain, Box)
    distance = math.hypot(3.5, 2.0) * scale
    half = distance * math.tan(0.6911112070083618 / 2) * 1.05
    assert domain.lo == pytest.approx([shift - half] * 3, abs=2e-3 * half)
    assert domain.hi == pytest.approx([shift + half] * 3, abs=2e-3 * half)


def test_cameras_inside_that_look_around_get_a_contraction(blender) -> None:
    for content in blender.files.values():
        for frame in content["frames"]:
            for row in frame["transform_matrix"][:3]:  # half a turn about the camera's y, then closer
                row[0], row[2], row[3] = -row[0], -row[2], row[3] * 0.1
    domain = load_scene(blender.write()).domain
    assert isinstance(domain, Contraction)


@pytest.mark.parametrize("name", ["nerf_synthetic_200/lego", "dnerf/spot_bounce"])
def test_real_sets_are_in_the_usual_box(real: Callable[[str], Path], name: str) -> None:
    scene = load_scene(real(name), downscale=2)
    assert scene.domain == Box((-1.5,) * 3, (1.5,) * 3) and scene.has_alpha
    assert len(scene.train[0]) == 100 and len(scene.test[0]) in (20, 25)
    assert scene.train[0].cameras.time.max() == (1 if "bounce" in name else 0)


def test_the_real_moving_set_is_timed_as_its_file_says(real: Callable[[str], Path]) -> None:
    folder = real("dnerf/spot_bounce")
    scene = load_scene(folder, downscale=8)
    for file, views in ((TRAIN, scene.train), (TEST, scene.test)):
        frames = json.loads((folder / file).read_text())["frames"]
        [views] = views
        assert views.cameras.time.tolist() == pytest.approx([frame["time"] for frame in frames])
        assert views.names == tuple(Path(frame["file_path"]).name for frame in frames)
    assert scene.source == "D-NeRF" and possible_cells(scene.train, scene.domain, 64).all()


def surface_points(scene: Scene, folder: Path, view: int) -> torch.Tensor:
    """World positions of a test view's opaque pixels, from its z-depth map (16 bits, 1/10000 of a unit)."""
    depth = (
        np.asarray(Image.open(folder / "test_depth" / f"{scene.test[0].names[view]}.png")).astype(np.float32)
        / 1e4
    )
    rays = scene.test[0].cameras.pixel_rays(view)
    along = -(rays.directions * scene.test[0].cameras.world_from_camera[view, :, 2]).sum(-1)
    z = torch.from_numpy(depth.reshape(-1))
    solid = (z > 0) & (scene.test[0].images[view, ..., 3].reshape(-1) == 255)
    return (rays.origins + rays.directions * (z / along)[:, None])[solid]


def test_rays_meet_the_surface_of_the_spot_mesh(real: Callable[[str], Path]) -> None:
    trimesh = pytest.importorskip("trimesh")
    folder = real("nerf_synthetic/spot")
    scene = load_scene(folder)
    mesh = trimesh.load(folder / "mesh_gt.ply")
    triangles = torch.from_numpy(np.array(mesh.triangles)).float()
    normals = torch.nn.functional.normalize(
        torch.linalg.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]), dim=-1
    )
    centres = triangles.mean(1)
    for view in (0, 12):
        points = surface_points(scene, folder, view)[::97]
        nearest = torch.cdist(points, centres).argmin(1)
        off = ((points - centres[nearest]) * normals[nearest]).sum(-1).abs()
        assert off.median() < 5e-4 and off.quantile(0.98) < 5e-3  # neighbours of the nearest face bend away


def test_lego_views_agree_on_depth(real: Callable[[str], Path]) -> None:
    """What one test view sees, another must see at the depth that its own map states, unless hidden there."""
    folder = real("nerf_synthetic/lego")
    scene = load_scene(folder)
    points, cameras = surface_points(scene, folder, 3), scene.test[0].cameras
    other = 4
    pose = cameras.world_from_camera[other]
    local = (points - pose[:, 3]) @ pose[:, :3]
    z = -local[:, 2]
    pixel = (
        torch.stack([local[:, 0], -local[:, 1]], -1) / z[:, None] * cameras.focal[other]
        + cameras.principal[other]
    )
    x, y = pixel.long().clamp(0, 399).unbind(-1)
    depth = np.asarray(Image.open(folder / "test_depth" / f"{scene.test[0].names[other]}.png")).astype(
        np.float32
    )
    error = z - torch.from_numpy(depth / 1e4)[y, x]
    visible = error < 0.1  # behind what the other view sees: hidden there
    assert visible.float().mean() > 0.3
    assert error[visible].abs().median() < 0.02  # the map is quantised to 0.03
