"""A trained field as one file: safetensors whose JSON header says all that is needed to view, convert and export it."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..fields import FIELD_CONFIGS, Field, FieldConfig
from ..renderers import OccupancyGrid
from ..scenes import Box, Cameras, Contraction, Domain, Lens
from .files import json_text, one_line, write_tensors

VERSION = 1
DOMAINS = {"box": Box, "contraction": Contraction}


@dataclass(frozen=True)
class TrainedField:
    """A field with what it takes to look at it. `cameras` are those it was trained on; `background` is sRGB;
    `scene_from_input` and `input_from_original` are those of its `Scene`."""

    field: Field
    occupancy: OccupancyGrid
    cameras: Cameras
    background: tuple[float, float, float]
    scene_from_input: Float[Tensor, "row=4 column=4"]
    provenance: dict[str, Any]
    thumbnail: UInt8[Tensor, "height width rgb=3"]
    input_from_original: Float[Tensor, "row=4 column=4"] = dataclasses.field(
        default_factory=lambda: torch.eye(4, dtype=torch.float64)
    )

    @property
    def config(self) -> FieldConfig:
        return self.field.config  # pyright: ignore


def save_field(path: Path, trained: TrainedField) -> None:
    """Raises ValueError if the file cannot be written."""
    tensors = {f"field.{name}": tensor for name, tensor in trained.field.stored_state().items()}
    tensors["occupancy"] = trained.occupancy.bits
    tensors["thumbnail"] = trained.thumbnail
    tensors["scene_from_input"] = trained.scene_from_input
    tensors["input_from_original"] = trained.input_from_original.double()
    for name in CAMERA_TENSORS:
        tensors[f"cameras.{name}"] = getattr(trained.cameras, name)
    metadata = {"omnifield": json_text(_header(trained))}
    write_tensors(path, tensors, metadata)


CAMERA_TENSORS = {
    "world_from_camera": (3, 4),
    "focal": (2,),
    "principal": (2,),
    "distortion": (6,),
    "time": (),
}
"""Their shapes behind the number of cameras."""


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
    text, tensors = _read(path)
    try:
        header = json.loads(text)
        version = int(header["version"])
        trained = _build(header, tensors, device) if version <= VERSION else None
    except (LookupError, TypeError, AttributeError, ValueError, RuntimeError, ArithmeticError) as error:
        # One boundary, because every one of these here means the same to the user: the content does not add up.
        raise ValueError(
            f"{path} is damaged: its header and its tensors do not fit together ({one_line(error)})."
        ) from error
    if trained is None:
        raise ValueError(
            f"{path} was written by a newer omnifield (file version {version}, this one reads up to {VERSION}): "
            "update with `pip install --upgrade omnifield`."
        )
    return trained


def _read(path: Path) -> tuple[str, dict[str, Tensor]]:
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
    return text, tensors


def _build(header: dict[str, Any], tensors: dict[str, Tensor], device: torch.device | str) -> TrainedField:
    domain = _domain(header["domain"])
    field = FIELD_CONFIGS[header["field"]](**header["config"]).build(domain)
    state = {name.removeprefix("field."): t for name, t in tensors.items() if name.startswith("field.")}
    field.load_stored_state(state)
    occupancy = OccupancyGrid(domain, **header["occupancy"])
    occupancy.bits = _expect(tensors, "occupancy", tuple(occupancy.bits.shape), torch.uint8)
    camera = header["cameras"]
    count = len(tensors["cameras.time"])
    cameras = Cameras(
        *(
            _expect(tensors, f"cameras.{name}", (count, *shape), torch.float32)
            for name, shape in CAMERA_TENSORS.items()
        ),
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
        scene_from_input=_expect(tensors, "scene_from_input", (4, 4), torch.float32),
        provenance=dict(header["provenance"]),
        thumbnail=_expect(tensors, "thumbnail", (*tensors["thumbnail"].shape[:2], 3), torch.uint8),
        input_from_original=_expect(
            {"input_from_original": torch.eye(4, dtype=torch.float64)} | tensors,  # files before it was kept
            "input_from_original",
            (4, 4),
            torch.float64,
        ),
    )


def _expect(tensors: dict[str, Tensor], name: str, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    tensor = tensors[name]
    if tuple(tensor.shape) != shape or tensor.dtype != dtype:
        raise ValueError(f"{name} is {tensor.dtype} of shape {tuple(tensor.shape)}, not {dtype} of {shape}")
    return tensor


def _domain(header: dict[str, Any]) -> Domain:
    x0, y0, z0 = header["lo"]
    x1, y1, z1 = header["hi"]
    return DOMAINS[header["kind"]]((x0, y0, z0), (x1, y1, z1))
