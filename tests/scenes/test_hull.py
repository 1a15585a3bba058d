"""What silhouettes and frames rule out, against a sphere of which every cell is known: never a cell too many."""

import dataclasses
import math

import pytest
import torch
from omnifield.scenes import Box, Cameras, Contraction, Domain, Lens, Views, pinhole
from omnifield.scenes.hull import in_some_frame, possible_cells, visual_hull
from torch import Tensor

CUBE = Box((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0))
LONG = Box((-2.0, -1.0, -0.5), (2.0, 1.0, 1.0))
UNBOUNDED = Contraction(CUBE.lo, CUBE.hi)
FINER = 3  # rays across a pixel: it is transparent only if all of them miss


def look_at(eye: Tensor, target: Tensor) -> Tensor:
    """Camera to world, OpenGL axes, world +Z up."""
    back = torch.nn.functional.normalize(eye - target, dim=-1)
    up = torch.tensor([0.0, 0.0, 1.0]).expand_as(back)
    right = torch.nn.functional.normalize(torch.linalg.cross(up, back), dim=-1)
    return torch.stack([right, torch.linalg.cross(back, right), back, eye], -1)


def scattered_eyes(count: int, distance: float) -> Tensor:
    """Evenly over the sphere: Fibonacci's spiral, poles left out."""
    z = 1 - 2 * (torch.arange(count) + 0.5) / count
    angle = torch.arange(count) * math.pi * (3 - math.sqrt(5))
    ring = (1 - z * z).sqrt()
    return distance * torch.stack([ring * angle.cos(), ring * angle.sin(), z], -1)


def views_of(cameras: Cameras, middle: Tensor, radius: float) -> Views:
    """A white sphere, its silhouette exact to a third of a pixel."""
    parts = (torch.arange(FINER) + 0.5) / FINER
    y, x = (torch.arange(n)[:, None].add(parts).reshape(-1) for n in (cameras.height, cameras.width))
    y, x = (each.reshape(-1) for each in torch.meshgrid(y, x, indexing="ij"))
    images = []
    for view in range(len(cameras)):
        rays = cameras.rays(torch.full((len(x),), view), x, y)
        offset = middle - rays.origins
        along = (offset * rays.directions).sum(-1)
        hit = (along > 0) & ((offset - along[:, None] * rays.directions).norm(dim=-1) < radius)
        share = hit.reshape(cameras.height, FINER, cameras.width, FINER).float().mean((1, 3))
        alpha = (share * 255).ceil().byte()
        images.append(torch.cat([torch.full((*alpha.shape, 3), 255).byte(), alpha[..., None]], -1))
    stacked = torch.stack(images)
    names = tuple(str(view) for view in range(len(cameras)))
    return Views(cameras, stacked, torch.zeros((), dtype=torch.bool).expand(stacked.shape[:3]), names)


def corners(resolution: int) -> Tensor:
    """Low corners of the cells in cells, in the order of the hull: x runs first."""
    ticks = torch.arange(resolution)
    z, y, x = torch.meshgrid(ticks, ticks, ticks, indexing="ij")
    return torch.stack([x, y, z], -1).reshape(-1, 3)


def touched(domain: Domain, resolution: int, middle: Tensor, radius: float) -> Tensor:
    """The cells that share a point with a ball."""
    low, high = (domain.world_from_unit((corners(resolution) + end) / resolution) for end in (0, 1))
    nearest = middle.clamp(low, high)
    return (nearest - middle).norm(dim=-1) < radius


@pytest.mark.parametrize("resolution", [16, 32, 64])
@pytest.mark.parametrize("domain", [CUBE, LONG], ids=["cube", "long"])
def test_the_hull_holds_the_sphere(domain: Box, resolution: int) -> None:
    middle, radius = torch.tensor([0.2, -0.1, 0.1]), 0.5
    cameras = pinhole(look_at(scattered_eyes(10, 4.0), torch.zeros(10, 3)), (48, 40), 0.6, near=0.1)
    hull = visual_hull([views_of(cameras, middle, radius)], domain, resolution)
    assert hull.shape == (resolution**3,) and not hull.all()
    assert hull[touched(domain, resolution, middle, radius)].all()


