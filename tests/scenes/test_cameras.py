"""A ray must pass through every point that OpenCV's own forward model projects onto its pixel."""

import dataclasses
import math
from dataclasses import replace

import pytest
import torch
from jaxtyping import Float
from omnifield.ops.distortion import _jacobian, distort, undistort
from omnifield.scenes import PixelRays
from omnifield.scenes.cameras import Cameras, Lens, pinhole, turning_radius
from omnifield.scenes.columns import each_column, joined
from torch import Tensor

OPENCV = (0.12, -0.05, 0.01, 0.0, 0.002, -0.003)
FISHEYE = (0.03, -0.01, 0.002, -0.0004, 0.0, 0.0)
CASES = [(Lens.PERSPECTIVE, (0.0,) * 6), (Lens.PERSPECTIVE, OPENCV), (Lens.FISHEYE, FISHEYE)]


def rotation(seed: int) -> Float[Tensor, "3 3"]:
    q, r = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(seed)).double())
    q = q * r.diagonal().sign()
    return (q * q.det().sign()).float()


def cameras(lens: Lens, distortion: tuple[float, ...], views: int = 3) -> Cameras:
    poses = torch.stack([torch.cat([rotation(i), torch.tensor([[i], [0.5], [-i]])], 1) for i in range(views)])
    return Cameras(
        world_from_camera=poses,
        focal=torch.tensor([[300.0, 310.0]]).repeat(views, 1) + torch.arange(views)[:, None],
        principal=torch.tensor([[201.0, 148.5]]).repeat(views, 1),
        distortion=torch.tensor([distortion]).repeat(views, 1),
        time=torch.linspace(0, 1, views),
        width=400,
        height=300,
        lens=lens,
        near=0.25,
    )


def opencv_project(point: Tensor, camera: Cameras, view: int) -> tuple[float, float]:
    """cv::projectPoints and cv::fisheye::projectPoints, written out for one point in OpenCV's camera axes."""
    x, y, z = point.tolist()
    k1, k2, k3, k4, p1, p2 = camera.distortion[view].tolist()
    a, b = x / z, y / z
    r = math.hypot(a, b)
    if camera.lens is Lens.FISHEYE:
        theta = math.atan(r)
        scale = theta * (1 + k1 * theta**2 + k2 * theta**4 + k3 * theta**6 + k4 * theta**8) / r
        u, v = a * scale, b * scale
    else:
        radial = 1 + k1 * r**2 + k2 * r**4 + k3 * r**6 + k4 * r**8
        u = a * radial + 2 * p1 * a * b + p2 * (r**2 + 2 * a**2)
        v = b * radial + p1 * (r**2 + 2 * b**2) + 2 * p2 * a * b
    (fx, fy), (cx, cy) = camera.focal[view].tolist(), camera.principal[view].tolist()
    return fx * u + cx, fy * v + cy


@pytest.mark.parametrize(("lens", "distortion"), CASES)
@pytest.mark.parametrize("seed", range(8))
def test_ray_passes_through_the_projected_point(lens: Lens, distortion: tuple[float, ...], seed: int) -> None:
    camera, view = cameras(lens, distortion), seed % 3
    across = torch.rand(2, generator=torch.Generator().manual_seed(seed)).double() - 0.5
    depth = 1.0 + seed
    local = torch.cat([across * depth, torch.tensor([depth])])  # OpenCV: y down, z forward
    x, y = opencv_project(local, camera, view)
    pose = camera.world_from_camera[view].double()
    world = pose[:, :3] @ (local * torch.tensor([1, -1, -1])) + pose[:, 3]
    rays = camera.rays(torch.tensor([view]), torch.tensor([x]), torch.tensor([y]))
    offset = world - rays.origins[0].double()
    along = rays.directions[0].double()
    assert (offset - (offset @ along) * along).norm() < 2e-6 * offset.norm()
    assert offset @ along > 0


@pytest.mark.parametrize("distortion", [(0.0,) * 6, OPENCV])
def test_project_is_opencvs(distortion: tuple[float, ...]) -> None:
    camera = cameras(Lens.PERSPECTIVE, distortion)
    local = torch.tensor([[0.3, -0.4, 2.0], [-0.5, 0.1, 1.5]])
    pose = camera.world_from_camera[2]
    world = (local * torch.tensor([1.0, -1.0, -1.0])) @ pose[:, :3].T + pose[:, 3]
    sensor, depth = camera.project(2, world)
    expected = torch.tensor([opencv_project(point, camera, 2) for point in local])
    torch.testing.assert_close(sensor, expected, atol=2e-3, rtol=0)
    torch.testing.assert_close(depth, local[:, 2])


