"""A mesh that is fitted to pictures of what it should be."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from omnifield.export.atlas import Atlas, atlas_of
from omnifield.export.fit_to_pictures import _jacobian, fitted
from omnifield.export.own_pictures import own_pictures
from omnifield.export.seen_faces import Eye, can_see
from omnifield.export.stages import finished, stage
from omnifield.export.texels import taps
from omnifield.export.texture_bake import Texture
from omnifield.export.triangles import Triangles
from omnifield.scenes import Cameras
from omnifield.scenes.crop import crop_of
from omnifield.studio.raycast import Caster
from omnifield.studio.shade import lookup
from omnifield.train.field_file import TrainedField
from torch import Tensor
from trimesh.creation import icosphere

from ..scripts.conftest import COLOR, DOMAIN, RADIUS, BallConfig

needs_embree = pytest.mark.skipif(not can_see(), reason="Embree is not installed here")
CELL = 0.05


@pytest.fixture
def ball(trained: Callable[..., TrainedField], ring: Callable[[Tensor, float], Cameras]) -> TrainedField:
    wide = ring(torch.zeros(3), 3.0).resized(160, 120)
    return replace(trained(DOMAIN, wide), field=BallConfig().build(DOMAIN))


def sphere(radius: float) -> Triangles:
    made = icosphere(3, radius)
    return Triangles(np.array(made.vertices), np.array(made.faces, np.int64))


def painted(mesh: Triangles, color: int) -> Texture:
    atlas: Atlas = finished(stage(atlas_of(mesh, 256), "", 0.0, 1.0), lambda at: None)
    return Texture(atlas, np.full((atlas.height, atlas.width, 3), color, np.uint8))


@needs_embree
@pytest.mark.parametrize("wrong", [-0.03, 0.03], ids=["too small", "too large"])
def test_a_ball_gets_its_size_and_its_colour(ball: TrainedField, wrong: float) -> None:
    mesh = sphere(RADIUS + wrong)
    looking = stage(own_pictures(ball, crop_of(DOMAIN, ()), CELL / 2, 0.0), "", 0.0, 1.0)
    pictures = finished(looking, lambda at: None)
    work = fitted(mesh, painted(mesh, 128), pictures, ball.background, CELL)
    found, texture = finished(stage(work, "", 0.0, 1.0), lambda at: None)
    eye, seen = Eye(found), []
    for picture in pictures:
        faces = eye.see(picture)
        share = taps(texture.atlas, faces.face, faces.weights)
        seen.append(share @ texture.picture.reshape(-1, 3).astype(np.float32))
    bytes_of = np.array([round(255 * channel) for channel in COLOR])
    assert np.abs(np.concatenate(seen) - bytes_of).mean() < 4
    before, after = (np.abs(_outline(each, pictures) - RADIUS) for each in (mesh, found))
    assert after.mean() < before.mean() / 2


def _outline(mesh: Triangles, pictures) -> np.ndarray:
    """How far from the middle the rays pass that just meet it."""
    eye, far = Eye(mesh), []
    for picture in pictures:
        seen = np.isin(picture.looked, eye.see(picture).pixel)
        passing = np.linalg.norm(np.cross(picture.origins, picture.directions), axis=1)
        far.append(passing[seen].max())
    return np.array(far)


def test_a_place_moves_in_the_picture_as_the_jacobian_says(ring: Callable[[Tensor, float], Cameras]) -> None:
    view = ring(torch.zeros(3), 3.0)[2:3]
    place = torch.rand(5, 3, generator=torch.Generator().manual_seed(0)).double() - 0.5
    view = replace(
        view,
        world_from_camera=view.world_from_camera.double(),
        focal=view.focal.double(),
        principal=view.principal.double(),
        distortion=view.distortion.double(),
    )
    truth = torch.autograd.functional.jacobian(lambda x: view.project(0, x)[0].sum(0), place).movedim(1, 0)
    np.testing.assert_allclose(_jacobian(view, place.numpy()), truth.numpy(), rtol=1e-6)


@needs_embree
def test_faces_and_weights_are_those_of_the_caster_of_the_studio(ball: TrainedField) -> None:
    mesh = sphere(RADIUS)
    looking = stage(own_pictures(ball, crop_of(DOMAIN, ()), CELL, 0.0), "", 0.0, 1.0)
    picture = finished(looking, lambda at: None)[0]
    seen = Eye(mesh).see(picture)
    caster = Caster(mesh.vertices.astype(np.float32), mesh.faces.astype(np.int32))
    hits = caster.first(picture.origins, picture.directions)
    hit = np.flatnonzero(hits.face >= 0)
    np.testing.assert_array_equal(seen.pixel, picture.looked[hit])
    same = seen.face == hits.face[hit]
    assert same.mean() > 0.99
    np.testing.assert_allclose(seen.weights[same], hits.weights[hit][same], atol=1e-3)


def test_taps_are_what_a_lookup_mixes() -> None:
    mesh = Triangles(np.eye(3), np.array([[0, 1, 2]]))
    uv = np.array([[0.1, 0.2], [0.9, 0.3], [0.4, 0.8]])
    atlas = Atlas(np.arange(3), mesh.faces, uv, 16, 12)
    rng = np.random.default_rng(0)
    weights, picture = rng.dirichlet(np.ones(3), 50), rng.random((12, 16, 3)).astype(np.float32)
    at = np.ascontiguousarray((weights @ uv).T.astype(np.float32))[..., None]
    shares = taps(atlas, np.zeros(50, np.int64), weights)
    np.testing.assert_allclose(shares @ picture.reshape(-1, 3), lookup(picture, at), atol=1e-5)
