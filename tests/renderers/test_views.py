"""Several views in one go."""

import torch
from omnifield.renderers import UniformConfig, VolumeRenderer
from omnifield.scenes import PixelRays, Rays, pinhole

from .analytic import CUBE, Ball


class Asked(PixelRays):
    """Notes how many rays are made at once."""

    def __getitem__(self, rows: slice, /) -> Rays:
        part = super().__getitem__(rows)
        sizes.append(len(part))
        return part


sizes: list[int] = []


def test_no_more_rays_of_a_picture_are_made_at_once_than_are_marched() -> None:
    cameras = pinhole(torch.eye(4)[None, :3], (1024, 512), 0.9, 0.1)
    sizes.clear()
    seen = VolumeRenderer(UniformConfig(16).build(CUBE)).render_image(
        Ball(CUBE, 9.0), Asked(cameras, [0]), torch.ones(3)
    )
    assert sum(sizes) == len(seen.color) == 1024 * 512
    assert len(sizes) > 3 and max(sizes) <= 1 << 17


def test_views_that_are_marched_together_are_those_that_are_marched_alone() -> None:
    poses = torch.eye(3, 4).repeat(2, 1, 1)
    poses[:, :, 3] = torch.tensor([[0.1, 0.0, 3.0], [-0.3, 0.2, 2.5]])
    cameras, background = pinhole(poses, (21, 14), 0.8, near=0.05), torch.tensor([0.2, 0.5, 0.9])
    field, renderer = Ball(CUBE, 15.0), VolumeRenderer(UniformConfig(64).build(CUBE))
    together = renderer.render_views(field, cameras, background, 2)
    for view, seen in enumerate(together):
        alone = renderer.render_image(field, cameras.pixel_rays(view, 2), background)
        assert (seen.opacity > 0.5).any() and len(seen.color) == 11 * 7
        for one, other in zip(vars(seen).values(), vars(alone).values(), strict=True):
            torch.testing.assert_close(one, other)
    assert not torch.equal(together[0].color, together[1].color)
