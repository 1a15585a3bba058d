"""In which frame the poses of a camera path are, and the way from there into a field's own."""

from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from ..scenes.world_frames import WorldFrames
from .document import Document, read_document
from .pose import RIGID_TOLERANCE

PathFrame = Literal["input", "scene"]
SIDECAR = "dataparser_transforms.json"  # how a run of nerfstudio's turned, moved and scaled what it was given
# What this program wrote before its paths said their frame, key by key; the last two only in the viewer's.
EARLIER = (
    *("camera_type", "render_width", "render_height", "fps", "seconds", "is_cycle", "smoothness_value"),
    *("keyframes", "camera_path", "crop", "default_fov", "default_transition_sec"),
)


def scene_from_path(
    document: Document, frames: WorldFrames, asked: PathFrame
) -> tuple[Float[Tensor, "row=4 column=4"], str]:
    """The way of a path's poses into the field's frame, and a sentence for what the file leaves open.

    A path may say its `frame`. Else it is in the one that is asked for; but nerfstudio's own is left for the data's
    where its SIDECAR lies beside it or one folder up, and what this program wrote before it said so is the scene's.
    Raises ValueError, naming file and field.
    """
    scene = torch.eye(4, dtype=torch.float64)
    if "frame" in document:
        stated = _stated(document, asked)
        return (scene if stated == "scene" else frames.scene_from_input), ""
    if asked == "scene":
        return scene, ""
    if _is_of_an_earlier_version(document):
        return (
            scene,
            f"{document.file} was written by an earlier omnifield: its poses are in the field's frame.",
        )
    sidecar = _sidecar(document.file)
    if sidecar is not None:
        said = f"{document.file} is in a frame of nerfstudio's: {sidecar} says the way back to the data's."
        return frames.scene_from_input @ _input_from_nerfstudio(sidecar, frames), said
    said = f"{document.file} says no frame: its poses are taken to be in the data's (--frame scene: in the field's)."
    return frames.scene_from_input, said


def _stated(document: Document, asked: PathFrame) -> str:
    stated = document.text("frame")
    if stated not in ("input", "scene"):
        raise document.error("frame", f"is {stated!r}; it may be input or scene")
    if asked == "scene" and stated == "input":
        raise document.error("frame", "is 'input', and --frame scene says otherwise: leave one of them out")
    return stated


def _is_of_an_earlier_version(document: Document) -> bool:
    return tuple(document.values) in (EARLIER[:-2], EARLIER)


def _sidecar(file: Path) -> Path | None:
    """nerfstudio keeps paths in `camera_paths/` of a run, whose own folder has the file."""
    folder = file.resolve().parent
    return next((each for each in (folder / SIDECAR, folder.parent / SIDECAR) if each.is_file()), None)


def _input_from_nerfstudio(sidecar: Path, frames: WorldFrames) -> Float[Tensor, "row=4 column=4"]:
    """Its scene is scale · transform · (what the data were before their applied_transform), its scale that of the
    parser times `applied_scale`: so the data's own frame, which comes in between, has to be taken out again."""
    document = read_document(sidecar)
    transform, scale = document.matrix("transform"), document.positive("scale")
    rotation = transform[:3, :3]
    if (rotation.T @ rotation - torch.eye(3)).abs().max() > RIGID_TOLERANCE:
        raise document.error("transform", "is not rigid: it must turn and move, and neither scale nor shear")
    applied = frames.input_from_original.double().clone()
    applied_scale = torch.linalg.det(applied[:3, :3]).abs() ** (1 / 3)
    applied[:3] /= applied_scale
    parsed = transform @ torch.linalg.inv(applied)
    parsed[:3] *= scale / applied_scale
    return torch.linalg.inv(parsed)
