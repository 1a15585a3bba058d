"""The CPU cell of `camera_rays`: without gradients, which only a refined pose asks for, and gets from the reference."""

import torch

from .. import _cpu
from ..camera_rays import RaysOfCameras, camera_rays, check_camera_rays
from ..distortion import Lens


@camera_rays.kernel("cpu", torch.float32)
def _camera_rays(poses, sensors, view, x, y):
    cameras = (poses, *sensors[:4])
    if torch.is_grad_enabled() and any(each.requires_grad for each in (*cameras, x, y)):
        return camera_rays.reference(poses, sensors, view, x, y)
    check_camera_rays(poses, sensors, view, x, y)
    n = len(view)
    found = RaysOfCameras(torch.empty(n, 3), torch.empty(n, 3), torch.empty(n), torch.empty(n))
    given = [each.detach().contiguous() for each in (*cameras, view, x, y)]
    _cpu.camera_rays_forward(*given, sensors.lens is Lens.FISHEYE, *found)
    return found
