"""The built-in scene: what it holds, that it is the same each time, and that its cache heals itself."""

from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from omnifield.studio import demo, light
from omnifield.studio.demo_objects import still_life
from omnifield.studio.shots import Shots, hemisphere, spiral, truth
from omnifield.studio.surface import Material, Surface, surface

TINY = Shots(size=24, train=3, test=2)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and few rays of light."""
    monkeypatch.setenv(demo.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(light, "RAY_BUDGET", 1)
    monkeypatch.setattr(light, "FEWEST_SKY_RAYS", 4)
    monkeypatch.setattr(light, "KEY_RAYS", 2)
    return tmp_path / "cache"


@pytest.fixture
def simple(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A cube in place of the still life, for tests that are not about it; counts how often it is made."""
    made = []

    def cube() -> Surface:
        made.append(1)
        mesh = trimesh.creation.box((1, 1, 1))
        vertices, grey = mesh.vertices.astype(np.float32), np.full((1, 1, 3), 0.5, np.float32)
        uv, white = np.zeros((8, 2), np.float32), np.ones((8, 3), np.float32)
        faces = mesh.faces.astype(np.int32)
        return surface(vertices, faces, uv=uv, tint=white, material=Material(grey), crease=40.0)

    monkeypatch.setattr(demo, "still_life", cube)
    return made


@pytest.fixture(scope="module")
def objects() -> Surface:
    return still_life()


def test_the_still_life(cache: Path, objects: Surface, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "still_life", lambda: objects)
    scene = demo.demo_scene(TINY)
    assert (scene.name, len(scene.train[0]), len(scene.test[0]), scene.has_alpha) == ("demo", 3, 2, True)
    assert scene.train[0].images.shape == (3, 24, 24, 4) and scene.train[0].names == (
        "train_000",
        "train_001",
        "train_002",
    )
    lo, hi = torch.tensor(scene.domain.lo), torch.tensor(scene.domain.hi)
    vertices = torch.from_numpy(objects.vertices)
    assert (vertices > lo).all() and (vertices < hi).all()
    depth, normal = map(torch.from_numpy, truth(objects, scene.test[0].cameras))
    found, alpha = depth > 0, scene.test[0].images[..., 3]
    assert (alpha[found] > 0).all() and (alpha[~found] < 255).all()
    torch.testing.assert_close(normal[found].norm(dim=-1), torch.ones(int(found.sum())))
    assert 2.5 < depth[found].min() and depth.max() < 5.5
    color = scene.train[0].images[scene.train[0].images[..., 3] == 255].double()
    assert (
        60 < color[:, :3].mean() < 200 and color[:, 0].mean() > color[:, 2].mean() + 15
    )  # well exposed and warm


def test_the_still_life_is_the_same_each_time(objects: Surface) -> None:
    first, second = objects, still_life()
    for name in ("vertices", "faces", "normals", "uv", "tint"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()
    for a, b in zip(first.materials, second.materials, strict=True):
        assert a.texture.tobytes() == b.texture.tobytes()


def test_images_are_the_same_bytes_each_time(cache: Path, simple: list[int]) -> None:
    first = demo.demo_scene(TINY)
    next(cache.iterdir()).unlink()
    second = demo.demo_scene(TINY)
    assert len(simple) == 2
    assert torch.equal(first.train[0].images, second.train[0].images)
    assert torch.equal(first.test[0].images, second.test[0].images)


def test_a_second_call_reads_the_cache(cache: Path, simple: list[int]) -> None:
    first, second = demo.demo_scene(TINY), demo.demo_scene(TINY)
    assert len(simple) == 1 and torch.equal(first.train[0].images, second.train[0].images)
    assert [path.suffix for path in cache.iterdir()] == [".npz"]  # nothing half-written is left
    demo.demo_scene(Shots(size=16, train=1, test=1))
    assert len(simple) == 2 and len(list(cache.iterdir())) == 2


@pytest.mark.parametrize("damage", ["cut", "empty", "changed", "foreign"])
def test_a_damaged_cache_is_made_again(cache: Path, simple: list[int], damage: str) -> None:
    first = demo.demo_scene(TINY)
    (path,) = cache.iterdir()
    content = bytearray(path.read_bytes())
    if damage == "changed":
        content[len(content) // 3] ^= 0xFF
    path.write_bytes(
        {"cut": content[: len(content) // 2], "empty": b"", "foreign": b"PK but no zip"}.get(damage, content)
    )
    second = demo.demo_scene(TINY)
    assert len(simple) == 2 and torch.equal(first.train[0].images, second.train[0].images)
    demo.demo_scene(TINY)
    assert len(simple) == 2  # and it was put in order again


def test_a_cache_that_cannot_be_written_is_said_and_survived(
    cache: Path, simple: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.write_text("a file stands where the folder should be")
    with pytest.warns(UserWarning, match="could not be kept"):
        assert len(demo.demo_scene(TINY).train[0]) == 3


def test_the_cache_is_the_users_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(demo.CACHE_VARIABLE, "/elsewhere")
    assert demo.cache_folder() == Path("/elsewhere")
    monkeypatch.delenv(demo.CACHE_VARIABLE)
    assert demo.cache_folder().name.lower() in ("omnifield", "cache")


def test_cameras_spread_over_the_hemisphere() -> None:
    train = hemisphere(100, demo.TRAIN_SEED)
    np.testing.assert_allclose(np.linalg.norm(train, axis=-1), 1, atol=1e-6)
    assert train[:, 2].min() > 0.03 and train[:, 2].max() < 0.999
    cosine = train @ train.T - 2 * np.eye(100)
    nearest = np.degrees(np.arccos(cosine.max(1)))
    assert nearest.min() > 3 and nearest.max() < 22  # evenly spread, an ideal lattice has about 15
    assert not np.allclose(hemisphere(10, 1), hemisphere(10, demo.TRAIN_SEED))
    climb = spiral(20)[:, 2]
    assert (np.diff(climb) > 0).all()
