"""What every scene must satisfy, whatever loaded it."""

from pathlib import Path

import torch

from ..scenes.cameras import Cameras
from ..scenes.domain import Domain
from ..scenes.scene import Scene

RAYS_ACROSS = 9


def check_scene(scene: Scene, data: str | Path) -> None:
    """Raises ValueError where nothing could be learnt from the scene at `data`."""
    if not any(sees_box(views.cameras, scene.domain) for views in scene.train):
        box = (scene.domain.lo, scene.domain.hi)
        corners = " to ".join(str(tuple(round(x, 3) for x in corner)) for corner in box)
        raise ValueError(
            f"{data}: no training camera sees the box {corners}; transform_matrix must be camera-to-world, "
            f"with the camera's x to the right, y up, and looking along -z."
        )
    if not any(views.alpha(view).any() for views in scene.train for view in range(len(views))):
        raise ValueError(f"{data}: the training images are transparent everywhere (their alpha is 0).")
    if all(views.ignored.all() for views in scene.train):
        raise ValueError(f"{data}: the masks (mask_path) ignore every pixel of the training images.")


def sees_box(cameras: Cameras, domain: Domain) -> bool:
    """Whether any of a coarse grid of rays of any camera meets the box."""
    across = (torch.arange(RAYS_ACROSS) + 0.5) / RAYS_ACROSS
    y, x = torch.meshgrid(across * cameras.height, across * cameras.width, indexing="ij")
    view = torch.arange(len(cameras)).repeat_interleave(x.numel())
    rays = cameras.rays(view, x.reshape(-1).repeat(len(cameras)), y.reshape(-1).repeat(len(cameras)))
    lo, hi = domain.corners(rays.origins)
    # A direction component of exactly zero gives infinities of the right sign, or NaN on the face itself.
    to_lo, to_hi = (lo - rays.origins) / rays.directions, (hi - rays.origins) / rays.directions
    enter = torch.minimum(to_lo, to_hi).nan_to_num(-torch.inf, posinf=torch.inf, neginf=-torch.inf).amax(-1)
    leave = torch.maximum(to_lo, to_hi).nan_to_num(torch.inf, posinf=torch.inf, neginf=-torch.inf).amin(-1)
    return bool((torch.maximum(enter, rays.near) < leave).any())