def test_finer_cells_hug_the_sphere_and_keep_within_coarser_ones() -> None:
    middle, radius = torch.tensor([0.2, -0.1, 0.1]), 0.5
    cameras = pinhole(look_at(scattered_eyes(24, 4.0), torch.zeros(24, 3)), (96, 96), 0.6, near=0.1)
    views = views_of(cameras, middle, radius)
    coarse, fine = (visual_hull([views], CUBE, resolution) for resolution in (32, 64))
    in_coarse = coarse.reshape(32, 32, 32)
    for axis in range(3):
        in_coarse = in_coarse.repeat_interleave(2, axis)
    assert not (fine & ~in_coarse.reshape(-1)).any()
    # A ball around a cell, and twice its shadow's block of pixels, on either side of the surface.
    for resolution, hull in ((32, coarse), (64, fine)):
        assert not hull[~touched(CUBE, resolution, middle, radius + 8 / resolution)].any()
    volume = 4 / 3 * math.pi * radius**3 / 8
    ratios = [hull.float().mean().item() / volume for hull in (coarse, fine)]
    assert 1 < ratios[1] < 1.6 and ratios[1] < ratios[0] < 2.5


@pytest.mark.parametrize("seed", range(8))
def test_nothing_of_the_sphere_is_lost_however_the_cameras_stand(seed: int) -> None:
    """Wide and narrow, near and far, aside and tilted: the sphere at the edge of a frame or cut by it."""
    generator = torch.Generator().manual_seed(seed)
    uniform = lambda *shape: torch.rand(*shape, generator=generator)  # noqa: E731
    middle, radius = uniform(3) - 0.5, 0.1 + 0.3 * float(uniform(1))
    eyes = torch.nn.functional.normalize(torch.randn(6, 3, generator=generator), dim=-1) * (
        1.9 + 2 * uniform(6, 1)
    )
    targets = 1.6 * (uniform(6, 3) - 0.5)
    size = (int(30 + 50 * uniform(1)), int(30 + 50 * uniform(1)))
    cameras = pinhole(look_at(eyes, targets), size, 0.3 + 1.8 * uniform(1).item(), near=0.1)
    hull = visual_hull([views_of(cameras, middle, radius)], CUBE, 32)
    assert hull[touched(CUBE, 32, middle, radius)].all()


@pytest.mark.parametrize("k1", [-0.2, 0.3])
def test_nothing_of_the_sphere_is_lost_through_a_lens_that_distorts(k1: float) -> None:
    middle, radius = torch.tensor([0.3, 0.3, 0.2]), 0.4
    straight = pinhole(look_at(scattered_eyes(8, 3.0), torch.zeros(8, 3)), (45, 45), 1.0, near=0.1)
    cameras = dataclasses.replace(
        straight, distortion=torch.tensor([k1, 0.05, 0, 0, 0.01, -0.01]).expand(8, 6)
    )
    hull = visual_hull([views_of(cameras, middle, radius)], CUBE, 32)
    assert hull[touched(CUBE, 32, middle, radius)].all() and not hull.all()


def test_a_barrel_lens_rules_out_nothing_that_is_outside_of_its_frame() -> None:
    """k1 = −0.3: beyond 46° off axis the polynomial turns back, and would put the corner of the box into the middle of
    a transparent picture."""
    eyes = torch.tensor([[1.5, 0.0, 0.02], [-1.5, 0.1, 0.0]])
    straight = pinhole(look_at(eyes, torch.zeros(2, 3)), (60, 60), 1.0, near=0.01)
    cameras = dataclasses.replace(straight, distortion=torch.tensor([-0.3, 0, 0, 0, 0, 0]).expand(2, 6))
    middle, radius = torch.tensor([0.9, 0.9, 0.9]), 0.09
    sensor, _ = cameras.project(0, middle[None])
    assert not ((sensor > 0) & (sensor < 60)).all()
    for resolution in (32, 64):
        hull = visual_hull([views_of(cameras, middle, radius)], CUBE, resolution)
        assert hull[touched(CUBE, resolution, middle, radius)].all() and not hull.all()
        framed = in_some_frame([views_of(cameras, middle, radius)], Contraction(CUBE.lo, CUBE.hi), resolution)
        assert not framed.all()


