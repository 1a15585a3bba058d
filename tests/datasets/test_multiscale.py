"""Coarser views against means taken block by block, and their cameras against the full-size ones."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from omnifield.datasets import load_scene
from omnifield.scenes import Cameras, Views, pinhole
from omnifield.scenes import multiscale as module
from omnifield.scenes.multiscale import at_scales, halved, with_scales

SIZES = [(32, 32), (37, 27), (20, 41)]  # width, height


def cameras_of(width: int, height: int, count: int = 3) -> Cameras:
    poses = torch.eye(4)[:3].repeat(count, 1, 1)
    poses[:, :, 3] = torch.tensor([0.1, -0.2, 4.0])
    return dataclasses.replace(
        pinhole(poses, (width, height), 0.7, near=0.1),
        focal=torch.tensor([[40.0, 42.0], [50, 50], [30, 31]])[:count],
        principal=torch.tensor([width / 2 + 1.5, height / 2 - 0.25]).expand(count, 2),
        distortion=torch.tensor([0.05, 0.01, 0, 0, 0.002, -0.001]).expand(count, 6),
        time=torch.linspace(0, 1, count),
    )


def noise(width: int, height: int) -> Views:
    """Random colours of random opacity, a quarter of them transparent and a quarter opaque."""
    random = np.random.default_rng(width)
    images = random.integers(0, 256, (3, height, width, 4), dtype=np.uint8)
    images[..., 3] = (images[..., 3] * 2.0 - 128).clip(0, 255)
    nothing = torch.zeros((), dtype=torch.bool).expand(images.shape[:3])
    return Views(cameras_of(width, height), torch.from_numpy(images), nothing, ("a", "b", "c"))


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_pixel_is_the_mean_of_those_it_covers(width: int, height: int, monkeypatch) -> None:
    monkeypatch.setattr(module, "PIXELS_TOGETHER", 2 * width * height)  # three views in two parts
    views = noise(width, height)
    scales = halved([views], 2)
    for factor, coarse in zip((2, 4), scales, strict=True):
        assert coarse.images.dtype == torch.uint8
        assert coarse.images.shape == (3, height // factor, width // factor, 4)
        assert (coarse.cameras.width, coarse.cameras.height) == (width // factor, height // factor)
        for view in range(3):
            for y in range(height // factor):
                for x in range(width // factor):
                    block = views.images[view, y * factor : (y + 1) * factor, x * factor : (x + 1) * factor]
                    rgba = block.reshape(-1, 4).double()
                    alpha = rgba[:, 3].sum()
                    expected = (
                        (rgba[:, :3] * rgba[:, 3:]).sum(0) / alpha if alpha else torch.zeros(3).double()
                    )
                    seen = coarse.images[view, y, x].double()
                    assert (seen[:3] - expected).abs().max() <= 0.5 + 1e-4
                    assert abs(seen[3] - alpha / factor**2) <= 0.5


def test_names_say_the_level_and_times_stay() -> None:
    coarse = halved([noise(32, 32)], 2)
    assert [views.names for views in coarse] == [("a_d1", "b_d1", "c_d1"), ("a_d2", "b_d2", "c_d2")]
    assert all(views.cameras.time.tolist() == [0, 0.5, 1] for views in coarse)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_point_is_at_the_same_place_at_every_scale(width: int, height: int) -> None:
    views = noise(width, height)
    point = torch.tensor([[0.3, -0.1, 0.5], [-0.2, 0.4, -1.0]])
    for level, coarse in enumerate(halved([views], 2), 1):
        for view in range(3):
            full, depth = views.cameras.project(view, point)
            sensor, same = coarse.cameras.project(view, point)
            torch.testing.assert_close(sensor * 2**level, full)
            assert torch.equal(depth, same)


def test_the_ray_through_a_pixel_goes_through_the_middle_of_its_block_and_is_as_wide() -> None:
    views = noise(37, 27)
    view, x, y = torch.tensor([0, 1, 2]), torch.tensor([1.5, 3.5, 7.5]), torch.tensor([0.5, 4.5, 5.5])
    for level, coarse in enumerate(halved([views], 2), 1):
        full = views.cameras.rays(view, x * 2**level, y * 2**level)
        rays = coarse.cameras.rays(view, x, y)
        torch.testing.assert_close(rays.directions, full.directions)
        torch.testing.assert_close(rays.footprint, full.footprint * 2**level)
        assert torch.equal(rays.origins, full.origins) and torch.equal(rays.time, full.time)


@pytest.mark.parametrize("rgba", [(255, 255, 255, 255), (200, 13, 77, 1), (90, 180, 3, 254), (0, 0, 0, 0)])
def test_one_colour_stays_that_colour(rgba: tuple[int, int, int, int]) -> None:
    views = noise(37, 27)
    views = dataclasses.replace(views, images=torch.tensor(rgba, dtype=torch.uint8).repeat(3, 27, 37, 1))
    for coarse in halved([views], 2):
        assert (coarse.images == torch.tensor(rgba)).all()


def test_a_pixel_is_ignored_where_any_that_it_covers_is() -> None:
    views = noise(20, 41)
    ignored = torch.zeros(3, 41, 20, dtype=torch.bool)
    ignored[1, 5, 9] = ignored[2, 40, 3] = True  # the second lies in the row that is cut off
    half, quarter = halved([dataclasses.replace(views, ignored=ignored)], 2)
    assert half.ignored.nonzero().tolist() == [[1, 2, 4]] and quarter.ignored.nonzero().tolist() == [
        [1, 1, 2]
    ]
    for coarse in halved([views], 2):
        assert not coarse.ignored.any() and coarse.ignored.untyped_storage().nbytes() == 1


def test_a_scene_gets_scales_for_training_and_for_testing(blender) -> None:
    scene = load_scene(blender.write())
    assert len(scene.train) == len(scene.test) == 1
    assert with_scales(scene, 1).train == scene.train
    scaled = with_scales(scene, 3).to("cpu")
    assert [views.images.shape[1:3] for views in scaled.train] == [(16, 16), (8, 8), (4, 4)]
    assert [len(views) for views in scaled.test] == [2, 2, 2]
    assert torch.equal(scaled.train[0].images, scene.train[0].images)
    by_loader = load_scene(blender.folder, downscale=4)
    assert torch.equal(scaled.train[2].images, by_loader.train[0].images)
    a, b = scaled.train[2].cameras.pixel_rays(1), by_loader.train[0].cameras.pixel_rays(1)
    assert torch.equal(a.directions, b.directions) and torch.equal(a.footprint, b.footprint)


@pytest.mark.parametrize("count", [0, -3, 4, 99])
def test_more_scales_than_there_are_pixels_for(blender, count: int) -> None:
    scene = load_scene(blender.write())
    with pytest.raises(ValueError) as caught:
        with_scales(scene, count)
    assert str(caught.value) == f"--scales must be from 1 to 3 for images of 16x16 pixels, not {count}."


def test_scales_that_the_data_came_with_are_taken_as_they_are() -> None:
    views = noise(32, 32)
    own = (views, *halved([views], 2))
    assert [views.reduced for views in own] == [1, 2, 4]
    assert at_scales(own, 1) == own and at_scales(own, 3) == own
    with pytest.raises(ValueError, match="--scales 2: the data has 3 scales of its own"):
        at_scales(own, 2)


def test_no_room_for_them_is_said_before_they_are_made(monkeypatch) -> None:
    monkeypatch.setattr("omnifield.scenes.room.available_memory", lambda: 100.0)
    with pytest.raises(ValueError, match="do not fit into memory"):
        halved([noise(32, 32)], 1)


def test_the_real_set_at_half_its_size_is_the_one_that_was_made_so(real: Callable[[str], Path]) -> None:
    """The 200² pictures were averaged from 800² ones, these from 400² ones that were rounded to 8 bits."""
    [half] = load_scene(real("nerf_synthetic_200/lego")).test
    [ours] = halved(load_scene(real("nerf_synthetic/lego")).test, 1)
    torch.testing.assert_close(ours.cameras.focal, half.cameras.focal)
    opaque = (half.images[..., 3] == 255) & (ours.images[..., 3] == 255)
    assert (ours.images.int() - half.images.int())[..., :3][opaque].abs().max() <= 2
