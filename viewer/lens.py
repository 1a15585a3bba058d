"""From the browser's camera to ours and back. viser's cameras are OpenCV's: x right, y down, looking along +z."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
import viser
from jaxtyping import Float
from scipy.spatial.transform import Rotation
from torch import Tensor

from ..scenes import Cameras, pinhole

FLIP = np.diag([1.0, -1.0, -1.0])
Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]
SMALLEST_SIDE = 16
HARDLY = 1e-4  # of the distance, or of a radian: about a tenth of a pixel


@dataclass(frozen=True)
class View:
    """Where somebody looks from, as their browser says it: position, w-x-y-z, vertical field of view in radians, and
    the canvas's pixels."""

    position: Vector
    wxyz: Quaternion
    fov: float
    width: int
    height: int

    def size(self, longest_side: int) -> tuple[int, int]:
        """Width and height of the picture that fills the canvas, with at most so many pixels along its longer side."""
        scale = min(1.0, longest_side / max(self.width, self.height, 1))
        return max(SMALLEST_SIDE, round(self.width * scale)), max(SMALLEST_SIDE, round(self.height * scale))

    @property
    def axis(self) -> Vector:
        """The unit vector along which it looks."""
        x, y, z = Rotation.from_quat(self.wxyz, scalar_first=True).as_matrix()[:, 2].tolist()
        return x, y, z

    def is_still(self, other: "View") -> bool:
        """Whether nothing has moved that anybody could see: a browser's camera swings out for seconds."""
        if (self.fov, self.width, self.height) != (other.fov, other.width, other.height):
            return False
        far = max(1e-6, *map(abs, self.position))
        return np.allclose(self.position, other.position, rtol=0, atol=HARDLY * far) and np.allclose(
            self.wxyz, other.wxyz, rtol=0, atol=HARDLY
        )

    def camera(self, size: tuple[int, int], like: Cameras, time: float) -> Cameras:
        """One camera of this view, seeing nothing nearer than those of `like` do."""
        pose = torch.from_numpy(pose_from_opencv(self.position, self.wxyz)).float()[None]
        camera = pinhole(pose, size, self.fov, like.near)
        return replace(camera, time=torch.full((1,), time)).to(like.focal.device)


def view_of(camera: viser.CameraHandle) -> View:
    px, py, pz = camera.position.tolist()
    w, x, y, z = camera.wxyz.tolist()
    return View((px, py, pz), (w, x, y, z), camera.fov, camera.image_width, camera.image_height)


def pose_from_opencv(position: Vector, wxyz: Quaternion) -> np.ndarray:
    """A camera-to-world matrix (3, 4) with OpenGL's axes."""
    rotation = Rotation.from_quat(wxyz, scalar_first=True).as_matrix() @ FLIP
    return np.concatenate([rotation, np.asarray(position, float)[:, None]], 1)


def opencv_from_pose(pose: np.ndarray) -> tuple[Vector, Quaternion]:
    """Position and w-x-y-z of a camera-to-world matrix with OpenGL's axes."""
    w, x, y, z = Rotation.from_matrix(pose[:3, :3] @ FLIP).as_quat(scalar_first=True).tolist()
    px, py, pz = np.asarray(pose[:3, 3], float).tolist()
    return (px, py, pz), (w, x, y, z)


def fov_of(cameras: Cameras, view: int = 0) -> float:
    """Vertical field of view in radians."""
    return 2 * math.atan(cameras.height / 2 / cameras.focal[view, 1].item())


def pose_of(cameras: Cameras, view: int) -> Float[np.ndarray, "row=3 column=4"]:
    return cameras.world_from_camera[view].double().cpu().numpy()


def rays_of(camera: Cameras, pixels: Tensor):
    """The rays through some pixels of a one-camera bundle, numbered row by row."""
    x, y = pixels % camera.width + 0.5, pixels // camera.width + 0.5
    return camera.rays(torch.zeros_like(pixels), x.float(), y.float())
