"""Where a scene is placed: far from the origin as at it, whatever one wrong pose or a picture's edge says."""

import json
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omnifield.datasets import load_scene
from omnifield.scenes import Box, Cameras, Contraction, Outlook, Scene
from omnifield.scenes.looked_at import box_looked_at
from omnifield.scenes.notice import Notice
from PIL import Image

TRAIN, TEST, FILE = "transforms_train.json", "transforms_test.json", "transforms.json"
UTM = (441547.502, 5121946.513, 2345.087)


def frames(dataset) -> list[dict[str, Any]]:
    return [frame for content in dataset.files.values() for frame in content["frames"]]


def shift(frame: dict[str, Any], by: tuple[float, float, float]) -> None:
    frame["transform_matrix"] = [
        [*row[:3], row[3] + offset] for row, offset in zip(frame["transform_matrix"][:3], by, strict=True)
    ]


def ring_pose(angle: float, distance: float, height: float) -> list[list[float]]:
    """Camera to world, OpenGL axes, on a ring around the z axis, looking at the origin."""
    position = np.array([distance * math.cos(angle), distance * math.sin(angle), height])
    back = position / np.linalg.norm(position)
    right = np.cross([0.0, 0.0, 1.0], back)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(back, right), back, position], 1).tolist()


def load(dataset) -> tuple[Scene, list[str]]:
    """The scene, and what is said of it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scene = load_scene(dataset.write())
    assert all(issubclass(each.category, Notice) for each in caught)
    said = [str(each.message) for each in caught]
    assert all(sentence.endswith(".") and "\n" not in sentence for sentence in said)
    return scene, said


def as_multiscale(blender) -> None:
    """The Blender set as Mip-NeRF's metadata.json has it, at one scale."""
    content = {}
    for split in ("train", "test"):
        listed = blender.files.pop(f"transforms_{split}.json")["frames"]
        columns = {"width": 16, "height": 16, "focal": 8 / math.tan(0.6911112070083618 / 2), "label": 0}
        content[split] = {name: [value] * len(listed) for name, value in columns.items()} | {
            "file_path": [frame["file_path"].removesuffix(".png") + ".png" for frame in listed],
            "cam2world": [frame["transform_matrix"] for frame in listed],
        }
    blender.files["metadata.json"] = content


