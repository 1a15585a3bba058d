"""The points of packed samples against a loop; float64 is the reference."""

import jaxtyping
import pytest
import torch
from omnifield.ops import ray_points

BOTH = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["reference", "kernel"])


@BOTH
@pytest.mark.parametrize(("rays", "samples"), [(1, 1), (5, 33), (7, 0), (0, 0), (3, 1000)])
def test_equals_a_loop_over_samples(generator, dtype, rays, samples):
    packed = torch.randn(rays, 8, generator=generator).to(dtype)
    t = torch.rand(samples, generator=generator).to(dtype) * 5
    ray = torch.randint(max(rays, 1), (samples,), generator=generator)
    position, direction, footprint, time = ray_points(packed, t, ray)
    assert position.shape == direction.shape == (samples, 3) and footprint.shape == time.shape == (samples,)
    for i in range(samples):
        ox, oy, oz, dx, dy, dz, radius, moment = packed[ray[i]].tolist()
        s = t[i].item()
        expected = torch.tensor([ox + s * dx, oy + s * dy, oz + s * dz], dtype=torch.float64)
        torch.testing.assert_close(position[i].double(), expected, rtol=0, atol=3e-6)
        assert direction[i].tolist() == [dx, dy, dz]
        assert footprint[i].item() == pytest.approx(radius * s, rel=1e-6) and time[i].item() == moment


@BOTH
def test_rays_of_other_strides_and_samples_in_any_order(generator, dtype):
    packed = torch.randn(8, 6, generator=generator).to(dtype).T
    t, ray = torch.arange(6).to(dtype), torch.tensor([5, 0, 0, 3, 1, 5])
    position, direction, footprint, time = ray_points(packed, t, ray)
    torch.testing.assert_close(position, packed[ray, :3] + t[:, None] * packed[ray, 3:6])
    torch.testing.assert_close(direction, packed[ray, 3:6])
    torch.testing.assert_close(footprint, packed[ray, 6] * t)
    torch.testing.assert_close(time, packed[ray, 7])


@BOTH
def test_rays_are_data_and_receive_no_gradient(generator, dtype):
    packed = torch.randn(2, 8, generator=generator).to(dtype).requires_grad_()
    for result in ray_points(packed, torch.ones(2, dtype=dtype), torch.tensor([0, 1])):
        assert not result.requires_grad


@BOTH
@pytest.mark.parametrize("stray", [-1, 2, 2**40])
def test_a_ray_that_does_not_exist_is_an_index_error(dtype, stray):
    with pytest.raises(IndexError):
        ray_points(torch.zeros(2, 8, dtype=dtype), torch.zeros(2, dtype=dtype), torch.tensor([0, stray]))


EIGHT, FOUR, INDEX = torch.zeros(2, 8), torch.zeros(4), torch.zeros(4, dtype=torch.int64)
REFUSED = {
    "ray_points: rays has shape": lambda: ray_points(EIGHT[:, 1:], FOUR, INDEX),
    "ray_points: t has shape": lambda: ray_points(EIGHT, FOUR[None], INDEX),
    "ray_points: ray has shape": lambda: ray_points(EIGHT, FOUR, INDEX[1:]),
    "ray_points: t is .*float64": lambda: ray_points(EIGHT, FOUR.double(), INDEX),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_refused_in_a_sentence(sentence):
    with pytest.raises(ValueError, match=sentence):
        REFUSED[sentence]()


def test_shapes_are_checked_while_testing():
    with pytest.raises(jaxtyping.TypeCheckError):
        ray_points(EIGHT.double(), FOUR.double(), INDEX[1:])
