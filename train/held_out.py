"""A data set's held-out views as a trained field sees them, and the figures of how close it comes."""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from ..scenes import Scene, Views
from ..scenes.camera_groups import all_poses
from ..scenes.multiscale import at_scales
from ..scenes.views import cameras_of
from ..scenes.world_frames import moved, moved_poses
from .evaluate import Judged, judge, mean_figure
from .exposure import remarks
from .field_file import TrainedField
from .held_out_pose import psnr_posed
from .perceptual import Lpips
from .pose_refinement import REFINED

SAME_FRAME = 1e-3  # of the box's side (or of a unit axis): how far apart poses in one frame may be
FIGURES = ("psnr", "psnr_posed", "psnr_fitted", "ssim", "lpips")
Figures = dict[str, Any]


def held_out_views(trained: TrainedField, scene: Scene, scales: int) -> tuple[tuple[Views, ...], list[str]]:
    """The scene's held-out views at all scales, in the field's frame; and what to say of their figures: which exposure
    they are of, and warnings where the two are not of one data set."""
    views = at_scales(scene.test, scales)
    field_from_scene = trained.scene_from_input.double().cpu() @ scene.scene_from_input.double().inverse()
    tolerance = SAME_FRAME * max(1.0, trained.field.domain.side)
    seen = moved_poses(all_poses(cameras_of(scene.train)).cpu(), field_from_scene)
    known = all_poses(trained.given_cameras)
    warnings = remarks(trained.provenance)
    if seen.shape != known.shape or (trained.knows_given and (seen - known).abs().max() > tolerance):
        warnings.append(f"Warning: the field was trained on other cameras than those of {scene.name}.")
    if (field_from_scene - torch.eye(4)).abs().max() <= tolerance:
        return views, warnings
    warnings.append(
        f"Warning: {scene.name} lies in another frame than the field. Its views are moved to the field's, "
        "which is right only if the poses of both were in the same coordinates."
    )
    return tuple(
        dataclasses.replace(each, cameras=moved(each.cameras, field_from_scene)) for each in views
    ), warnings


def judged_at_scales(
    trained: TrainedField, groups: Sequence[Views], stride: int
) -> Iterator[tuple[Judged, float | None]]:
    """All views of one scale after the other, and of each `psnr_posed`; None where the field's own cameras were
    believed."""
    background = torch.tensor(trained.background, device=groups[0].images.device)
    refined, shown = trained.provenance.get("poses") == REFINED, (trained.field, trained.sampler)
    places = ((views, view) for views in groups for view in range(len(views)))
    for judged, (views, view) in zip(judge(*shown, groups, background, stride), places, strict=True):
        yield judged, psnr_posed(*shown, views, view, background, stride) if refined else None


def figures_of(view: Judged, posed: float | None, lpips: Lpips | None, photographs: bool) -> Figures:
    """Of one view, ready for JSON; of photographs also what is left when their exposure does not count, and where poses
    were refined what is when the error of its own does not."""
    figures = {"name": view.name, "psnr": _finite(view.psnr)}
    if posed is not None:
        figures["psnr_posed"] = _finite(posed)
    if photographs:
        figures["psnr_fitted"] = _finite(view.psnr_fitted)
    figures["ssim"] = _finite(view.ssim)
    if lpips is not None:
        figures["lpips"] = _finite(lpips.distance(view.image, view.truth, view.counted))
    return figures


def means(images: Sequence[Figures], lpips: Lpips | None, scales: int = 1) -> Figures:
    """Over all views, and the net that LPIPS was measured with; and where there are several scales, over those of each,
    which come one after the other, with as many views."""
    there = [name for name in FIGURES if name in images[0]]
    found: Figures = {name: _mean(images, name) for name in there}
    if lpips is not None:
        found["lpips_net"] = lpips.net
    if scales > 1:
        each = len(images) // scales
        parts = [images[level * each : (level + 1) * each] for level in range(scales)]
        found["scales"] = [
            {"scale": 0.5**level} | {name: _mean(part, name) for name in there}
            for level, part in enumerate(parts)
        ]
    return found


def _mean(images: Sequence[Figures], figure: str) -> float | None:
    """Over the images that have the figure; none where no image has."""
    return _finite(mean_figure(image[figure] for image in images if image[figure] is not None))


def _finite(figure: float) -> float | None:
    """JSON has no NaN."""
    return figure if math.isfinite(figure) else None