@pytest.mark.parametrize("fov", [0.02, 0.1, 1.0])
def test_a_camera_close_to_the_box_is_no_trouble(fov: float) -> None:
    middle, radius = torch.zeros(3), 0.5
    eyes = torch.tensor([[1.08, 0.0, 0.01], [0.0, 1.2, 0.01], [0.3, -1.5, 0.4]])
    cameras = pinhole(look_at(eyes, torch.zeros(3, 3)), (40, 30), fov, near=0.01)
    hull = visual_hull([views_of(cameras, middle, radius)], CUBE, 32)
    assert hull[touched(CUBE, 32, middle, radius)].all()


def test_a_camera_inside_the_box_says_nothing() -> None:
    cameras = pinhole(look_at(torch.tensor([[0.5, 0.1, 0.0]]), torch.zeros(1, 3)), (40, 30), 0.7, near=0.01)
    assert visual_hull([views_of(cameras, torch.full((3,), 9.0), 0.1)], CUBE, 32).all()


def photographs(domain_views: int = 6) -> Views:
    cameras = pinhole(
        look_at(scattered_eyes(domain_views, 3.0), torch.zeros(domain_views, 3)), (40, 30), 0.7, near=0.1
    )
    return views_of(cameras, torch.zeros(3), 100.0)  # the sphere is all around: every pixel is opaque


def test_photographs_rule_nothing_out() -> None:
    views = photographs()
    assert (views.images[..., 3] == 255).all()
    assert possible_cells([views], CUBE, 32).all() and possible_cells([views], CUBE, 64).all()


def test_masked_pixels_and_fisheye_lenses_rule_nothing_out() -> None:
    cameras = pinhole(look_at(scattered_eyes(6, 3.0), torch.zeros(6, 3)), (40, 30), 0.7, near=0.1)
    views = views_of(cameras, torch.zeros(3), 0.3)
    assert not possible_cells([views], CUBE, 32).all()
    one = torch.zeros(views.images.shape[:3], dtype=torch.bool)
    one[2, 5, 5] = True
    assert possible_cells([dataclasses.replace(views, ignored=one)], CUBE, 32).all()
    fisheye = dataclasses.replace(views, cameras=dataclasses.replace(cameras, lens=Lens.FISHEYE))
    assert possible_cells([fisheye], CUBE, 32).all() and possible_cells([fisheye], UNBOUNDED, 32).all()


def test_masks_all_around_an_object_are_silhouettes_of_which_a_few_may_be_wrong() -> None:
    cameras = pinhole(look_at(scattered_eyes(20, 3.0), torch.zeros(20, 3)), (40, 30), 0.7, near=0.1)
    views = views_of(cameras, torch.zeros(3), 0.3)
    masked = dataclasses.replace(
        views, images=views.images[..., :3].contiguous(), ignored=views.images[..., 3] == 0
    )
    cells, ball = possible_cells([masked], CUBE, 64), touched(CUBE, 64, torch.zeros(3), 0.3)
    assert cells[ball].all() and cells.sum() < 3 * len(ball)
    masked.ignored[:2] = True  # something stood before it
    assert possible_cells([masked], CUBE, 64)[ball].all()
    masked.ignored[:3] = True
    assert not possible_cells([masked], CUBE, 64)[ball].any()


