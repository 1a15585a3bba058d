"""A camera path as a person makes it: keyframes, and the smooth way through them."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation, RotationSpline

from ..scenes import Cameras, pinhole


@dataclass(frozen=True)
class Key:
    """A camera on the way: camera-to-world with OpenGL's axes, vertical field of view in degrees, and the moment of a
    moving scene."""

    pose: Float[np.ndarray, "row=3 column=4"]
    fov: float
    time: float = 0.0


@dataclass(frozen=True)
class Route:
    """Keys at even intervals; a loop goes on from the last to the first."""

    keys: tuple[Key, ...] = ()
    seconds: float = 4.0
    loop: bool = False
    fps: float = 30.0
    size: tuple[int, int] = (800, 800)  # width and height of its pictures

    def frames(self) -> int:
        return max(1, round(self.seconds * self.fps))

    def keys_along(self, count: int) -> list[Key]:
        """So many keys, evenly spaced, from the first to the last; a loop stops one short of where it began."""
        legs = len(self.keys) if self.loop else len(self.keys) - 1
        if len(self.keys) < 2:
            return [*self.keys] * count
        at = np.arange(count) * (legs / count) if self.loop else np.linspace(0, legs, count)
        return self._at(at)

    def at(self, fraction: float) -> Key:
        """The key at a fraction of the way; there has to be one."""
        if len(self.keys) == 1:
            return self.keys[0]
        legs = len(self.keys) if self.loop else len(self.keys) - 1
        return self._at(np.array([fraction * legs]))[0]

    def cameras(self, near: float) -> Cameras:
        """One for each frame of its video."""
        keys = self.keys_along(self.frames())
        poses = torch.from_numpy(np.stack([key.pose for key in keys])).float()
        each = [
            pinhole(pose[None], self.size, math.radians(key.fov), near)
            for pose, key in zip(poses, keys, strict=True)
        ]
        focal = torch.cat([camera.focal for camera in each])
        camera = pinhole(poses, self.size, math.radians(keys[0].fov), near)
        return replace(
            camera, focal=focal, time=torch.tensor([key.time for key in keys], dtype=torch.float32)
        )

    def _at(self, at: Float[np.ndarray, "n"]) -> list[Key]:
        """Cubic splines: through positions and rotations, and through the logarithm of the focal length, whose equal
        steps look equal."""
        keys = self.keys
        if self.loop:  # a turn before and one after it, so that the seam is as smooth as the rest
            keys, at = keys * 3 + keys[:1], at + len(keys)
        legs = np.arange(len(keys))
        position = CubicSpline(legs, np.stack([key.pose[:, 3] for key in keys]), bc_type="natural")(at)
        turned = RotationSpline(legs, Rotation.from_matrix(np.stack([key.pose[:, :3] for key in keys])))
        rotation = turned(at).as_matrix()
        focal = [-math.log(math.tan(math.radians(key.fov) / 2)) for key in keys]
        fov = np.degrees(2 * np.arctan(np.exp(-CubicSpline(legs, focal, bc_type="natural")(at))))
        time = np.interp(at, legs, [key.time for key in keys])
        poses = np.concatenate([rotation, position[:, :, None]], 2)
        return [Key(*each) for each in zip(poses, fov.tolist(), time.tolist(), strict=True)]
