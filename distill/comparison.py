"""How far a student agrees with its teacher: pictures from cameras that neither of them was compared at."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ..fields import Field
from ..renderers import Rendering, Sampler, VolumeRenderer
from ..scenes import Cameras
from ..scenes.camera_groups import camera_count, chosen
from ..train import TrainedField
from ..train.evaluate import picture, ssim

QUICK_RAYS, ALL_RAYS = (
    1 << 14,
    1 << 18,
)  # of all views together, at the finest whole stride that takes no more
MOST_VIEWS = 8
SEEN = 0.5  # opacity of both from which on depths are compared


@dataclass(frozen=True)
class Agreement:
    """Over all views: PSNR (dB) of the mean squared error, mean SSIM (NaN where not all pixels were compared), mean
    absolute difference of opacity, and the median difference of depth in steps of the march."""

    psnr: float
    ssim: float
    opacity: float
    depth: float


class TeacherComparison:
    """Renders the teacher once; `stride` is between the pixels that are compared."""

    def __init__(self, trained: TrainedField, cameras: Sequence[Cameras], rays: int) -> None:
        count, device = camera_count(cameras), cameras[0].focal.device
        some = torch.linspace(0, count - 1, min(MOST_VIEWS, count)).round().long()
        self.cameras = chosen(cameras, some.to(device))
        pixels = sum(len(each) * each.width * each.height for each in self.cameras)
        self.stride = max(1, math.ceil(math.sqrt(pixels / rays)))
        self.heights = [
            len(range(0, each.height, self.stride)) for each in self.cameras for _ in range(len(each))
        ]
        self.background = torch.tensor(trained.background, device=device)
        self.step_at = trained.sampler.step_at
        self.expected = self.seen(trained.field, trained.sampler)

    def seen(self, field: Field, sampler: Sampler) -> list[Rendering]:
        renderer = VolumeRenderer(sampler)
        return [
            rendering
            for cameras in self.cameras
            for rendering in renderer.render_views(field, cameras, self.background, self.stride)
        ]

    def psnr(self, field: Field, sampler: Sampler) -> float:
        return _psnr(self.expected, self.seen(field, sampler))

    def agreement(self, field: Field, sampler: Sampler) -> Agreement:
        seen = self.seen(field, sampler)
        pairs = list(zip(self.expected, seen, strict=True))
        depths = [self._depth_error(a, b) for a, b in pairs]
        alike = [self._ssim(a, b, height) for (a, b), height in zip(pairs, self.heights, strict=True)]
        depth = torch.cat(depths)
        return Agreement(
            psnr=_psnr(self.expected, seen),
            ssim=sum(alike) / len(alike),
            opacity=torch.cat([(a.opacity - b.opacity).abs() for a, b in pairs]).mean().item(),
            depth=depth.median().item() if len(depth) else math.nan,
        )

    def _depth_error(self, expected: Rendering, seen: Rendering) -> Float[Tensor, "n"]:
        """Where both see something, in steps that the march takes there."""
        both = (expected.opacity > SEEN) & (seen.opacity > SEEN)
        depth = expected.depth[both]
        return (depth - seen.depth[both]).abs() / self.step_at(depth)

    def _ssim(self, expected: Rendering, seen: Rendering, height: int) -> float:
        """Of whole pictures only: with pixels left out they are others."""
        truth = picture(expected, height)
        if self.stride > 1:
            return math.nan
        return ssim(picture(seen, height), truth, torch.ones_like(truth[..., 0], dtype=torch.bool))

    def pictures(self, field: Field, sampler: Sampler) -> list[tuple[Tensor, Tensor]]:
        """Of every view what the teacher and what the student shows."""
        seen = self.seen(field, sampler)
        return [
            (picture(a, height), picture(b, height))
            for a, b, height in zip(self.expected, seen, self.heights, strict=True)
        ]


def _psnr(expected: list[Rendering], seen: list[Rendering]) -> float:
    errors: Float[Tensor, "n"] = torch.cat(
        [
            (a.color.clamp(0, 1) - b.color.clamp(0, 1)).square().mean(-1)
            for a, b in zip(expected, seen, strict=True)
        ]
    )
    return -10 * math.log10(max(errors.mean().item(), 1e-10))
