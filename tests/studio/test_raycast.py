"""The ray caster against what can be worked out by hand: spheres, planes, shadows, and which way is up."""

import sys

import numpy as np
import pytest
import torch
import trimesh
from omnifield.studio import light
from omnifield.studio.light import KEY, bake
from omnifield.studio.raycast import COVERAGE, Caster, lattice, linear_from_srgb, srgb_from_linear
from omnifield.studio.shade import lit, lookup
from omnifield.studio.shots import hemisphere, orbit, render_views, spiral, truth, world_rays
from omnifield.studio.surface import Material, Surface, joined, refined, surface


@pytest.fixture(autouse=True)
def few_rays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(light, "RAY_BUDGET", 1)


def thing(
    mesh: trimesh.Trimesh, color: tuple[float, float, float] = (0.5, 0.5, 0.5), crease: float = 40.0
) -> Surface:
    vertices = mesh.vertices.astype(np.float32)
    return surface(
        vertices,
        mesh.faces.astype(np.int32),
        uv=np.ascontiguousarray(vertices[:, :2] + np.float32(0.5)),
        tint=np.ones_like(vertices),
        material=Material(np.float32([[color]])),
        crease=crease,
    )


def ball(radius: float) -> trimesh.Trimesh:
    return trimesh.creation.icosphere(subdivisions=5, radius=radius)


def plane(half: float) -> trimesh.Trimesh:
    corners = [[-half, -half, 0], [half, -half, 0], [half, half, 0], [-half, half, 0]]
    return trimesh.Trimesh(corners, [[0, 1, 2], [0, 2, 3]])


def sphere_distance(origins: np.ndarray, directions: np.ndarray, radius: float) -> np.ndarray:
    """Along each ray to a sphere about the origin; infinite for a miss."""
    b = (origins * directions).sum(-1)
    inside = b**2 - (origins**2).sum(-1) + radius**2
    return np.where(inside >= 0, -b - np.sqrt(np.maximum(inside, 0)), np.inf)


def test_hits_lie_where_their_weights_say() -> None:
    mesh = plane(2.0)
    caster = Caster(mesh.vertices.astype(np.float32), mesh.faces.astype(np.int32))
    origins = np.float32([[0.3, 0.2, 1], [-1.5, 1, 3], [5, 0, 1], [0.5, 0.1, -2]])
    directions = np.float32([[0, 0, -1], [0, 0, -1], [0, 0, -1], [0, 0, 1]])
    hits = caster.first(origins, directions)
    assert hits.distance.tolist() == pytest.approx([1, 3, np.inf, 2])
    assert hits.face[2] == -1
    rows = [0, 1, 3]
    reach = origins[rows] + hits.distance[rows, None] * directions[rows]
    at = (mesh.vertices[mesh.faces[hits.face[rows]]] * hits.weights[rows, :, None]).sum(1)
    np.testing.assert_allclose(at, reach, atol=1e-6)
    assert caster.blocked(origins, directions).tolist() == [True, True, False, True]
    assert np.array_equal(caster.struck(origins, directions), hits.face)
    assert len(caster.first(origins[:0], directions[:0]).face) == 0


def test_without_embree_the_command_that_helps_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "embreex.rtcore_scene", None)
    with pytest.raises(ImportError, match="pip install embreex"):
        Caster(np.zeros((3, 3), np.float32), np.int32([[0, 1, 2]]))


def test_rays_are_those_of_the_cameras() -> None:
    cameras = orbit(hemisphere(3, 0), 8)
    rays = cameras.pixel_rays(1)
    y, x = np.mgrid[0:8, 0:8].astype(np.float32).reshape(2, -1) + np.float32(0.5)
    origins, directions = world_rays(cameras, 1, x, y)
    torch.testing.assert_close(torch.from_numpy(origins.copy()), rays.origins)
    torch.testing.assert_close(torch.from_numpy(directions), rays.directions, atol=1e-6, rtol=0)


