"""What pictures tell about poses: of a painted room, seen from one spot or on a walk, and of a painted ball."""

import math
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from omnifield.datasets import load_scene
from omnifield.scenes import Contraction, Scene, pinhole
from omnifield.scenes.notice import Notice

FILE = "transforms.json"
WIDTH, HEIGHT, FOV_Y = 48, 36, math.radians(50)
ROOM, BALL = 3.0, 1.3  # half sides, radius
Poses = list[np.ndarray]


def paint(position: torch.Tensor) -> torch.Tensor:
    """Smooth colours without a symmetry."""
    waves = torch.tensor([[1.0, 1.7, -0.6], [-1.3, 0.8, 1.9], [0.5, -2.1, 1.1]])
    return (
        0.5
        + 0.25 * torch.sin(position @ waves.T + torch.tensor([0.3, 1.1, 2.5]))
        + 0.25 * torch.sin(2.3 * position @ waves.flip(1).T)
    )


def photograph(pose: np.ndarray) -> np.ndarray:
    """The walls of the room, and the ball in its middle where the camera is well outside it."""
    rays = pinhole(torch.tensor(pose[None]).float(), (WIDTH, HEIGHT), FOV_Y, 0.0).pixel_rays(0)
    origin, toward = rays.origins, rays.directions
    wall = ((ROOM * toward.sign() - origin) / toward).amin(-1, keepdim=True)
    color = paint(origin + toward * wall)
    along = (origin * toward).sum(-1, keepdim=True)
    inside = along.square() - origin.square().sum(-1, keepdim=True) + BALL**2
    hit = (inside > 0) & (along < 0) & (origin.norm(dim=-1, keepdim=True) > BALL + 0.5)
    color = torch.where(hit, paint(origin + toward * (-along - inside.clamp_min(0).sqrt())), color)
    return (color * 255).round().byte().reshape(HEIGHT, WIDTH, 3).numpy()


def toward(position: np.ndarray, direction: np.ndarray) -> np.ndarray:
    back = -direction / np.linalg.norm(direction)
    right = np.cross([0.0, 0.0, 1.0], back)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(back, right), back, position], 1)


def turning(tremble: float, sweep: float = 2 * math.pi) -> Poses:
    """24 views from the middle of the room, off it by as much as a hand trembles."""
    rng, poses = np.random.default_rng(0), []
    for i in range(24):
        angle = sweep * i / 24
        direction = np.array([math.cos(angle), math.sin(angle), 0.3 * (i % 3 - 1)])
        poses.append(toward(rng.normal(size=3) * tremble, direction))
    return poses


def ring() -> Poses:
    poses = []
    for i in range(24):
        position = 2.4 * np.array(
            [math.cos(i * math.pi / 12), math.sin(i * math.pi / 12), 0.2 + 0.15 * (i % 2)]
        )
        poses.append(toward(position, -position))
    return poses


def scene_of(
    photographs, poses: Poses, change: Callable[[np.ndarray], np.ndarray]
) -> tuple[Scene, list[str]]:
    """The scene of pictures from these poses, which the file has changed, and what is said of it."""
    file = photographs.files[FILE]
    for name in ("cx", "cy", "fl_x"):
        file.pop(name)
    file |= {"w": WIDTH, "h": HEIGHT, "fl_y": HEIGHT / 2 / math.tan(FOV_Y / 2), "frames": []}
    for i, pose in enumerate(poses):
        photographs.save(f"images/{i}.png", photograph(pose))
        matrix = change(np.concatenate([pose, [[0, 0, 0, 1]]]))
        file["frames"].append({"file_path": f"images/{i}.png", "transform_matrix": matrix.tolist()})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scene = load_scene(photographs.write())
    assert all(issubclass(each.category, Notice) for each in caught)
    return scene, [str(each.message) for each in caught]


def as_it_is(pose: np.ndarray) -> np.ndarray:
    return pose


def scaled(by: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda pose: np.concatenate([np.concatenate([pose[:3, :3], by * pose[:3, 3:]], 1), pose[3:]])


def opencv(pose: np.ndarray) -> np.ndarray:
    return pose @ np.diag([1, -1, -1, 1])


def both(pose: np.ndarray) -> np.ndarray:
    return np.linalg.inv(opencv(pose))


@pytest.mark.parametrize("sweep", [2 * math.pi, 0.8])
@pytest.mark.parametrize("tremble", [0.0, 1e-12, 1e-3, 0.02])
def test_a_trembling_hand_leaves_a_panorama(photographs, tremble: float, sweep: float) -> None:
    scene, said = scene_of(photographs, turning(tremble, sweep), as_it_is)
    assert isinstance(scene.domain, Contraction) and not said
    assert (
        1 <= scene.domain.side / 2 <= 2 * ROOM
    )  # whatever is ahead is neither lost in the box nor far beyond it


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
def test_a_walk_through_the_room_is_none_in_any_unit(photographs, unit: float) -> None:
    scene, said = scene_of(photographs, turning(0.6), scaled(unit))
    assert not said and 2 * unit < scene.domain.side / 2 < 2 * ROOM * unit


def test_a_panorama_in_millimetres(photographs) -> None:
    scene, said = scene_of(photographs, turning(1e-3), scaled(1000.0))
    assert not said and 50 < scene.domain.side / 2 < 3000


MISTAKES = {
    "camera-to-world matrices with OpenCV's": opencv,
    "world-to-camera matrices,": np.linalg.inv,
    "world-to-camera matrices with OpenCV's": both,
}


@pytest.mark.parametrize("poses", [ring(), turning(0.6), turning(1e-3)], ids=["ring", "walk", "panorama"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_another_convention_is_named(photographs, mistake: str, poses: Poses) -> None:
    _, said = scene_of(photographs, poses, MISTAKES[mistake])
    assert (
        len(said) == 1
        and f"look like {mistake}" in said[0]
        and f"{FILE}: " in said[0]
        and "\n" not in said[0]
    )


@pytest.mark.parametrize("poses", [ring(), turning(0.6)], ids=["ring", "walk"])
def test_right_poses_are_not_doubted(photographs, poses: Poses) -> None:
    assert not scene_of(photographs, poses, as_it_is)[1]
