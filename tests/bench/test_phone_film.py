"""The film of the built-in scene: a walk around it that trembles, and is blurred by as much as the shutter is open."""

from dataclasses import replace

import torch
from omnifield.bench.phone_film import DISTANCE, Phone, filmed, middles, poses
from omnifield.studio.demo_objects import still_life
from omnifield.studio.shade import lit

SMALL = Phone(width=192, height=108, seconds=0.4, fps=5, moments=5)


def test_the_phone_walks_around_and_looks_at_the_middle() -> None:
    phone = Phone()
    seen = poses(phone, middles(phone))
    assert len(seen) == phone.frames == 300
    axes, place = seen[:, :, :3], seen[:, :, 3]
    torch.testing.assert_close(axes.transpose(1, 2) @ axes, torch.eye(3).expand(300, 3, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(place.norm(dim=1), torch.full((300,), DISTANCE))
    aside = torch.linalg.cross(axes[:, :, 2], place).norm(dim=1) / DISTANCE
    assert 0.001 < aside.max() < 0.02  # radians: it trembles
    assert place[:, :2].min() < -2 and place[:, :2].max() > 2


def test_a_longer_shutter_blurs_and_the_film_is_the_same_each_time() -> None:
    subject = lit(still_life())
    sharp, again, blurred = (
        list(filmed(subject, replace(SMALL, shutter=shutter))) for shutter in (0.0, 0.0, 0.2)
    )
    assert len(sharp) == 2 and sharp[0].shape == (108, 192, 3)
    assert all(torch.equal(one, other) for one, other in zip(sharp, again, strict=True))
    edges = [frame[0].float().diff(dim=1).abs().mean() for frame in (sharp, blurred)]
    assert edges[1] < 0.9 * edges[0]
    assert (sharp[0][0] == 255).all() and sharp[0].float().std() > 20