def test_depth_and_normals_of_a_sphere() -> None:
    cameras = orbit(spiral(2), 48)
    depth, normal = truth(thing(ball(1.0)), cameras)
    for view in range(2):
        rays = cameras.pixel_rays(view)
        origins, directions = rays.origins.double().numpy(), rays.directions.double().numpy()
        distance = sphere_distance(origins, directions, 1.0)
        forward = -cameras.world_from_camera[view, :, 2].double().numpy()
        found = depth[view].reshape(-1) > 0
        assert (found != np.isfinite(distance)).mean() < 0.01
        # The grazing rim is where a faceted sphere is least a sphere.
        point = origins + np.where(np.isfinite(distance), distance, 0)[:, None] * directions
        facing = found & np.isfinite(distance) & (-(point * directions).sum(-1) > 0.2)
        z = (distance[facing, None] * directions[facing]) @ forward
        np.testing.assert_allclose(depth[view].reshape(-1)[facing], z, atol=3e-3)
        np.testing.assert_allclose(normal[view].reshape(-1, 3)[facing], point[facing], atol=5e-3)
        assert (normal[view].reshape(-1, 3)[~found] == 0).all()


def test_depth_and_normals_of_a_box_are_exact() -> None:
    cameras = orbit(np.float32([[0, -0.6, 0.8]]), 33)
    depth, normal = truth(thing(trimesh.creation.box((1, 1, 1))), cameras)
    assert depth[0, 16, 16] == pytest.approx(4 - 0.5 / 0.8, abs=1e-5)  # the middle ray meets the top, z = 0.5
    np.testing.assert_allclose(normal[0, 16, 16], [0, 0, 1], atol=1e-6)
    seen = np.unique(np.round(normal[0][depth[0] > 0], 4), axis=0)
    assert {tuple(n) for n in np.abs(seen).tolist()} == {(0, 0, 1), (0, 1, 0)}  # flat faces, creases kept


def test_alpha_of_a_sphere_is_right_to_a_sixteenth() -> None:
    cameras = orbit(spiral(1), 40)
    image = render_views(lit(thing(ball(0.9))), cameras, "ball").images[0].numpy()
    fine = (np.arange(40 * 24, dtype=np.float32) + np.float32(0.5)) / 24
    y, x = (grid.reshape(-1) for grid in np.meshgrid(fine, fine, indexing="ij"))
    origins, directions = world_rays(cameras, 0, x, y)
    inside = np.isfinite(sphere_distance(origins.astype(np.float64), directions.astype(np.float64), 0.9))
    exact = inside.reshape(40, 24, 40, 24).mean((1, 3))
    error = np.abs(image[..., 3] / 255 - exact)
    partial = (exact > 0) & (exact < 1)
    assert partial.sum() > 60
    assert error.max() <= 1 / 16 and error[partial].mean() < 1 / 50
    assert (image[..., :3][image[..., 3] == 0] == 0).all()
    assert (image[..., :3][image[..., 3] > 0].min(-1) > 0).all()  # straight alpha: no black fringe


def test_red_is_x_green_is_y_blue_is_z() -> None:
    def cone(turn: list[float], angle: float, color: tuple[float, float, float]) -> Surface:
        mesh = trimesh.creation.cone(0.25, 1.0)
        mesh.apply_transform(trimesh.transformations.rotation_matrix(angle, turn))
        return thing(mesh, color)

    quarter = np.pi / 2
    cones = [
        cone([0, 1, 0], quarter, (1, 0, 0)),
        cone([1, 0, 0], -quarter, (0, 1, 0)),
        cone([1, 0, 0], 0.0, (0, 0, 1)),
    ]
    subject = lit(joined(cones))
    views = render_views(subject, orbit(np.float32([[0, -1, 0], [1, 0, 0], [0, -0.06, 0.998]]), 64), "axes")

    def middle(view: int, channel: int) -> list[float]:
        """Mean position of a colour as (right, up), -1..1."""
        image = views.images[view].float()
        others = image[..., :3].sum(-1) - image[..., channel]
        y, x = (
            torch.nonzero((image[..., 3] > 250) & (image[..., channel] > 1.5 * others + 20)).double().mean(0)
        )
        return [float(x) / 32 - 1, 1 - float(y) / 32]

    for view, right, up in ((0, 0, 2), (1, 1, 2), (2, 0, 1)):  # from -y, from +x, from above
        x, y = middle(view, right)
        assert 0.1 < x < 0.35 and abs(y) < 0.08
        x, y = middle(view, up)
        assert abs(x) < 0.08 and 0.1 < y < 0.35


