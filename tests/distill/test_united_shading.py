"""United fields look as each of them does alone, whether it shades samples or pixels."""

import torch
from omnifield.distill.edits import Cut, Union
from omnifield.fields import Field
from omnifield.renderers import Rendering, UniformConfig, VolumeRenderer
from omnifield.scenes import Box, Rays
from omnifield.scenes.rays import no_view

from .ball_scene import CUBE
from .test_edits import LEFT, RIGHT, stirred


def rays_along_y(generator: torch.Generator, count: int = 200) -> Rays:
    """Parallel to the wall between the halves: each meets one of them alone."""
    origins = torch.rand(count, 3, generator=generator) * 1.6 - 0.8
    origins[:, 1] = -3.0
    return Rays(
        origins=origins,
        directions=torch.tensor([[0.0, 1.0, 0.0]]).expand(count, 3).contiguous(),
        near=torch.zeros(count),
        far=torch.full((count,), torch.inf),
        footprint=torch.full((count,), 1e-3),
        time=torch.zeros(count),
        view=no_view(count, "cpu"),
    )


def seen(field: Field, rays: Rays) -> Rendering:
    return VolumeRenderer(UniformConfig(64).build(CUBE)).render_image(
        field, rays, torch.tensor([0.3, 0.6, 0.1])
    )


def deferred() -> Field:
    """A Mip-VoG field of density that varies along every ray, with colours that a mean of colours would miss."""
    field = stirred("mipvog", CUBE)
    with torch.no_grad():
        field.log_density.add_(6.0)
        field.appearance.mul_(8.0)
    return field


def test_a_united_deferred_field_shades_each_pixel_once(generator: torch.Generator) -> None:
    field, rays = deferred(), rays_along_y(generator)
    alone = seen(field, rays)
    nothing = Cut(stirred("mlp", CUBE), (), (Box((-2.0,) * 3, (2.0,) * 3),))
    front, back = Box((-1.0, -1.0, -1.0), (1.0, 0.01, 1.0)), Box((-1.0, 0.01, -1.0), (1.0, 1.0, 1.0))
    for parts in (
        [field, nothing],
        [nothing, field],
        [Cut(field, (), (LEFT,)), Cut(field, (), (RIGHT,))],
    ):
        together = seen(Union(parts), rays)
        torch.testing.assert_close(together.color, alone.color, atol=2e-5, rtol=0)
        torch.testing.assert_close(together.opacity, alone.opacity, atol=2e-5, rtol=0)
    assert alone.opacity.max() > 0.5
    # Two fields one behind the other are each shaded once, whatever their densities.
    behind = seen(Union([Cut(field, (), (front,)), Cut(field, (), (back,))]), rays)
    assert torch.allclose(behind.opacity, alone.opacity, atol=2e-5)


def test_deferred_fields_and_others_look_as_they_do_alone(generator: torch.Generator) -> None:
    parts = [Cut(deferred(), (), (LEFT,)), Cut(stirred("voxel", CUBE), (), (RIGHT,))]
    rays = rays_along_y(generator)
    together, alone = seen(Union(parts), rays), [seen(part, rays) for part in parts]
    left = rays.origins[:, 0] < (LEFT.hi[0] + RIGHT.lo[0]) / 2
    expected = torch.where(left[:, None], alone[1].color, alone[0].color)
    torch.testing.assert_close(together.color, expected, atol=2e-5, rtol=0)
    assert left.any() and (~left).any()
