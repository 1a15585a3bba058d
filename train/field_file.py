"""A trained field as one file: safetensors whose JSON header says all that is needed to view, convert and export it."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from ..fields import Field, FieldConfig
from ..fields.stored import check_finite, check_fit, field_from_stored
from ..renderers import OccupancyGrid
from ..scenes import Cameras
from ..scenes.world_frames import WorldFrames
from .field_checks import check_cameras, check_transform
from .field_header import Header, NewerVersion, read_header
from .files import one_line, write_tensors
from .tensor_file import read_tensors

FIELD_FILE = "field.safetensors"  # of a run folder
ENTRY, FACTS = (
    "omnifield",
    "omnifield.facts",
)  # of the safetensors' metadata: what a field is made of, what it is


@dataclass(frozen=True)
class TrainedField:
    """A field with what it takes to look at it. `cameras` are those it was trained on; `background` is sRGB;
    `scene_from_input` and `input_from_original` are those of its `Scene`."""

    field: Field
    sampler: OccupancyGrid
    cameras: Cameras
    background: tuple[float, float, float]
    scene_from_input: Float[Tensor, "row=4 column=4"]
    provenance: dict[str, Any]
    thumbnail: UInt8[Tensor, "height width rgb=3"]
    input_from_original: Float[Tensor, "row=4 column=4"] = dataclasses.field(
        default_factory=lambda: torch.eye(4, dtype=torch.float64)
    )

    @property
    def frames(self) -> WorldFrames:
        maps = self.scene_from_input, self.input_from_original
        return WorldFrames(*(each.detach().cpu().double() for each in maps))

    @property
    def config(self) -> FieldConfig:
        return self.field.config  # pyright: ignore


def save_field(path: Path, trained: TrainedField) -> None:
    """Raises ValueError if the file cannot be written."""
    try:
        contents = field_contents(trained)
    except ValueError as error:
        raise ValueError(f"{path} cannot be written: {one_line(error)}.") from error
    write_tensors(path, *contents)


def field_contents(trained: TrainedField) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of the file. Raises ValueError for a header that could not be read again."""
    tensors = {f"field.{name}": tensor for name, tensor in trained.field.stored_state().items()}
    tensors["occupancy"] = trained.sampler.bits
    tensors["thumbnail"] = trained.thumbnail
    tensors["scene_from_input"] = trained.scene_from_input
    tensors["input_from_original"] = trained.input_from_original.double()
    for name in CAMERA_TENSORS:
        tensors[f"cameras.{name}"] = getattr(trained.cameras, name)
    return tensors, {ENTRY: _header(trained).text(), FACTS: json.dumps(facts(trained))}


def facts(trained: TrainedField) -> dict[str, Any]:
    """What `omnifield info` tells, ready for JSON. A file says it so that nobody has to build the field to know it."""
    domain, cameras = trained.field.domain, trained.cameras
    return {
        "field": trained.config.tag,
        "config": dataclasses.asdict(trained.config),
        "parameters": sum(parameter.numel() for parameter in trained.field.parameters()),
        "box": {"kind": type(domain).__name__.lower(), "lo": list(domain.lo), "hi": list(domain.hi)},
        "cameras": {
            "views": len(cameras),
            "width": cameras.width,
            "height": cameras.height,
            "lens": cameras.lens.value,
            "near": cameras.near,
        },
        "scene_from_input": trained.scene_from_input.tolist(),
        "input_from_original": trained.input_from_original.tolist(),
        "occupied": trained.sampler.occupied.float().mean().item(),
        "background": list(trained.background),
        "provenance": trained.provenance,
    }


def _header(trained: TrainedField) -> Header:
    cameras = trained.cameras
    return Header(
        config=trained.config,
        domain=trained.field.domain,
        resolution=trained.sampler.resolution,
        steps_per_side=trained.sampler.steps_per_side,
        width=cameras.width,
        height=cameras.height,
        lens=cameras.lens,
        near=cameras.near,
        background=trained.background,
        provenance=trained.provenance,
    )