def test_the_key_light_casts_the_shadow_of_a_ball_where_geometry_says() -> None:
    height, radius = 0.9, 0.5
    ground = refined(thing(plane(1.5)), 0.05, 100_000)
    above = thing(ball(radius).apply_translation([0, 0, height]))
    both = joined([ground, above])
    baked = bake(both, Caster(both.vertices, both.faces), np.full_like(both.tint, 0.5))
    position, key = ground.vertices.astype(np.float64), baked.key[: len(ground.vertices)]
    middle, right, up = KEY.axes()
    toward = [middle + KEY.half[0] * a * right + KEY.half[1] * b * up for a in (-1, 1) for b in (-1, 1)]

    def miss(direction: np.ndarray) -> np.ndarray:
        """How far from the ball's middle the ray from each point of the ground passes."""
        direction = direction / np.linalg.norm(direction)
        gap = np.array([0, 0, height]) - position
        return np.linalg.norm(gap - (gap @ direction)[:, None] * direction, axis=-1)

    corners = np.stack([miss(direction) for direction in toward])
    umbra, lit_fully = (corners < radius - 0.02).all(0), miss(middle) > radius + 0.45
    assert umbra.sum() > 5 and (key[umbra] == 0).all()
    assert lit_fully.sum() > 100 and key[lit_fully].min() == pytest.approx(1)
    assert (
        baked.irradiance[: len(position)][umbra].max()
        < 0.5 * baked.irradiance[: len(position)][lit_fully].min()
    )


def test_a_pattern_finer_than_pixels_becomes_its_mean() -> None:
    checker = np.indices((256, 256)).sum(0) % 2
    fine = Material(np.repeat(checker[..., None], 3, -1).astype(np.float32), roughness=1.0)
    bare = refined(thing(plane(1.0)), 0.1, 10_000)
    image = render_views(
        lit(joined([Surface(**{**vars(bare), "materials": (fine,)})])), orbit(spiral(1), 64), "p"
    )
    solid = image.images[0][image.images[0][..., 3] == 255][:, 1].double()
    assert solid.std() < 0.1 * solid.mean()


def test_lookups_are_bilinear_and_v_points_up() -> None:
    texture = np.random.default_rng(0).random((4, 6, 3)).astype(np.float32)
    centre = np.float32([[(2 + 0.5) / 6], [1 - (1 + 0.5) / 4]])[..., None]
    np.testing.assert_allclose(lookup(texture, centre)[0], texture[1, 2], atol=1e-6)
    between = np.float32([[3 / 6], [1 - 2 / 4]])[..., None]
    np.testing.assert_allclose(lookup(texture, between)[0], texture[1:3, 2:4].mean((0, 1)), atol=1e-6)
    both = np.concatenate([centre, between + 5], 2)  # repeats, and averages over samples
    mean = (texture[1, 2] + texture[1:3, 2:4].mean((0, 1))) / 2
    np.testing.assert_allclose(lookup(texture, both)[0], mean, atol=1e-5)


def test_points_that_measure_alpha_are_fair_to_every_edge() -> None:
    fine = (np.arange(100) + 0.5) / 100 - 0.5
    square = np.stack(np.meshgrid(fine, fine), -1).reshape(-1, 2)
    for angle in np.linspace(0, np.pi, 37):
        across = np.array([np.cos(angle), np.sin(angle)])
        area, counted = np.sort(square @ across), np.sort(COVERAGE @ across)
        for edge in np.linspace(-0.7, 0.7, 57):
            share = np.searchsorted(area, edge) / len(area)
            assert abs(share - np.searchsorted(counted, edge) / len(counted)) < 1 / 16
    for axis in range(2):
        assert np.allclose(np.sort(lattice(5)[:, axis]), [-0.4, -0.2, 0, 0.2, 0.4], atol=1e-6)


def test_srgb_there_and_back() -> None:
    encoded = np.linspace(0, 1, 256)
    np.testing.assert_allclose(srgb_from_linear(linear_from_srgb(encoded)), encoded, atol=1e-6)
    assert linear_from_srgb(np.array([0.5]))[0] == pytest.approx(0.2140, abs=1e-4)
