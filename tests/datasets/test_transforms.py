"""nerfstudio's and instant-ngp's `transforms.json`."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from omnifield.datasets import load_scene
from omnifield.scenes import Box, Contraction, Lens, Outlook
from omnifield.scenes.views import view_count

FILE = "transforms.json"


def test_frames_come_in_natural_order_and_nerfstudios_split(photographs) -> None:
    scene = load_scene(photographs.write())
    kept = np.linspace(0, 11, math.ceil(12 * 0.9), dtype=int)
    assert scene.train[0].names == tuple(str(i) for i in kept)
    assert scene.test[0].names == tuple(str(i) for i in range(12) if i not in kept)
    assert not scene.has_alpha and scene.name == "garden"


def test_few_frames_are_split_by_every_eighth(photographs) -> None:
    del photographs.files[FILE]["frames"][5:]
    scene = load_scene(photographs.write())
    assert (len(scene.train[0]), len(scene.test[0])) == (4, 1)


def test_listed_splits(photographs) -> None:
    file = photographs.files[FILE]
    file["train_filenames"] = ["images/3.png", ".\\images\\1.png", "images/10.png"]
    assert load_scene(photographs.write()).train[0].names == ("1", "3", "10")
    assert view_count(load_scene(photographs.folder).test) == 9
    file |= {"val_filenames": ["images/5.png"], "test_filenames": []}
    assert load_scene(photographs.write()).test[0].names == ("5",)
    file |= {"test_filenames": ["images/6.png", "images/7.png"]}
    assert load_scene(photographs.write()).test[0].names == ("6", "7")


def test_a_pair_of_files_instead_of_one(photographs) -> None:
    whole = photographs.files.pop(FILE)
    photographs.files["transforms_train.json"] = whole | {"frames": whole["frames"][:9]}
    photographs.files["transforms_test.json"] = whole | {"frames": whole["frames"][9:]}
    scene = load_scene(photographs.write())
    assert (len(scene.train[0]), len(scene.test[0])) == (9, 3)
    assert scene.train[0].names == tuple(sorted(scene.train[0].names, key=int))
    assert isinstance(scene.domain, Contraction)


def test_backslashes_parents_and_missing_extensions_in_paths(photographs) -> None:
    for i, frame in enumerate(photographs.files[FILE]["frames"]):
        name = frame["file_path"]
        forms = (
            name.replace("/", "\\"),
            f"../garden/{name}",
            name.removesuffix(".png"),
            f"./images/../{name}",
        )
        frame["file_path"] = forms[i % 4]
    assert view_count(load_scene(photographs.write()).train) == 11


def test_intrinsics_per_frame_go_before_those_of_the_file(photographs) -> None:
    photographs.files[FILE]["frames"][0] |= {"fl_x": 33.0, "k1": 0.1}  # images/0.png
    cameras = load_scene(photographs.write()).train[0].cameras
    assert cameras.focal[:2].tolist() == [[33, 21], [20, 21]]
    assert cameras.principal[0].tolist() == [11.5, 8.25]
    assert cameras.distortion[:, 0].tolist() == pytest.approx([0.1] + [0.0] * 10)


@pytest.mark.parametrize(
    ("fields", "focal"),
    [
        ({"camera_angle_x": math.pi / 2}, [12, 12]),
        ({"camera_angle_y": math.pi / 2}, [8, 8]),
        ({"camera_angle_x": math.pi / 2, "camera_angle_y": math.pi / 2}, [12, 8]),
        ({"x_fov": 90}, [12, 12]),
        ({"x_fov": 90, "y_fov": 60}, [12, 8 / math.tan(math.pi / 6)]),
        ({"fl_y": 9, "camera_angle_y": 1.0}, [9, 9]),
        ({"fl_x": 9, "x_fov": None, "y_fov": None, "camera_angle_x": 1.0}, [9, 9]),
        ({"x_fov": 90, "fl_x": 9, "camera_angle_x": 1.0}, [12, 12]),
        ({"x_fov": 90, "fl_x": 9, "fl_y": 7}, [12, 7]),
    ],
)
def test_ways_to_state_the_focal_length(photographs, fields: dict[str, float], focal: list[float]) -> None:
    file = photographs.files[FILE]
    for name in ("fl_x", "fl_y", "cx", "cy", "w", "h"):
        del file[name]
    cameras = load_scene(_with(photographs, fields)).train[0].cameras
    assert cameras.focal[0].tolist() == pytest.approx(focal)
    assert cameras.principal[0].tolist() == [12, 8]


def test_intrinsics_follow_the_size_of_the_image(photographs) -> None:
    cameras = load_scene(_with(photographs, {"w": 48, "h": 32})).train[0].cameras
    assert cameras.focal[0].tolist() == [10, 10.5] and cameras.principal[0].tolist() == [5.75, 4.125]
    assert (cameras.width, cameras.height) == (24, 16)


@pytest.mark.parametrize(
    ("fields", "lens"),
    [
        ({}, Lens.PERSPECTIVE),
        ({"camera_model": None}, Lens.PERSPECTIVE),
        ({"camera_model": "SIMPLE_RADIAL"}, Lens.PERSPECTIVE),
        ({"camera_model": "OPENCV_FISHEYE"}, Lens.FISHEYE),
        ({"camera_model": None, "is_fisheye": True}, Lens.FISHEYE),
    ],
)
def test_lenses(photographs, fields: dict[str, object], lens: Lens) -> None:
    assert load_scene(_with(photographs, fields | {"k2": 0.25})).train[0].cameras.lens is lens


def test_masks_in_both_polarities(photographs) -> None:
    mask = np.full((16, 24), 255, np.uint8)
    mask[2, 3] = 0
    photographs.save("masks/1.png", mask)
    dynamic = np.zeros((16, 24, 3), np.uint8)
    dynamic[4, 5] = (0, 0, 7)
    photographs.save("images/dynamic_mask_1.png", dynamic)
    _frame(photographs, 1)["mask_path"] = "masks\\1.png"
    [train] = load_scene(photographs.write()).train
    assert train.ignored.nonzero().tolist() == [[1, 2, 3], [1, 4, 5]]
    [half] = load_scene(photographs.folder, downscale=2).train
    assert half.ignored.nonzero().tolist() == [[1, 1, 1], [1, 2, 2]]


def test_alpha_as_a_file_of_its_own(photographs) -> None:
    alpha = np.full((16, 24), 255, np.uint8)
    alpha[:, :12] = 0
    photographs.save("images/1.png.alpha.png", alpha)
    scene = load_scene(photographs.write())
    assert scene.has_alpha
    assert torch.equal(scene.train[0].images[1, ..., 3], torch.from_numpy(alpha))


def test_reduced_folders_are_used_where_they_are_complete(photographs) -> None:
    for i in range(12):
        photographs.save(f"images_2/{i}.png", np.full((8, 12, 3), i, np.uint8))
    scene = load_scene(photographs.write(), downscale=2)
    assert scene.train[0].images[:, 0, 0, 0].tolist() == [int(name) for name in scene.train[0].names]
    assert scene.train[0].cameras.focal[0].tolist() == [10, 10.5]
    (photographs.folder / "images_2" / "4.png").unlink()
    whole = load_scene(photographs.folder)
    half = load_scene(photographs.folder, downscale=2)
    mean = whole.train[0].images[0, :2, :2, 0].float().mean()
    assert abs(half.train[0].images[0, 0, 0, 0] - mean) <= 0.5


def test_reduced_folders_without_stated_size(photographs) -> None:
    for i in range(12):
        photographs.save(f"images_2/{i}.png", np.zeros((8, 12, 3), np.uint8))
    scene = load_scene(_with(photographs, {"w": None, "h": None}), downscale=2)
    assert scene.train[0].cameras.focal[0].tolist() == [10, 10.5]


def test_up_becomes_z_and_the_way_back_is_kept(photographs) -> None:
    frames = photographs.files[FILE]["frames"]
    for frame in frames:  # z up to y down, and away from the origin
        x, y, z, last = frame["transform_matrix"]
        frame["transform_matrix"] = [x, [-value for value in z], y, last]
        frame["transform_matrix"][0][3] += 100.0
    applied = [[0.0, 1.0, 0.0, 5.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, -1.0, 0.0]]
    scene = load_scene(_with(photographs, {"applied_transform": applied, "applied_scale": 2.0}))
    cameras = scene.train[0].cameras
    up = cameras.world_from_camera[:, :, 1].mean(0)
    assert up[2] > 0.9 and up[:2].norm() < 1e-5
    assert cameras.world_from_camera[:, :, 3].norm(dim=-1).max() == pytest.approx(math.hypot(3, 1), rel=1e-4)
    rigid = scene.scene_from_input
    torch.testing.assert_close(rigid[:3, :3] @ rigid[:3, :3].T, torch.eye(3).double(), atol=1e-12, rtol=0)
    back = (
        rigid.inverse() @ torch.cat([cameras.world_from_camera[0], torch.tensor([[0.0, 0, 0, 1]])]).double()
    )
    torch.testing.assert_close(
        back, torch.tensor(_frame(photographs, 0)["transform_matrix"]).double(), atol=1e-5, rtol=0
    )
    expected = 2 * torch.tensor(applied, dtype=torch.float64)
    torch.testing.assert_close(scene.input_from_original[:3], expected)


@pytest.mark.parametrize(("focal", "half"), [(20, 1.05 * 12.5 / 20), (200, 0.5), (5, 1.0)])
def test_the_contraction_holds_what_the_pictures_cover(photographs, focal: float, half: float) -> None:
    """In units of the cameras' distance; from half way to all the way to them."""
    scene = load_scene(_with(photographs, {"aabb_scale": 4, "fl_x": focal, "fl_y": focal}))
    assert isinstance(scene.domain, Contraction)
    assert scene.domain.hi == pytest.approx([half * math.hypot(3, 1)] * 3, rel=2e-3)
    assert scene.train[0].cameras.near == pytest.approx(0.01 * scene.domain.side)