CAMERA_TENSORS = {
    "world_from_camera": (3, 4),
    "focal": (2,),
    "principal": (2,),
    "distortion": (6,),
    "time": (),
}
"""Their shapes behind the number of cameras."""


def load_field(path: Path, device: torch.device | str = "cpu") -> TrainedField:
    """Nothing is made of a file before its header and its tensors were found to fit, so that no file takes much more
    memory than its own size.

    Raises FileNotFoundError, or ValueError if the file is damaged, not ours, or from a newer version.
    """
    text, tensors = _read(path)
    try:
        trained = _build(read_header(text), tensors)
    except NewerVersion as error:
        raise ValueError(f"{path} {error}.") from error
    except LookupError as error:
        raise ValueError(f"{path} is damaged: there is no {one_line(error)}.") from error
    except (TypeError, AttributeError, ValueError, RuntimeError, ArithmeticError) as error:
        # One boundary, because every one of these here means the same to the user: the content does not add up.
        raise ValueError(f"{path} is damaged: {one_line(error)}.") from error
    return dataclasses.replace(
        trained,
        field=trained.field.to(device),
        sampler=trained.sampler.to(device),
        cameras=trained.cameras.to(device),
    )


def _read(path: Path) -> tuple[str, dict[str, Tensor]]:
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist." if not path.exists() else f"{path} is not a file.")
    try:
        return read_tensors(path, ENTRY)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}.") from error
    except LookupError as error:
        raise ValueError(
            f"{path} is a safetensors file, but not one of omnifield's: its header names no field."
        ) from error
    except ValueError as error:
        raise ValueError(
            f"{path} is not a field file, or is cut short or damaged ({one_line(error)})."
        ) from error


def _build(header: Header, tensors: dict[str, Tensor]) -> TrainedField:
    occupied, thumbnail = tensors["occupancy"], tensors["thumbnail"]
    check_fit(
        {"occupancy": torch.empty(header.resolution**3 // 8, dtype=torch.uint8)}, {"occupancy": occupied}
    )
    stored = {name.removeprefix("field."): t for name, t in tensors.items() if name.startswith("field.")}
    occupancy = OccupancyGrid(header.domain, header.resolution, header.steps_per_side)
    occupancy.bits = occupied
    transform = tensors["scene_from_input"]
    dtype = torch.float32 if transform.dtype == torch.float32 else torch.float64  # older files, and ours
    check_fit({"scene_from_input": torch.empty(4, 4, dtype=dtype)}, {"scene_from_input": transform})
    check_transform(transform)
    if thumbnail.dtype != torch.uint8 or thumbnail.ndim != 3 or thumbnail.shape[2] != 3:
        raise ValueError(f"the thumbnail is {thumbnail.dtype} of shape {tuple(thumbnail.shape)}")
    return TrainedField(
        field=field_from_stored(header.config, header.domain, stored),
        sampler=occupancy,
        cameras=_cameras(header, tensors),
        background=header.background,
        scene_from_input=transform.double(),
        provenance=header.provenance,
        thumbnail=thumbnail,
        input_from_original=_input_from_original(tensors),
    )


def _input_from_original(tensors: dict[str, Tensor]) -> Tensor:
    """Files before it was kept have none: the identity."""
    name, identity = "input_from_original", torch.eye(4, dtype=torch.float64)
    found = {name: tensors.get(name, identity)}
    check_fit({name: identity}, found)
    check_finite(found)
    return found[name]


def _cameras(header: Header, tensors: dict[str, Tensor]) -> Cameras:
    named = {name: tensors[f"cameras.{name}"] for name in CAMERA_TENSORS}
    count = len(named["time"])
    check_fit({name: torch.empty(count, *shape) for name, shape in CAMERA_TENSORS.items()}, named)
    cameras = Cameras(**named, width=header.width, height=header.height, lens=header.lens, near=header.near)
    check_cameras(cameras)
    return cameras
