"""A field's own pictures, from its training cameras: what a mesh of it should look like."""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Int64
from scipy import ndimage

from ..ops import one_thread_of_torch
from ..renderers import VolumeRenderer
from ..scenes import Cameras, PixelRays
from ..scenes.camera_groups import camera, camera_count
from ..scenes.crop import Crop
from ..train.field_file import TrainedField
from .fusion import sized
from .ray_ends import at_time

MOST_PICTURES = 64  # evenly among the training cameras
BESIDE = 4  # pixels around what is to be seen that are looked at too
FAINT = 0.02  # opacity below which nothing is to be seen


@dataclass(frozen=True)
class Picture:
    """What one camera without distortion sees within the crop, before the field's background; sRGB. Rays are those of
    the pixels that show something, and around those: `looked` are their numbers, row by row."""

    camera: Cameras
    color: Float32[np.ndarray, "pixel rgb=3"]
    opacity: Float32[np.ndarray, "pixel"]
    looked: Int64[np.ndarray, "ray"]
    origins: Float32[np.ndarray, "ray xyz=3"]
    directions: Float32[np.ndarray, "ray xyz=3"]


def own_pictures(
    trained: TrainedField, crop: Crop, cell: float, time: float
) -> Generator[float, None, list[Picture]]:
    """What share of them is done, time and again, and in the end all of them; their pixels are about as large as a
    cell where they look."""
    count = camera_count(trained.cameras)
    numbers = np.unique(np.linspace(0, count - 1, min(count, MOST_PICTURES)).round().astype(int))
    when, found = time if trained.field.follows_time else None, []
    for done, number in enumerate(numbers, 1):
        view = sized(camera(trained.cameras, int(number)).to("cpu"), crop, cell)
        found.append(_picture(trained, crop, view, when))
        yield done / len(numbers)
    return found


@one_thread_of_torch()
@torch.no_grad()
def _picture(trained: TrainedField, crop: Crop, view: Cameras, time: float | None) -> Picture:
    background = torch.tensor(trained.background).to(trained.device)
    rays = at_time(crop.apply(PixelRays(view.to(trained.device), [0])[:]), time)
    seen = VolumeRenderer.to_look_at(trained.sampler).render_image(trained.field, rays, background)
    opacity = seen.opacity.cpu().numpy()
    near = ndimage.binary_dilation(opacity.reshape(view.height, view.width) > FAINT, iterations=BESIDE)
    looked = np.flatnonzero(near)
    origins, directions = (each.cpu().numpy()[looked] for each in (rays.origins, rays.directions))
    return Picture(view, seen.color.cpu().numpy(), opacity, looked, origins, directions)