def test_aabb_scale_one_is_instant_ngps_unit_cube(photographs) -> None:
    plain = load_scene(_with(photographs, {"aabb_scale": 1})).domain
    assert isinstance(plain, Box) and plain.hi == pytest.approx([0.5 / 0.33] * 3)
    shifted = load_scene(_with(photographs, {"scale": 0.25, "offset": [0.5, 0.25, 0.5]})).domain
    assert shifted.lo == pytest.approx([-2, -1, -2]) and shifted.hi == pytest.approx([2, 3, 2])
    assert load_scene(_with(photographs, {"offset": 0.5})).domain.lo == pytest.approx([-2] * 3)


def test_transparent_or_masked_surroundings_make_a_box(photographs) -> None:
    for i in range(12):
        mask = np.zeros((16, 24), np.uint8)
        mask[6:10, 9:15] = 255
        photographs.save(f"masks/{i}.png", mask)
        _frame(photographs, i)["mask_path"] = f"masks/{i}.png"
    domain = load_scene(photographs.write()).domain
    half = 1.05 * math.hypot(3, 1) * 12.5 / 20
    assert isinstance(domain, Box) and domain.hi == pytest.approx([half] * 3, rel=1e-3)


REAL = {
    "nerfstudio/fox": (Contraction, 37, 7),
    "llff/fern": (Outlook, 17, 3),
    "llff/maryRose": (Box, 53, 8),
    "colmap/lund_door": (Outlook, 10, 2),
    "colmap/banana": (Contraction, 14, 2),
    "neus/dtu_scan65": (Box, 42, 7),
    "rgbd/redkitchen": (Contraction, 54, 6),
}


