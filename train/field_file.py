"""A trained field as one file: safetensors whose JSON header says all that is needed to view, convert and export it."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from ..fields import Field, FieldConfig
from ..fields.stored import check_finite, check_fit, field_from_stored
from ..renderers import Sampler, sampler_from_stored
from ..scenes import Cameras
from ..scenes.world_frames import WorldFrames
from .field_checks import check_cameras, check_transform
from .field_header import CameraKind, Header, NewerVersion, read_header
from .files import one_line, write_tensors
from .pose_refinement import REFINED
from .tensor_file import part, read_tensors

FIELD_FILE = "field.safetensors"  # of a run folder
ENTRY = "omnifield"  # of the safetensors' metadata
GIVEN = "given_world_from_camera"  # tensors that only files of refined cameras have


@dataclass(frozen=True)
class TrainedField:
    """A field with what it takes to look at it. `cameras` are those it was trained on, in groups of
    one size and one lens, one or more; `background` is sRGB;
    `scene_from_input` and `input_from_original` are those of its `Scene`. `given` are the poses of the `cameras` as the
    data have them, group by group, where the training has refined them, and else none."""

    field: Field
    sampler: Sampler
    cameras: tuple[Cameras, ...]
    background: tuple[float, float, float]
    scene_from_input: Float[Tensor, "row=4 column=4"]
    provenance: dict[str, Any]
    thumbnail: UInt8[Tensor, "height width rgb=3"]
    input_from_original: Float[Tensor, "row=4 column=4"] = dataclasses.field(
        default_factory=lambda: torch.eye(4, dtype=torch.float64)
    )
    given: tuple[Float[Tensor, "view row=3 column=4"], ...] = ()

    @property
    def knows_given(self) -> bool:
        """Files that are older than `given`, and what was put together of several, do not say it of refined cameras."""
        return bool(self.given) or self.provenance.get("poses") != REFINED

    @property
    def given_cameras(self) -> tuple[Cameras, ...]:
        """Where the data say that they stand; on the CPU."""
        if not self.given:
            return tuple(cameras.to("cpu") for cameras in self.cameras)
        pairs = zip(self.cameras, self.given, strict=True)
        return tuple(
            dataclasses.replace(cameras.to("cpu"), world_from_camera=poses) for cameras, poses in pairs
        )

    @property
    def frames(self) -> WorldFrames:
        maps = self.scene_from_input, self.input_from_original
        return WorldFrames(*(each.detach().cpu().double() for each in maps))

    @property
    def device(self) -> torch.device:
        return self.cameras[0].focal.device

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
    tensors |= {f"sampler.{name}": tensor for name, tensor in trained.sampler.stored_state().items()}
    tensors["thumbnail"] = trained.thumbnail
    tensors["scene_from_input"] = trained.scene_from_input
    tensors["input_from_original"] = trained.input_from_original.double()
    for group, cameras in enumerate(trained.cameras):
        for name in CAMERA_TENSORS:
            # A copy: groups may share what they have in common, and the tensors of a file may not.
            tensors[f"cameras.{group}.{name}"] = getattr(cameras, name).clone()
    tensors |= {f"{GIVEN}.{group}": poses.clone() for group, poses in enumerate(trained.given)}
    return tensors, {ENTRY: _header(trained).text(facts(trained))}


def facts(trained: TrainedField) -> dict[str, Any]:
    """What `omnifield info` tells, ready for JSON. A file says it so that nobody has to build the field to know it."""
    domain = trained.field.domain
    return {
        "field": trained.config.tag,
        "config": dataclasses.asdict(trained.config),
        "parameters": sum(parameter.numel() for parameter in trained.field.parameters()),
        "box": {"kind": type(domain).__name__.lower(), "lo": list(domain.lo), "hi": list(domain.hi)},
        "cameras": [{"views": len(cameras), **kind_of(cameras).facts()} for cameras in trained.cameras],
        "scene_from_input": trained.scene_from_input.tolist(),
        "input_from_original": trained.input_from_original.tolist(),
        "sampler": {"kind": trained.sampler.config.tag, "config": dataclasses.asdict(trained.sampler.config)},
        "occupied": trained.sampler.occupied_share,
        "background": list(trained.background),
        "provenance": trained.provenance,
    }


def kind_of(cameras: Cameras) -> CameraKind:
    return CameraKind(cameras.width, cameras.height, cameras.lens, cameras.near)


def _header(trained: TrainedField) -> Header:
    return Header(
        config=trained.config,
        domain=trained.field.domain,
        sampler=trained.sampler.config,
        cameras=tuple(map(kind_of, trained.cameras)),
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
        cameras=tuple(cameras.to(device) for cameras in trained.cameras),
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
    thumbnail, transform = tensors["thumbnail"], tensors["scene_from_input"]
    dtype = torch.float32 if transform.dtype == torch.float32 else torch.float64  # older files, and ours
    check_fit({"scene_from_input": torch.empty(4, 4, dtype=dtype)}, {"scene_from_input": transform})
    check_transform(transform)
    if thumbnail.dtype != torch.uint8 or thumbnail.ndim != 3 or thumbnail.shape[2] != 3:
        raise ValueError(f"the thumbnail is {thumbnail.dtype} of shape {tuple(thumbnail.shape)}")
    cameras = _cameras(header, tensors)
    return TrainedField(
        field=field_from_stored(header.config, header.domain, part("field.", tensors)),
        sampler=sampler_from_stored(header.sampler, header.domain, _stored_sampler(tensors)),
        cameras=cameras,
        background=header.background,
        scene_from_input=transform.double(),
        provenance=header.provenance,
        thumbnail=thumbnail,
        input_from_original=_input_from_original(tensors),
        given=_given(cameras, tensors),
    )


def _stored_sampler(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Files of version 1 have an occupancy's bits, under its name."""
    if "occupancy" in tensors:
        return {"bits": tensors["occupancy"]}
    return part("sampler.", tensors)


def _input_from_original(tensors: dict[str, Tensor]) -> Tensor:
    """Files before it was kept have none: the identity."""
    name, identity = "input_from_original", torch.eye(4, dtype=torch.float64)
    found = {name: tensors.get(name, identity)}
    check_fit({name: identity}, found)
    check_finite(found)
    return found[name]


def _cameras(header: Header, tensors: dict[str, Tensor]) -> tuple[Cameras, ...]:
    """The tensors of the one group that files of version 1 have are named without its number."""
    groups = ["cameras"] if header.version == 1 else [f"cameras.{i}" for i in range(len(header.cameras))]
    return tuple(_group(kind, group, tensors) for kind, group in zip(header.cameras, groups, strict=True))


def _given(cameras: tuple[Cameras, ...], tensors: dict[str, Tensor]) -> tuple[Tensor, ...]:
    if f"{GIVEN}.0" not in tensors:
        return ()
    named = {f"{GIVEN}.{group}": each.world_from_camera for group, each in enumerate(cameras)}
    found = {name: tensors[name] for name in named}
    check_fit(named, found)
    for each, poses in zip(cameras, found.values(), strict=True):
        check_cameras(dataclasses.replace(each, world_from_camera=poses))
    return tuple(found.values())


def _group(kind: CameraKind, group: str, tensors: dict[str, Tensor]) -> Cameras:
    named = {name: tensors[f"{group}.{name}"] for name in CAMERA_TENSORS}
    count = len(named["time"])
    check_fit({name: torch.empty(count, *shape) for name, shape in CAMERA_TENSORS.items()}, named)
    cameras = Cameras(**named, width=kind.width, height=kind.height, lens=kind.lens, near=kind.near)
    check_cameras(cameras)
    return cameras