LAYOUTS: dict[str, tuple[str, dict[str, Any]]] = {
    "blender": ("blender", {}),
    "multiscale": ("blender", {}),
    "photographs": ("photographs", {}),
    "none": ("photographs", {"orientation_override": "none"}),
    "pca": ("photographs", {"orientation_override": "pca"}),
    "vertical": ("photographs", {"orientation_override": "vertical"}),
    "unit cube": ("photographs", {"aabb_scale": 1, "scale": 0.25}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_far_from_the_origin_as_at_it(request: pytest.FixtureRequest, layout: str) -> None:
    name, fields = LAYOUTS[layout]
    dataset = request.getfixturevalue(name)
    for content in dataset.files.values():
        content.update(fields)
    before = json.dumps(dataset.files)
    scenes = []
    for by in ((0.0, 0.0, 0.0), UTM):
        dataset.files = json.loads(before)
        for frame in frames(dataset):
            shift(frame, by)
        if layout == "unit cube" and by == UTM:  # instant-ngp's way to say where the cube lies
            dataset.files[FILE]["offset"] = [0.5 - 0.25 * each for each in by]
        if layout == "multiscale":
            as_multiscale(dataset)
        scenes.append(load(dataset)[0])
    near, far = scenes
    # NeRF-synthetic has a box of its own, at the origin only.
    assert far.domain.side == pytest.approx(near.domain.side, rel=0.02)
    for at, there in ((near.train[0], far.train[0]), (near.test[0], far.test[0])):
        torch.testing.assert_close(
            from_middle(at.cameras, near), from_middle(there.cameras, far), atol=1e-3, rtol=0
        )
    moved = in_input(near) + torch.tensor(UTM, dtype=torch.float64)
    torch.testing.assert_close(in_input(far), moved, atol=1e-5, rtol=0)


def from_middle(cameras: Cameras, scene: Scene) -> torch.Tensor:
    """The poses in a frame whose origin is the middle of the scene's box."""
    poses = cameras.world_from_camera.clone()
    poses[:, :, 3] -= (torch.tensor(scene.domain.lo) + torch.tensor(scene.domain.hi)) / 2
    return poses


def in_input(scene: Scene) -> torch.Tensor:
    """Where the files say that the training cameras are."""
    back = scene.scene_from_input.inverse()
    return scene.train[0].cameras.world_from_camera[:, :, 3].double() @ back[:3, :3].T + back[:3, 3]


def twenty(dataset, name: str, pose: Callable[[float], list[list[float]]]) -> None:
    """As many training frames of the dataset's first picture."""
    first = dataset.files[name]["frames"][0]
    dataset.files[name]["frames"] = []
    for i in range(20):
        path = dataset.folder / "images" / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            source = dataset.folder / first["file_path"]
            Image.open(source if source.suffix else source.with_suffix(".png")).save(path)
        frame = {"file_path": f"images/{i}.png", "transform_matrix": pose(2 * math.pi * i / 20)}
        dataset.files[name]["frames"].append(frame)


@pytest.mark.parametrize("layout", ["blender", "multiscale", "photographs"])
def test_one_wrong_pose_is_named_and_moves_no_box(request: pytest.FixtureRequest, layout: str) -> None:
    dataset = request.getfixturevalue("photographs" if layout == "photographs" else "blender")
    name = FILE if layout == "photographs" else TRAIN
    twenty(dataset, name, lambda angle: ring_pose(angle, 3.5, 2.0))
    if layout != "photographs":
        for frame in frames(dataset):
            shift(frame, (20.0, 0.0, 0.0))  # away from the usual box
    before, domains = json.dumps(dataset.files), []
    for wrong in ((0.0, 0.0, 0.0), (60.0, -80.0, 0.0)):
        dataset.files = json.loads(before)
        shift(dataset.frame(name, 7), wrong)
        if layout == "multiscale":
            as_multiscale(dataset)
        scene, said = load(dataset)
        domains.append(scene.domain)
        assert len(said) == int(any(wrong))
    assert "the camera of 7 stands 96.3 units" in said[0] and ".json: " in said[0]
    sides = [domain.side for domain in domains]
    assert sides[1] == pytest.approx(sides[0], rel=0.05)
    assert domains[1].lo == pytest.approx(domains[0].lo, abs=0.05 * sides[0])


def test_a_held_out_camera_astray_is_named_too(photographs) -> None:
    shift(photographs.frame(FILE, 9), (0.0, 1e4, 0.0))
    name = Path(photographs.frame(FILE, 9)["file_path"]).stem
    photographs.files[FILE]["test_filenames"] = [f"images/{name}.png"]
    _, said = load(photographs)
    assert len(said) == 1 and f"the camera of {name} stands 1e+04 units" in said[0]


def test_many_far_cameras_are_no_mistake(photographs) -> None:
    """A third of the pictures taken from ten times as far: an overview, and not a word."""
    for i in range(0, 12, 3):
        photographs.frame(FILE, i)["transform_matrix"] = ring_pose(i, 30.0, 10.0)
    scene, said = load(photographs)
    assert not said and scene.domain.side > 30


def test_half_a_ring_is_centred_on_what_it_looks_at(photographs) -> None:
    """(nerfstudio#761: on the middle of the cameras, and the object was outside of the box.)"""
    for i, frame in enumerate(photographs.files[FILE]["frames"]):
        frame["transform_matrix"] = ring_pose(math.pi * i / 11, 3.0, 1.0)
        shift(frame, (5.0, 1.0, 0.0))
    scene, _ = load(photographs)
    looked_at = scene.scene_from_input @ torch.tensor([5.0, 1.0, 0.0, 1.0], dtype=torch.float64)
    middle = (np.array(scene.domain.lo) + np.array(scene.domain.hi)) / 2
    assert np.linalg.norm(middle - looked_at[:3].numpy()) < 0.05 * scene.domain.side


@pytest.mark.parametrize(("apart", "kind"), [(0.03, Outlook), (0.2, Contraction)])
def test_cameras_that_look_at_something_from_one_side_stand_in_the_middle(photographs, apart, kind) -> None:
    """Nearer to one another than half way to it: the box is around them, and what they look at beyond it."""
    for i, frame in enumerate(photographs.files[FILE]["frames"]):
        frame["transform_matrix"] = ring_pose(apart * (i - 5.5), 10.0, 0.3 * (i % 3))
    scene, _ = load(photographs)
    cameras = scene.train[0].cameras
    assert type(scene.domain) is kind
    lo, hi = np.array(box_looked_at(scene.domain, [cameras]))
    looked_at = scene.scene_from_input[:3, 3].numpy()  # the input's origin
    np.testing.assert_allclose((lo + hi) / 2, looked_at, atol=0.3)
    if kind is Outlook:
        place = cameras.world_from_camera[:, :, 3].numpy()
        assert scene.domain.side == pytest.approx(10.0, rel=0.05)
        assert (np.abs(place) < 0.25 * scene.domain.side).all()
        assert np.abs(looked_at).max() > 0.9 * scene.domain.side


@pytest.mark.parametrize("alpha", [0, 40])
@pytest.mark.parametrize("layout", ["blender", "photographs"])
def test_a_cut_out_object_is_bounded_though_it_reaches_over_the_edges(
    request: pytest.FixtureRequest, layout: str, alpha: int
) -> None:
    dataset = request.getfixturevalue(layout)
    for i, frame in enumerate(frames(dataset)):
        path = dataset.folder / f"{frame['file_path'].removesuffix('.png')}.png"
        height, width = np.asarray(Image.open(path)).shape[:2]
        rgba = np.full((height, width, 4), 255, np.uint8)
        rgba[: i % 3, :, 3] = rgba[:, width - i % 2 :, 3] = alpha
        Image.fromarray(rgba).save(path)
        frame["transform_matrix"] = ring_pose(2.4 * i, 3.5, 2.0)
    for content in dataset.files.values():
        content |= {"camera_angle_x": 0.4} if layout == "blender" else {"fl_x": 40.0, "fl_y": 40.0}
    domain = load(dataset)[0].domain
    assert isinstance(domain, Box)
    assert domain.side == pytest.approx(math.hypot(3.5, 2.0), rel=0.02)  # half way to the cameras


def test_black_corners_of_undistorted_photographs_cut_nothing_out(photographs) -> None:
    for path in photographs.folder.glob("images/*.png"):
        rgba = np.dstack([np.asarray(Image.open(path)), np.full((16, 24), 255, np.uint8)])
        rgba[:3, :4, 3] = rgba[-3:, -4:, 3] = 0
        Image.fromarray(rgba).save(path)
    assert isinstance(load(photographs)[0].domain, Contraction)


def test_demo_is_the_built_in_scene_even_beside_a_folder_of_that_name(blender, monkeypatch) -> None:
    built_in = load_scene(blender.write())
    monkeypatch.setattr("omnifield.studio.demo.demo_scene", lambda: built_in)
    monkeypatch.setattr("omnifield.datasets.load.check_scene", lambda *_: None)
    monkeypatch.chdir(blender.folder.parent)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_scene("demo") is built_in
    blender.folder.rename("demo")
    with pytest.warns(Notice, match=r"^demo is the built-in scene; the folder demo here would be \./demo\.$"):
        assert load_scene("demo") is built_in
    assert load_scene("./demo").name == "demo"
