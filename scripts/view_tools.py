"""What the viewer can do beyond looking, made of the other rooms."""

import json
import math
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from ..datasets.camera_path import from_nerfstudio
from ..datasets.document import Document, read_document
from ..datasets.path_frame import scene_from_path
from ..datasets.pose import RIGID_TOLERANCE
from ..export.camera_path_file import to_nerfstudio
from ..export.video import write_video
from ..scenes.world_frames import SAME, WorldFrames, moved_poses
from ..train.files import write_json
from ..viewer.route import Key, Route
from ..viewer.server import Tools

FAR_TOO_NEAR = 1e-3  # world units; a path that is only read and written has no scene to take it from


def tools_for(folder: Path, frames: WorldFrames) -> Tools:
    """`frames` are those of the field that paths are saved beside; a route itself is in the scene's."""
    write, read = partial(write_route, frames=frames), partial(read_route, frames=frames)
    return Tools(folder / "viewer", write_video, write, read)


def write_route(file: Path, route: Route, frames: WorldFrames = SAME) -> None:
    """nerfstudio's JSON: every frame, and the keyframes that they came from. Raises ValueError where it cannot be
    written."""
    to_nerfstudio(file, route.cameras(FAR_TOO_NEAR), route.fps, frames)
    poses = torch.from_numpy(np.stack([key.pose for key in route.keys]))
    poses = moved_poses(poses, frames.input_from_scene)
    content = json.loads(file.read_text())
    width, height = route.size
    content["keyframes"] = [
        {
            "matrix": [*pose.flatten().tolist(), 0.0, 0.0, 0.0, 1.0],
            "fov": key.fov,
            "aspect": width / height,
            "override_transition_enabled": False,
            "override_transition_sec": None,
            "render_time": key.time,
        }
        for key, pose in zip(route.keys, poses, strict=True)
    ]
    legs = max(1, len(route.keys) if route.loop else len(route.keys) - 1)
    content |= {"is_cycle": route.loop, "seconds": route.seconds, "default_fov": route.keys[0].fov}
    content |= {"default_transition_sec": route.seconds / legs}
    write_json(file, content)


def read_route(file: Path, frames: WorldFrames = SAME) -> Route:
    """Its keyframes, or where it has none every frame as one. Raises ValueError that says what is wrong."""
    path = from_nerfstudio(file, near=FAR_TOO_NEAR, frames=frames)
    document = read_document(file)
    cameras = path.cameras
    keys = [_key(frame) for frame in document.objects("keyframes")] if "keyframes" in document else []
    if keys:
        poses = torch.from_numpy(np.stack([key.pose for key in keys]))
        poses = moved_poses(poses, scene_from_path(document, frames, "input")[0])
        keys = [replace(key, pose=pose.numpy()) for key, pose in zip(keys, poses, strict=True)]
    else:
        fovs = np.degrees(2 * np.arctan(cameras.height / 2 / cameras.focal[:, 1].numpy()))
        poses = cameras.world_from_camera.double().numpy()
        keys = [Key(*each) for each in zip(poses, fovs.tolist(), cameras.time.tolist(), strict=True)]
    return Route(
        keys=tuple(keys),
        seconds=len(cameras) / path.fps,
        loop=document.values.get("is_cycle") is True,
        fps=path.fps,
        size=(cameras.width, cameras.height),
    )


def _key(frame: Document) -> Key:
    values = frame.values.get("matrix")
    if not isinstance(values, list) or len(values) != 16:
        raise frame.error("matrix", "is not a list of 16 numbers")
    rows = Document({"matrix": [values[n : n + 4] for n in (0, 4, 8, 12)]}, frame.file, frame.place)
    fov = frame.positive("fov")
    if fov >= 180:
        raise frame.error("fov", f"is {fov:g}, but must be less than 180 degrees")
    pose = rows.matrix("matrix").double().numpy()[:3]
    rotation = pose[:, :3]
    skew = np.abs(rotation.T @ rotation - np.eye(3)).max()
    if skew > RIGID_TOLERANCE or np.linalg.det(rotation) < 0:
        raise frame.error("matrix", "is not a rigid pose: its axes must be of length 1 and at right angles")
    time = min(max(frame.number_or("render_time", 0.0), 0.0), 1.0)
    return Key(pose, fov, time if math.isfinite(time) else 0.0)
