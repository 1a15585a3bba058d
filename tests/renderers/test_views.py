"""Several views in one go."""

import torch
from omnifield.renderers import UniformConfig, VolumeRenderer
from omnifield.scenes import pinhole

from .analytic import CUBE, Ball


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
