"""Batches of pixels, and the figures by which pictures are judged."""

import dataclasses
import math

import pytest
import torch
from omnifield.fields import Field, ParameterGroup, Points, Probe
from omnifield.renderers import UniformConfig
from omnifield.scenes import Views
from omnifield.train.evaluate import judge, masked_everywhere, mean_figure, psnr, ssim, true_image
from omnifield.train.pixels import random_pixels
from skimage.metrics import structural_similarity
from torch import Tensor

from .sphere_scene import BOX, MLP, around

WIDTH, HEIGHT, COUNT = 7, 5, 3


def numbered_views() -> Views:
    """Every pixel of every view says in its colours where it is."""
    view, y, x = torch.meshgrid(torch.arange(COUNT), torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    images = torch.stack([x, y, view, 40 * x + y], -1).byte()
    cameras = dataclasses.replace(around(COUNT, 12, 0.0), width=WIDTH, height=HEIGHT)
    cameras = dataclasses.replace(cameras, principal=torch.tensor([WIDTH / 2, HEIGHT / 2]).expand(COUNT, 2))
    ignored = (x + 2 * y + view) % 4 == 0
    return Views(cameras, images, ignored, tuple("abc"))


def test_colours_are_those_of_the_pixels_that_the_rays_go_through(generator: torch.Generator) -> None:
    views = numbered_views()
    batch = random_pixels((views,), 500, generator)
    pixels = (batch.color * 255).round().long()
    for index, (x, y, view) in enumerate(pixels.tolist()):
        assert torch.equal(batch.rays.origins[index], views.cameras.world_from_camera[view, :, 3])
        target = batch.rays.origins[index] + 2 * batch.rays.directions[index]
        sensor, _ = views.cameras.project(view, target[None])
        assert sensor[0].tolist() == pytest.approx([x + 0.5, y + 0.5], abs=1e-4)
        assert batch.alpha[index].item() == pytest.approx((40 * x + y) / 255)
        assert batch.weight[index].item() == 1 and (x + 2 * y + view) % 4  # no masked ones


def test_where_all_is_masked_pixels_count_nothing(generator: torch.Generator) -> None:
    views = numbered_views()
    batch = random_pixels(
        (dataclasses.replace(views, ignored=torch.ones_like(views.ignored)),), 50, generator
    )
    assert len(batch.rays) == 50 and not batch.weight.any()


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("in_one_piece", [True, False])
def test_pixels_by_number_are_those_by_place(channels: int, in_one_piece: bool) -> None:
    images = numbered_views().images[..., :channels].contiguous()
    views = dataclasses.replace(
        numbered_views(), images=images if in_one_piece else images.mT.contiguous().mT
    )
    assert views.images.is_contiguous() == in_one_piece
    place = torch.tensor([0, 2, 1]), torch.tensor([3, 0, 4]), torch.tensor([1, 4, 0])
    number = (place[0] * HEIGHT + place[1]) * WIDTH + place[2]
    for by_number, by_place in zip(
        views.colors_and_alpha_of(number), views.colors_and_alpha(*place), strict=True
    ):
        assert torch.equal(by_number, by_place)


def test_a_ray_knows_the_view_it_is_of_at_every_scale(generator: torch.Generator) -> None:
    views = numbered_views()
    half = Views(views.cameras.reduced(2), views.images[:, :2, :3], views.ignored[:, :2, :3], views.names)
    for scales in ((views,), (views, half)):
        batch = random_pixels(scales, 300, generator)
        assert set(batch.rays.view.tolist()) == {0, 1, 2}
        centers = views.cameras.world_from_camera[batch.rays.view, :, 3]
        assert torch.equal(batch.rays.origins, centers)


def all_counted() -> Views:
    views = numbered_views()
    return dataclasses.replace(views, ignored=torch.zeros_like(views.ignored))


def test_every_pixel_of_every_view_is_as_likely(generator: torch.Generator) -> None:
    pixels = (random_pixels((all_counted(),), 105 * 200, generator).color * 255).round().long()
    x, y, view = pixels.unbind(-1)
    counts = ((view * HEIGHT + y) * WIDTH + x).bincount(minlength=105)
    assert len(counts) == 105
    assert ((counts - 200).square() / 200).sum() < 105 + 5 * math.sqrt(
        2 * 105
    )  # χ² with 104 degrees of freedom


def test_a_seed_decides_the_batch() -> None:
    batches = [
        random_pixels((numbered_views(),), 50, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    ]
    assert torch.equal(batches[0].color, batches[1].color)
    assert not torch.equal(batches[0].color, batches[2].color)


def test_rays_are_of_the_time_of_their_view(generator: torch.Generator) -> None:
    views = numbered_views()
    moments = torch.tensor([0.0, 0.4, 1.0])
    batch = random_pixels(
        (dataclasses.replace(views, cameras=dataclasses.replace(views.cameras, time=moments)),),
        200,
        generator,
    )
    view = (batch.color[:, 2] * 255).round().long()
    assert torch.equal(batch.rays.time, moments[view]) and len(view.unique()) == COUNT


ALL = torch.ones(12, 16, dtype=torch.bool)


def everywhere(height: int, width: int) -> Tensor:
    return torch.ones(height, width, dtype=torch.bool)


@pytest.mark.parametrize(("error", "decibels"), [(0.1, 20), (0.01, 40), (1.0, 0), (0.0, 100)])
def test_psnr_of_an_even_error(error: float, decibels: float) -> None:
    truth = torch.zeros(12, 16, 3)
    assert psnr(truth + error, truth, ALL) == pytest.approx(decibels, abs=1e-4)


def test_psnr_is_of_the_mean_over_pixels_and_channels() -> None:
    image, truth = torch.zeros(12, 16, 3), torch.zeros(12, 16, 3)
    image[3, 4, 1] = 0.5
    assert psnr(image, truth, ALL) == pytest.approx(-10 * math.log10(0.25 / (12 * 16 * 3)))


def test_psnr_passes_over_masked_pixels(generator: torch.Generator) -> None:
    truth = torch.rand(12, 16, 3, generator=generator)
    counted = torch.rand(12, 16, generator=generator) < 0.5
    image = torch.where(counted[..., None], truth + 0.1, 9.0)
    assert psnr(image, truth, counted) == pytest.approx(20, abs=1e-3)
    assert math.isnan(psnr(image, truth, torch.zeros_like(counted)))


@pytest.mark.parametrize(("a", "b"), [(0.2, 0.2), (0.2, 0.7), (0.0, 1.0)])
def test_ssim_of_even_images(a: float, b: float) -> None:
    """Without variance it is the comparison of the two brightnesses alone."""
    c1 = 0.01**2
    expected = (2 * a * b + c1) / (a * a + b * b + c1)
    assert ssim(torch.full((16, 20, 3), a), torch.full((16, 20, 3), b), everywhere(16, 20)) == pytest.approx(
        expected, abs=1e-5
    )


def test_ssim_of_noise_is_that_of_wang_et_al(generator: torch.Generator) -> None:
    """Equation 13 at every window of 11 pixels that lies within the image, by convolution."""
    a = torch.rand(25, 31, 3, generator=generator)
    b = (a + 0.2 * torch.randn(a.shape, generator=generator)).clamp(0, 1)
    profile = torch.exp(-(torch.arange(-5.0, 6).double() ** 2) / (2 * 1.5**2))
    window = (profile[:, None] * profile)[None, None] / profile.sum() ** 2

    def mean(x: Tensor) -> Tensor:
        return torch.nn.functional.conv2d(x.double().permute(2, 0, 1)[:, None], window)

    spread = [mean(x * y) - mean(x) * mean(y) for x, y in ((a, a), (b, b), (a, b))]
    c1, c2 = 0.01**2, 0.03**2
    brightness = (2 * mean(a) * mean(b) + c1) / (mean(a) ** 2 + mean(b) ** 2 + c1)
    structure = (2 * spread[2] + c2) / (spread[0] + spread[1] + c2)
    assert ssim(a, b, everywhere(25, 31)) == pytest.approx((brightness * structure).mean().item(), abs=1e-6)


def test_a_small_image_has_no_ssim() -> None:
    assert math.isnan(ssim(torch.zeros(10, 40, 3), torch.zeros(10, 40, 3), everywhere(10, 40)))
    assert ssim(torch.zeros(11, 11, 3), torch.zeros(11, 11, 3), everywhere(11, 11)) == pytest.approx(1)


def test_ssim_is_the_mean_over_the_windows_without_a_masked_pixel(generator: torch.Generator) -> None:
    """Against every window of 11 pixels by itself: a picture of that size has one, which is its SSIM."""
    a = torch.rand(19, 23, 3, generator=generator)
    b = (a + 0.2 * torch.randn(a.shape, generator=generator)).clamp(0, 1)
    counted = everywhere(19, 23)
    counted[3, 18] = counted[17, 2] = False
    b[~counted] = 9.0  # whatever stands there has no part in it
    single = [
        ssim(a[y : y + 11, x : x + 11], b[y : y + 11, x : x + 11], everywhere(11, 11))
        for y in range(9)
        for x in range(13)
        if counted[y : y + 11, x : x + 11].all()
    ]
    assert 0 < len(single) < 9 * 13
    assert ssim(a, b, counted) == pytest.approx(sum(single) / len(single), abs=1e-9)
    counted[9, 4:20:8] = False  # no window is free of these
    assert math.isnan(ssim(a, b, counted))


def test_an_unmasked_picture_has_scikit_images_own_figure(generator: torch.Generator) -> None:
    a, b = torch.rand(2, 40, 30, 3, generator=generator)
    usual = structural_similarity(
        a.double().numpy(),
        b.double().numpy(),
        data_range=1.0,
        channel_axis=2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert ssim(a, b, everywhere(40, 30)) == pytest.approx(usual, abs=1e-12)


def test_a_mean_is_over_the_figures_that_there_are() -> None:
    assert mean_figure([1.0, math.nan, 4.0]) == 2.5
    assert math.isnan(mean_figure([math.nan])) and math.isnan(mean_figure([]))


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_views_are_judged_against_what_was_there(stride: int) -> None:
    """By a field in which there is nothing, so that every picture is the background."""
    views, background = numbered_views(), torch.tensor([0.1, 0.5, 0.9])
    field = MLP.build(BOX)
    with torch.no_grad():
        field.head.bias.fill_(-40.0)
        field.head.weight.zero_()
    judged = list(judge(field, UniformConfig(16).build(BOX), [views], background, stride))
    assert [view.name for view in judged] == ["a", "b", "c"]
    for index, view in enumerate(judged):
        rows, columns = -(-HEIGHT // stride), -(-WIDTH // stride)
        assert view.image.shape == view.truth.shape == (rows, columns, 3)
        assert torch.allclose(view.image, background.expand(rows, columns, 3), atol=1e-6)
        error = []
        for y in range(0, HEIGHT, stride):
            for x in range(0, WIDTH, stride):
                alpha = (40 * x + y) % 256 / 255
                for c, channel in enumerate((x, y, index)):
                    expected = channel / 255 * alpha + background[c].item() * (1 - alpha)
                    assert view.truth[y // stride, x // stride, c].item() == pytest.approx(expected, abs=1e-6)
                    if (x + 2 * y + index) % 4:
                        error.append((expected - background[c].item()) ** 2)
        assert view.psnr == pytest.approx(-10 * math.log10(sum(error) / len(error)), abs=1e-3)
        assert math.isnan(view.ssim)


def test_views_are_judged_at_their_own_time() -> None:
    """By a field that is opaque everywhere and as bright as it is late."""

    class Clock(Field):
        def parameter_groups(self) -> list[ParameterGroup]:
            return []

        def probe(self, points: Points) -> Probe:
            return Probe(torch.full_like(points.time, 1e4), points.time[:, None])

        def features(self, points: Points, probe: Probe) -> Tensor:
            return probe.carry

        def color(self, features: Tensor, points: Points) -> Tensor:
            return features.expand(len(points), 3)

    views, moments = numbered_views(), torch.tensor([0.0, 0.4, 1.0])
    views = dataclasses.replace(views, cameras=dataclasses.replace(views.cameras, time=moments))
    judged = judge(Clock(BOX, 1), UniformConfig(16).build(BOX), [views], torch.full((3,), 0.5))
    assert [view.image[2, 3, 0].item() for view in judged] == pytest.approx([0, 0.4, 1.0], abs=1e-4)


def test_views_that_are_masked_everywhere_are_named() -> None:
    views = numbered_views()
    assert masked_everywhere([views]) == []
    views.ignored[1] = True
    assert masked_everywhere([views]) == ["b"]


def test_the_truth_is_over_the_background_in_srgb() -> None:
    views = numbered_views()
    views.images[1, 2, 3] = torch.tensor([255, 0, 51, 102], dtype=torch.uint8)
    truth = true_image(views, 1, torch.tensor([0.0, 1.0, 0.5]))
    assert truth[2, 3].tolist() == pytest.approx([0.4, 0.6, 0.2 * 0.4 + 0.5 * 0.6])