def test_a_fisheye_sees_beyond_a_right_angle() -> None:
    camera = cameras(Lens.FISHEYE, (0.0,) * 6, views=1)
    x = 201.0 + 300.0 * math.radians(100)
    ray = camera.rays(torch.tensor([0]), torch.tensor([x]), torch.tensor([148.5])).directions[0]
    local = camera.world_from_camera[0, :, :3].T @ ray
    angle = math.radians(100)
    torch.testing.assert_close(
        local, torch.tensor([math.sin(angle), 0.0, -math.cos(angle)]), atol=1e-6, rtol=0
    )


def test_a_fisheye_is_centred_on_its_principal_point() -> None:
    """(gsplat PR#1039: on the picture's middle.) Without distortion as many pixels off are as many radians."""
    camera = replace(cameras(Lens.FISHEYE, (0.0,) * 6, views=1), principal=torch.tensor([[20.0, 280.0]]))
    around = torch.linspace(0, 2 * math.pi, 9)
    x, y = 20 + 150 * around.cos(), 280 + 155 * around.sin()
    rays = camera.rays(torch.zeros(9, dtype=torch.long), x, y).directions
    axis = -camera.world_from_camera[0, :, 2]
    torch.testing.assert_close((rays @ axis).acos(), torch.full((9,), 0.5), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("lens", "distortion"), CASES)
