"""Where training has refined the poses, held-out photographs still have those that were estimated: their error would
count as the field's. One half of a picture says where its camera stands, the other one is what is judged."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from ..fields import Field
from ..ops import one_thread_of_torch
from ..renderers import Sampler, VolumeRenderer
from ..scenes import Cameras, Views
from .evaluate import FEWEST, psnr, true_image
from .pose_refinement import rotation_of

STEPS = 60
RAYS = 2048
RATE = 2e-3  # of the first step: of a rotation in radians, and of a shift in sides of the box; it falls to a tenth


def psnr_posed(
    field: Field, sampler: Sampler, views: Views, view: int, background: Float[Tensor, "rgb=3"], stride: int
) -> float:
    """PSNR of the right half of one view, its camera moved to where the left half fits best; NaN where either half has
    too few pixels."""
    middle = views.cameras.width // 2
    counted = ~views.ignored[view]
    if min(int(counted[:, :middle].sum()), int(counted[::stride, middle::stride].sum())) < FEWEST**2:
        return torch.nan
    cameras = posed_by_left_half(field, sampler, views, view, background)
    rows, columns = (
        torch.arange(first, last, stride) for first, last in ((0, cameras.height), (middle, cameras.width))
    )
    y, x = (each.flatten().to(background.device) for each in torch.meshgrid(rows, columns, indexing="ij"))
    rays = cameras.rays(torch.zeros_like(x), x + 0.5, y + 0.5)
    color = VolumeRenderer(sampler).render_image(field, rays, background).color
    image = color.clamp(0, 1).view(len(rows), len(columns), 3)
    truth = true_image(views, view, background)[::stride, middle::stride]
    return psnr(image, truth, counted[::stride, middle::stride])


@one_thread_of_torch()
def posed_by_left_half(
    field: Field, sampler: Sampler, views: Views, view: int, background: Float[Tensor, "rgb=3"]
) -> Cameras:
    """The camera of one view, alone, turned and shifted until random pixels of its left half are seen as they are
    (iNeRF, arXiv 2012.05877). The field stays as it is."""
    cameras, generator = views.cameras[view : view + 1], torch.Generator(background.device).manual_seed(0)
    pixels = (~views.ignored[view, :, : views.cameras.width // 2]).nonzero()
    truth = true_image(views, view, background)
    motion = torch.zeros(1, 6, device=background.device, requires_grad=True)
    optimizer = torch.optim.Adam([motion], RATE, betas=(0.9, 0.9))
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = RATE * 0.1 ** (step / STEPS)
        y, x = pixels[torch.randint(len(pixels), (RAYS,), generator=generator, device=pixels.device)].unbind(
            -1
        )
        rays = cameras.rays(torch.zeros_like(x), x + 0.5, y + 0.5)
        rotation, shift = _moved(motion, field)
        rays = replace(rays, origins=rays.origins + shift, directions=rays.directions @ rotation[0].T)
        with _still(field):
            seen = VolumeRenderer(sampler).render(field, rays, background.expand(RAYS, 3))
            error = (seen.color - truth[y, x]).square().mean()
            motion.grad = torch.autograd.grad(error, motion)[0]
        optimizer.step()
    rotation, shift = _moved(motion.detach(), field)
    axes, centre = cameras.world_from_camera.split([3, 1], -1)
    return replace(cameras, world_from_camera=torch.cat([rotation @ axes, centre + shift[:, :, None]], -1))


@contextmanager
def _still(field: Field) -> Iterator[None]:
    """Its parameters ask for no gradients, which would take most of the time."""
    asking = [parameter for parameter in field.parameters() if parameter.requires_grad]
    field.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in asking:
            parameter.requires_grad_(True)


def _moved(
    motion: Float[Tensor, "one=1 number=6"], field: Field
) -> tuple[Float[Tensor, "one=1 row=3 column=3"], Float[Tensor, "one=1 xyz=3"]]:
    omega, shift = motion.split(3, -1)
    return rotation_of(omega), shift * field.domain.side
