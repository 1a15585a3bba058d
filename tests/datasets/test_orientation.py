"""nerfstudio's ways to turn a capture: poses made so that each has a frame that is known beforehand."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from omnifield.datasets import load_scene

FILE = "transforms.json"
AXES = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
AXES = AXES * np.sign(np.linalg.det(AXES))  # a world that is turned somehow: world = AXES @ level


def turned(scene) -> np.ndarray:
    """Level to scene: what the loader made of the turned world."""
    return scene.scene_from_input[:3, :3].numpy() @ AXES


def look(position: np.ndarray, target: np.ndarray, roll: float = 0.0) -> np.ndarray:
    """Camera to world in the level world, rolled about its optical axis."""
    back = (position - target) / np.linalg.norm(position - target)
    right = np.cross([0.0, 0.0, 1.0], back)
    right /= np.linalg.norm(right)
    up = np.cross(back, right)
    c, s = math.cos(roll), math.sin(roll)
    return np.stack([c * right + s * up, c * up - s * right, back, position], 1)


def with_poses(photographs, poses: list[np.ndarray], override: str | None) -> Path:
    """The dataset with these poses, given in the level world, in the turned one."""
    file = photographs.files[FILE]
    del file["frames"][len(poses) :]
    for frame, pose in zip(file["frames"], poses, strict=True):
        frame["transform_matrix"] = (AXES @ pose).tolist()
    file["train_filenames"] = [frame["file_path"] for frame in file["frames"]]
    file["test_filenames"] = file["train_filenames"][:1]
    if override:
        file["orientation_override"] = override
    return photographs.write()


def pitched() -> list[np.ndarray]:
    """A ring of cameras that pitch differently and lean all to one side of the world: their mean up is not vertical."""
    poses = []
    for i in range(12):
        angle = 2 * math.pi * i / 12
        position = np.array([3 * math.cos(angle), 3 * math.sin(angle), 2.5 + 2 * math.cos(angle)])
        poses.append(look(position, np.zeros(3)))
    return poses


def test_vertical_is_exact_where_cameras_pitch_but_do_not_roll(photographs) -> None:
    scene = load_scene(with_poses(photographs, pitched(), "vertical"))
    np.testing.assert_allclose(turned(scene)[2], [0, 0, 1], atol=1e-9)
    mean = load_scene(with_poses(photographs, pitched(), "up"))
    assert turned(mean)[2, 2] < 0.999  # the mean up is another direction
    up = np.mean([pose[:, 1] for pose in pitched()], 0)
    np.testing.assert_allclose(turned(mean) @ up / np.linalg.norm(up), [0, 0, 1], atol=1e-9)


def test_vertical_of_a_camera_array_is_up_on_the_plane_that_its_x_axes_leave(photographs) -> None:
    """All x axes the same: up may be anywhere at right angles to them, and is where the mean up points."""
    rolls = [0.05 * (-1) ** i for i in range(12)]
    poses = [look(np.array([0.2 * i, -4.0, 0.1 * (i % 3)]), np.array([0.2 * i, 0, -1.0])) for i in range(12)]
    for pose, roll in zip(poses, rolls, strict=True):
        c, s = math.cos(roll), math.sin(roll)
        pose[:, :2] = pose[:, :2] @ np.array([[c, -s], [s, c]])
    scene = load_scene(with_poses(photographs, poses, "vertical"))
    up = np.mean([pose[:, 1] for pose in poses], 0)
    right = np.linalg.svd(np.stack([pose[:, 0] for pose in poses]))[2][0]
    up -= right * (right @ up)
    np.testing.assert_allclose(turned(scene) @ up / np.linalg.norm(up), [0, 0, 1], atol=1e-6)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 0, 1)])
def test_pca_has_the_widest_spread_along_x_and_the_least_along_z(photographs, order: tuple[int, ...]) -> None:
    """A robot's flight over a plane that is tilted anyhow: the plane becomes level, and the cameras' up is above."""
    spread = np.array([3.0, 1.0, 0.05])
    rng = np.random.default_rng(0)
    poses = []
    for _ in range(12):
        pose = look(rng.uniform(-1, 1, 3) * spread + [0, 0, 2], np.array([0.3, 0.2, 0.0]))
        poses.append(pose[list(order)])
    scene = load_scene(with_poses(photographs, poses, "pca"))
    cameras = scene.train[0].cameras.world_from_camera.double()
    offset = cameras[:, :, 3] - cameras[:, :, 3].mean(0)
    covariance = offset.T @ offset
    x, y, z = covariance.diagonal().tolist()
    assert x > y > z and (covariance - covariance.diag().diag()).abs().max() < 1e-5 * x
    assert cameras[:, 2, 1].mean() > 0
    assert torch.linalg.det(scene.scene_from_input[:3, :3]).item() == pytest.approx(1)


def test_none_keeps_the_axes_and_moves_the_origin_only(photographs) -> None:
    scene = load_scene(with_poses(photographs, pitched(), "none"))
    torch.testing.assert_close(scene.scene_from_input[:3, :3], torch.eye(3, dtype=torch.float64))
    centre = (torch.tensor(scene.domain.lo) + torch.tensor(scene.domain.hi)) / 2
    assert centre.abs().max() < 1e-6


def test_up_is_what_no_override_means(photographs) -> None:
    named = load_scene(with_poses(photographs, pitched(), "up"))
    plain = load_scene(with_poses(photographs, pitched(), None))
    assert torch.equal(named.scene_from_input, plain.scene_from_input)
