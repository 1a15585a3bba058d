"""Pictures are rendered some rows at a time: no more rays at once, and the same pictures."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from omnifield.export import film
from omnifield.renderers import VolumeRenderer
from omnifield.scenes import Cameras
from omnifield.train.field_file import TrainedField
from torch import Tensor

from ..scripts.conftest import DOMAIN, BallConfig


@pytest.mark.parametrize("show", ["color", "opacity", "depth"])
def test_bands_make_the_picture_that_one_rendering_makes(
    trained: Callable[..., TrainedField],
    ring: Callable[[Tensor, float], Cameras],
    monkeypatch: pytest.MonkeyPatch,
    show: film.Shown,
) -> None:
    field = replace(trained(DOMAIN, ring(torch.zeros(3), 3.0)), field=BallConfig().build(DOMAIN))
    [cameras] = field.cameras
    whole = list(film.pictures_of(field, cameras, [0, 5], show))
    rays, render = list[int](), VolumeRenderer.render_image

    def watched(renderer: VolumeRenderer, *given):
        rays.append(len(given[1]))
        return render(renderer, *given)

    monkeypatch.setattr(VolumeRenderer, "render_image", watched)
    monkeypatch.setattr(film, "BAND", 7)  # of 30 rows
    banded = list(film.pictures_of(field, cameras, [0, 5], show))
    assert rays == [7 * 40, 7 * 40, 7 * 40, 7 * 40, 2 * 40] * 2
    assert all(torch.equal(one, other) for one, other in zip(whole, banded, strict=True))
    assert whole[0].shape == (30, 40, 3) and len(whole[0].unique()) > 1
