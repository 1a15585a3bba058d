"""A trained field as one file: safetensors whose JSON header says all that is needed to view, convert and export it."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..fields import FIELD_CONFIGS, Field, FieldConfig
from ..renderers import OccupancyGrid
from ..scenes import Box, Cameras, Contraction, Domain, Lens
from .files import write_atomically

VERSION = 1
DOMAINS = {"box": Box, "contraction": Contraction}


@dataclass(frozen=True)
class TrainedField:
    """A field with what it takes to look at it. `cameras` are those it was trained on; `background` is sRGB."""

    field: Field
    occupancy: OccupancyGrid
    cameras: Cameras
    background: tuple[float, float, float]
    scene_from_input: Float[Tensor, "row=4 column=4"]
    provenance: dict[str, Any]
    thumbnail: UInt8[Tensor, "height width rgb=3"]

    @property
    def config(self) -> FieldConfig:
        return self.field.config  # pyright: ignore


def save_field(path: Path, trained: TrainedField) -> None:
    """Raises ValueError if the file cannot be written."""
    tensors = {f"field.{name}": tensor for name, tensor in trained.field.state_dict().items()}
    tensors["occupancy"] = trained.occupancy.bits
    tensors["thumbnail"] = trained.thumbnail
    tensors["scene_from_input"] = trained.scene_from_input
    for name in CAMERA_TENSORS:
        tensors[f"cameras.{name}"] = getattr(trained.cameras, name)
    metadata = {"omnifield": json.dumps(_header(trained))}
    ready = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(path, lambda beside: _save(ready, beside, metadata))


def _save(tensors: dict[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
    try:
        save_file(tensors, path, metadata)
    except SafetensorError as error:  # safetensors hides the system's own error in its text
        raise OSError(str(error)) from error


CAMERA_TENSORS = ("world_from_camera", "focal", "principal", "distortion", "time")


def _header(trained: TrainedField) -> dict[str, Any]:
    domain, cameras = trained.field.domain, trained.cameras
    return {
        "version": VERSION,
        "field": trained.config.tag,
        "config": dataclasses.asdict(trained.config),
        "domain": {"kind": type(domain).__name__.lower(), "lo": domain.lo, "hi": domain.hi},
        "occupancy": {
            "resolution": trained.occupancy.resolution,
            "steps_per_side": trained.occupancy.steps_per_side,
        },
        "cameras": {
            "width": cameras.width,
            "height": cameras.height,
            "lens": cameras.lens.value,
            "near": cameras.near,
        },
        "background": trained.background,
        "provenance": trained.provenance,
    }


def load_field(path: Path, device: torch.device | str = "cpu") -> TrainedField:
    """Raises FileNotFoundError, or ValueError if the file is damaged, not ours, or from a newer version."""
    header, tensors = _read(path)
    if header.get("version", 0) > VERSION:
        raise ValueError(
            f"{path} was written by a newer omnifield (file version {header['version']}, this one reads up to "
            f"{VERSION}): update with `pip install --upgrade omnifield`."
        )
    try:
        return _build(header, tensors, device)
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        # One boundary, because every one of these here means the same to the user: the content does not add up.
        raise ValueError(
            f"{path} is damaged: its header and its tensors do not fit together ({error})."
        ) from error


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist." if not path.exists() else f"{path} is not a file.")
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get("omnifield")
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except SafetensorError as error:
        raise ValueError(f"{path} is not a field file, or is cut short or damaged ({error}).") from error
    if text is None:
        raise ValueError(
            f"{path} is a safetensors file, but not one of omnifield's: its header names no field."
        )
    header = json.loads(text)
    return header, tensors


def _build(header: dict[str, Any], tensors: dict[str, Tensor], device: torch.device | str) -> TrainedField:
    domain = _domain(header["domain"])
    field = FIELD_CONFIGS[header["field"]](**header["config"]).build(domain)
    state = {name.removeprefix("field."): t for name, t in tensors.items() if name.startswith("field.")}
    field.load_state_dict(state)
    occupancy = OccupancyGrid(domain, **header["occupancy"])
    if tensors["occupancy"].shape != occupancy.bits.shape:
        raise ValueError("the occupancy has the wrong size")
    occupancy.bits = tensors["occupancy"]
    camera = header["cameras"]
    cameras = Cameras(
        *(tensors[f"cameras.{name}"] for name in CAMERA_TENSORS),
        width=camera["width"],
        height=camera["height"],
        lens=Lens(camera["lens"]),
        near=camera["near"],
    )
    red, green, blue = header["background"]
    return TrainedField(
        field=field.to(device),
        occupancy=occupancy.to(device),
        cameras=cameras.to(device),
        background=(red, green, blue),
        scene_from_input=tensors["scene_from_input"],
        provenance=header["provenance"],
        thumbnail=tensors["thumbnail"],
    )


def _domain(header: dict[str, Any]) -> Domain:
    x0, y0, z0 = header["lo"]
    x1, y1, z1 = header["hi"]
    return DOMAINS[header["kind"]]((x0, y0, z0), (x1, y1, z1))