@pytest.mark.parametrize("name", REAL)
def test_real_sets(real: Callable[[str], Path], name: str) -> None:
    scene = load_scene(real(name))
    kind, train, test = REAL[name]
    assert (type(scene.domain), len(scene.train[0]), len(scene.test[0])) == (kind, train, test)
    assert scene.train[0].cameras.world_from_camera[:, 2, 1].mean() > 0.3  # up is +Z
    if kind is Contraction:
        unit = scene.domain.unit_from_world(scene.train[0].cameras.world_from_camera[:, :, 3])
        assert unit.min() >= 0.125 - 1e-5 and unit.max() <= 0.875 + 1e-5  # at most two half boxes away


def test_colmaps_points_project_to_where_they_were_seen(real: Callable[[str], Path]) -> None:
    """Through the lens, the split, the turn to +Z and its way back: within a tenth of a pixel."""
    folder = real("colmap/lund_door")
    scene, sparse = load_scene(folder), folder / "sparse_txt"
    points = np.loadtxt(sparse / "points3D.txt", usecols=(0, 1, 2, 3))
    position = {int(row[0]): row[1:] for row in points}
    lines = [line.split() for line in (sparse / "images.txt").read_text().splitlines() if line[0] != "#"]
    view = next(i for i, line in enumerate(lines[::2]) if Path(line[9]).stem == scene.train[0].names[3])
    seen = np.array(lines[1::2][view], dtype=float).reshape(-1, 3)
    seen = seen[seen[:, 2] >= 0]
    world = torch.tensor(np.stack([position[int(i)] for i in seen[:, 2]]))
    world = (world @ scene.scene_from_input[:3, :3].T + scene.scene_from_input[:3, 3]).float()
    x, y = torch.tensor(seen[:, :2]).float().unbind(-1)
    rays = scene.train[0].cameras.rays(torch.full((len(x),), 3), x, y)
    offset = torch.nn.functional.normalize(world - rays.origins, dim=-1)
    pixels = torch.linalg.cross(offset, rays.directions).norm(dim=-1) * scene.train[0].cameras.focal[3, 0]
    assert pixels.median() < 0.1 and pixels.quantile(0.95) < 0.5


def _frame(dataset, number: int) -> dict[str, object]:
    return next(f for f in dataset.files[FILE]["frames"] if f["file_path"] == f"images/{number}.png")


def _with(dataset, fields: dict[str, object]) -> Path:
    dataset.files[FILE].update(fields)
    return dataset.write()
