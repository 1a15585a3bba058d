"""What a picture says about the pose it was taken from: gradients all the way to six numbers of a camera."""

from dataclasses import replace

import pytest
import torch
from omnifield.fields import Field
from omnifield.ops import references
from omnifield.renderers import UniformConfig, VolumeRenderer
from omnifield.scenes import Box, Cameras, Rays, pinhole
from torch import Tensor

from ..fields.contract import stirred

INSIDE = Box(
    (-4.0, -4.0, -4.0), (4.0, 4.0, 4.0)
)  # around the camera: its samples stay where they are along rays
RAYS = 40


def moved(cameras: Cameras, twist: Tensor) -> Cameras:
    """Turned and shifted by the exponential of (rotation, translation), in SE(3)."""
    x, y, z, *shift = twist.unbind()
    zero = torch.zeros_like(x)
    rows = [(zero, -z, y, shift[0]), (z, zero, -x, shift[1]), (-y, x, zero, shift[2]), (zero,) * 4]
    change = torch.linalg.matrix_exp(torch.stack([torch.stack(row) for row in rows]))
    last = torch.tensor([[0.0, 0.0, 0.0, 1.0]]).to(twist)
    pose = torch.cat([cameras.world_from_camera[0].to(twist), last])
    return replace(
        cameras,
        world_from_camera=(change @ pose)[None, :3],
        focal=cameras.focal.to(twist),
        principal=cameras.principal.to(twist),
        distortion=cameras.distortion.to(twist),
        time=cameras.time.to(twist),
    )


def colour(field: Field, twist: Tensor) -> Tensor:
    """A number in which the colours of rays through many pixels count."""
    camera = pinhole(torch.eye(3, 4)[None], (9, 7), 0.8, near=0.1)
    generator = torch.Generator().manual_seed(4)
    x, y = torch.rand(2, RAYS, generator=generator).to(twist) * torch.tensor([[9.0], [7.0]]).to(twist)
    rays = moved(camera, twist).rays(torch.zeros(RAYS, dtype=torch.int64), x, y)
    background = torch.rand(RAYS, 3, generator=generator).to(twist)
    seen = VolumeRenderer(UniformConfig(64).build(INSIDE)).render(field, rays, background)
    return (seen.color * torch.linspace(0.5, 1.5, RAYS).to(twist)[:, None]).sum()


@pytest.mark.parametrize("kind", ["hash", "voxel", "mipvog"])
def test_the_colour_has_a_gradient_with_respect_to_the_pose(kind: str) -> None:
    """In double precision by references that of finite differences, and in single precision by kernels the same."""
    field = stirred(kind, INSIDE)
    twist = torch.tensor([0.02, -0.03, 0.01, 0.1, -0.2, 0.05])
    leaf = twist.clone().requires_grad_()
    (by_kernels,) = torch.autograd.grad(colour(field, leaf), leaf)
    field, exact = field.double(), twist.double().requires_grad_()
    with references():
        (gradient,) = torch.autograd.grad(colour(field, exact), exact)
        with torch.no_grad():
            steps = 1e-8 * torch.eye(6, dtype=torch.float64)
            found = [(colour(field, exact + h) - colour(field, exact - h)).item() / 2e-8 for h in steps]
    assert gradient.abs().min() > 1e-3
    torch.testing.assert_close(torch.tensor(found, dtype=torch.float64), gradient, rtol=1e-3, atol=1e-4)
    largest = gradient.abs().max().item()
    torch.testing.assert_close(by_kernels.double(), gradient, rtol=0, atol=1e-2 * largest)


def test_cameras_do_not_know_whether_they_are_a_trainings() -> None:
    camera = pinhole(torch.eye(3, 4)[None], (9, 7), 0.8, near=0.1)
    some = camera.rays(torch.zeros(3, dtype=torch.int64), torch.ones(3), torch.ones(3))
    for rays in (some, camera.pixel_rays(0)):
        assert isinstance(rays, Rays) and (rays.view == -1).all()