def test_undistort_inverts_distort(lens: Lens, distortion: tuple[float, ...]) -> None:
    ideal = torch.rand(500, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 1.6 - 0.8
    coefficients = torch.tensor([distortion], dtype=torch.float64).expand(500, 6)
    observed = distort(ideal, coefficients, lens)
    torch.testing.assert_close(undistort(observed, coefficients, lens), ideal, atol=1e-10, rtol=0)


@pytest.mark.parametrize("lens", list(Lens))
def test_jacobian_is_that_of_distort(lens: Lens) -> None:
    ideal = torch.rand(20, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64) - 0.5
    coefficients = torch.tensor([OPENCV], dtype=torch.float64).expand(20, 6)
    expected = torch.func.vmap(torch.func.jacrev(lambda s, k: distort(s[None], k[None], lens)[0]))(
        ideal, coefficients
    )
    torch.testing.assert_close(_jacobian(ideal, coefficients, lens), expected)


def test_a_lens_without_inverse_gives_finite_rays() -> None:
    folding = cameras(Lens.PERSPECTIVE, (-2.0, 0.0, 0.0, 0.0, 0.0, 0.0), views=1)
    assert folding.pixel_rays(0, stride=10).directions.isfinite().all()


def test_pixel_rays_run_row_by_row_through_pixel_centres() -> None:
    camera = cameras(Lens.PERSPECTIVE, (0.0,) * 6)
    rays = camera.pixel_rays(1, stride=7)
    columns = -(-400 // 7)
    assert len(rays) == columns * -(-300 // 7)
    row, column = 5, 9
    single = camera.rays(torch.tensor([1]), torch.tensor([column * 7 + 0.5]), torch.tensor([row * 7 + 0.5]))
    torch.testing.assert_close(rays.directions[row * columns + column], single.directions[0])
    assert rays.near.eq(0.25).all() and rays.far.isinf().all() and rays.time.eq(0.5).all()
    torch.testing.assert_close(rays.directions.norm(dim=-1), torch.ones(len(rays)))


def test_pixel_rays_of_a_range_are_those_of_the_whole() -> None:
    camera = cameras(Lens.PERSPECTIVE, (0.0,) * 6)
    every = joined([camera.pixel_rays(1, stride=7), camera.pixel_rays(0, stride=7)])
    some = PixelRays(camera, [1, 0], stride=7)
    assert len(some) == len(every) == 2 * some.per_view
    for first, last in ((0, 100), (70, 90), (some.per_view - 5, some.per_view + 5), (0, len(every))):
        each_column(lambda a, b: torch.testing.assert_close(a, b) or a, some[first:last], every[first:last])


def test_footprint_is_the_pixel_width_times_two_over_root_twelve() -> None:
    camera = pinhole(torch.eye(4)[None, :3], (64, 48), fov_y=math.pi / 2, near=0.1)
    assert camera.focal[0].tolist() == pytest.approx([24.0, 24.0])
    rays = camera.pixel_rays(0)
    depth = -rays.directions[:, 2]  # of a point at distance 1: the camera looks along -z
    torch.testing.assert_close(rays.footprint, 2 / 12**0.5 / 24 * depth)
    views = torch.zeros(len(rays), dtype=torch.int64)
    torch.testing.assert_close(camera.cone_radius(views, rays.directions), rays.footprint, rtol=0.2, atol=0)


@pytest.mark.parametrize("lens", list(Lens))
def test_a_footprint_is_the_distance_to_the_next_ray(lens: Lens) -> None:
    """Off axis too: times 2/√12 it is how far apart, across the radius of the picture, neighbouring rays are at one
    depth (of a perspective lens) or at one distance (of a fisheye)."""
    camera = cameras(lens, (0.0,) * 6, views=1)
    view, x = torch.zeros(30, dtype=torch.int64), torch.linspace(50, 350, 30)
    here, there = (camera.rays(view, x, y) for y in (torch.full((30,), 148.0), torch.full((30,), 149.0)))
    t = torch.ones(30)
    if lens is Lens.PERSPECTIVE:
        forward = -camera.world_from_camera[0, :, 2]
        t = 1 / (here.directions @ forward)
    apart = t * (here.directions - there.directions).norm(dim=-1)
    torch.testing.assert_close(t * here.footprint, 2 / 12**0.5 * apart, rtol=0.1, atol=0)
    torch.testing.assert_close(camera.cone_radius(view, here.directions), here.footprint)


@pytest.mark.parametrize(
    ("distortion", "turn"),
    [
        ((0.0,) * 6, math.inf),
        ((-0.3, 0.0, 0.0, 0.0, 0.0, 0.0), 0.9**-0.5),
        ((0.3, 0.1, 0.0, 0.0, 0.0, 0.0), math.inf),
        ((-0.3, 0.2, 0.0, 0.0, 0.1, 0.1), math.inf),  # its slope, 1 - 0.9 s + s², has no root
        ((-1.0, 0.5, -0.1, 0.0, 0.0, 0.0), None),
    ],
)
def test_a_barrel_lens_shows_nothing_beyond_where_its_polynomial_turns(
    distortion: tuple[float, ...], turn: float | None
) -> None:
    """Against the polynomial itself, sampled densely."""
    k1, k2, k3, k4, *_ = distortion
    r = torch.linspace(0, 3, 30_001, dtype=torch.float64)
    observed = r * (1 + k1 * r**2 + k2 * r**4 + k3 * r**6 + k4 * r**8)
    falls = (observed.diff() < 0).nonzero()[:, 0]
    sampled = r[falls[0]].item() if len(falls) else math.inf
    found = turning_radius(torch.tensor(distortion))
    assert found == pytest.approx(sampled, abs=1e-3)
    assert turn is None or found == pytest.approx(turn)
    camera = dataclasses.replace(
        pinhole(torch.eye(4)[None, :3], (64, 48), math.pi / 2, near=0.1),
        distortion=torch.tensor([distortion]),
    )
    across = torch.tensor([0.9, 0.99, 1.01, 1.5, 20.0]) * min(found, 1.0)
    sensor, depth = camera.project(0, torch.stack([across, 0 * across, -torch.ones(5)], -1))
    assert torch.equal(sensor.isfinite().all(-1), across < found) and (depth == 1).all()
    sensor, _ = camera.project(
        0, torch.tensor([[0.99, 0.0, -1.0]]) * torch.tensor([min(found, 1.0), 1, 1]), 0.1
    )
    assert sensor.isfinite().all().item() == (found == math.inf)


def test_slices_keep_what_belongs_to_a_view() -> None:
    camera = cameras(Lens.PERSPECTIVE, OPENCV)
    for part in (camera[1:], camera[torch.tensor([1, 2])]):
        assert len(part) == 2 and part.near == 0.25 and part.lens is Lens.PERSPECTIVE
        torch.testing.assert_close(part.focal, camera.focal[1:])
        torch.testing.assert_close(part.pixel_rays(0, 50).directions, camera.pixel_rays(1, 50).directions)