@pytest.mark.parametrize("resolution", [32, 64])
def test_nothing_that_moves_is_lost(resolution: int) -> None:
    """A ball that crosses the box, one view of each moment: the views' silhouettes do not intersect."""
    count, radius = 10, 0.3
    start, end = torch.tensor([-0.6, 0.0, 0.1]), torch.tensor([0.6, 0.1, -0.2])
    still = pinhole(look_at(scattered_eyes(count, 4.0), torch.zeros(count, 3)), (48, 48), 0.7, near=0.1)
    cameras = dataclasses.replace(still, time=torch.linspace(0, 1, count))
    moments = [start + time * (end - start) for time in cameras.time]
    each = [views_of(cameras[i : i + 1], middle, radius) for i, middle in enumerate(moments)]
    views = Views(
        cameras, torch.cat([v.images for v in each]), each[0].ignored.expand(count, 48, 48), ("",) * count
    )
    cells = possible_cells([views], CUBE, resolution)
    for middle in (*moments, (start + end) / 2):
        assert cells[touched(CUBE, resolution, middle, radius)].all()
    as_if_still = dataclasses.replace(views, cameras=still)
    assert not possible_cells([as_if_still], CUBE, resolution)[touched(CUBE, resolution, start, radius)].all()


def test_views_of_different_times_rule_out_what_no_frame_shows_in_an_unbounded_scene_only() -> None:
    eyes = torch.tensor([[0.0, -6.0, 0.0], [0.1, -6.0, 0.0]])
    still = pinhole(look_at(eyes, torch.zeros(2, 3)), (40, 40), 0.3, near=0.1)
    views = views_of(still, torch.zeros(3), 0.2)
    moving = dataclasses.replace(views, cameras=dataclasses.replace(still, time=torch.tensor([0.0, 1.0])))
    assert possible_cells([moving], CUBE, 32).all() and not possible_cells([views], CUBE, 32).all()
    framed = possible_cells([moving], UNBOUNDED, 32)
    assert torch.equal(framed, possible_cells([views], UNBOUNDED, 32)) and framed.float().mean() < 0.5


def test_transparent_pictures_rule_out_all_that_every_frame_covers() -> None:
    cameras = pinhole(look_at(scattered_eyes(6, 4.0), torch.zeros(6, 3)), (40, 40), 1.2, near=0.1)
    assert not visual_hull([views_of(cameras, torch.full((3,), 50.0), 0.1)], CUBE, 32).any()


def test_more_views_than_enough_are_asked_in_even_steps() -> None:
    """Whatever their number: still the sphere, and not much more."""
    middle, radius = torch.zeros(3), 0.4
    cameras = pinhole(look_at(scattered_eyes(95, 4.0), torch.zeros(95, 3)), (32, 32), 0.6, near=0.1)
    hull = visual_hull([views_of(cameras, middle, radius)], CUBE, 32)
    assert hull[touched(CUBE, 32, middle, radius)].all() and hull.float().mean() < 0.2


@pytest.mark.parametrize("resolution", [32, 64])
def test_an_unbounded_scene_keeps_what_is_in_some_frame(resolution: int) -> None:
    """Two cameras that look the same way: what lies before them is possible, what lies behind is not."""
    eyes = torch.tensor([[0.0, -3.0, 0.2], [0.4, -3.0, 0.0]])
    cameras = pinhole(look_at(eyes, torch.zeros(2, 3)), (40, 30), 0.7, near=0.1)
    views = views_of(cameras, torch.zeros(3), 100.0)
    cells = possible_cells([views], UNBOUNDED, resolution)
    unit = torch.rand(100_000, 3, generator=torch.Generator().manual_seed(0))
    world = UNBOUNDED.world_from_unit(unit)
    framed = torch.zeros(len(unit), dtype=torch.bool)
    for view in range(2):
        sensor, depth = cameras.project(view, world)
        framed |= (depth > 0) & (sensor > 0).all(-1) & (sensor < torch.tensor([40, 30])).all(-1)
    x, y, z = (unit * resolution).long().unbind(-1)
    possible = cells[x + resolution * (y + resolution * z)]
    assert possible[framed].all() and framed.float().mean() > 0.05
    behind = world[:, 1] < -8
    assert behind.sum() > 1000 and not possible[behind].any()
