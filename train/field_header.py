"""The header of a field's file: written, and read as far as it can be believed without its tensors."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

import torch

from ..fields import FIELD_CONFIGS, FieldConfig
from ..renderers import SAMPLER_CONFIGS, OccupancyConfig, SamplerConfig
from ..scenes import Box, Contraction, Domain, Lens, Outlook
from . import strict_json

VERSION = 2  # 1 had one group of cameras, and cells of occupancy as the only sampler
DOMAINS = {"box": Box, "contraction": Contraction, "outlook": Outlook}
LARGEST_PICTURE = 1 << 16  # pixels along a side
MOST_GROUPS = 1 << 12  # of cameras
FARTHEST = 1e12  # scene units: its square is still a float32
NEAREST = 1e-12
CONE_OF_VERSION_1 = 1 / 32


@dataclass(frozen=True)
class CameraKind:
    """What the cameras of a group have in common."""

    width: int
    height: int
    lens: Lens
    near: float

    def facts(self) -> dict[str, Any]:
        return {"width": self.width, "height": self.height, "lens": self.lens.value, "near": self.near}


@dataclass(frozen=True)
class Header:
    """All that a file says beside its tensors."""

    config: FieldConfig
    domain: Domain
    sampler: SamplerConfig
    cameras: tuple[CameraKind, ...]
    background: tuple[float, float, float]
    provenance: dict[str, Any]
    version: int = VERSION

    def text(self, facts: dict[str, Any]) -> str:
        """As it is written, with facts for those who do not read the tensors. Raises ValueError for a provenance that
        could not be read again."""
        domain = self.domain
        text = json.dumps(
            {
                "version": VERSION,
                "field": self.config.tag,
                "config": dataclasses.asdict(self.config),
                "domain": {"kind": type(domain).__name__.lower(), "lo": domain.lo, "hi": domain.hi},
                "sampler": {"kind": self.sampler.tag, "config": dataclasses.asdict(self.sampler)},
                "cameras": [kind.facts() for kind in self.cameras],
                "background": self.background,
                "provenance": self.provenance,
                "facts": facts,
            }
        )
        strict_json.parse(text)
        return text


class NewerVersion(ValueError):
    """A file of a version that was not thought of yet."""


def read_header(text: str) -> Header:
    """Raises ValueError, LookupError or TypeError, saying what is wrong; NewerVersion for what cannot be known."""
    header = strict_json.parse(text)
    version = whole("version", header["version"], 1, 1 << 31)
    if version > VERSION:
        raise NewerVersion(
            f"was written by a newer omnifield (file version {version}, this one reads up to {VERSION}): "
            "update with `pip install --upgrade omnifield`"
        )
    groups = [header["cameras"]] if version == 1 else header["cameras"]
    whole("the number of groups of cameras", len(groups), 1, MOST_GROUPS)
    red, green, blue = (number("the background", value, 0.0, 1.0) for value in header["background"])
    return Header(
        config=FIELD_CONFIGS[header["field"]](**header["config"]),
        domain=_domain(header["domain"]),
        sampler=_sampler(header, version),
        cameras=tuple(_camera_kind(group) for group in groups),
        background=(red, green, blue),
        provenance=dict(header["provenance"]),
        version=version,
    )


def _camera_kind(group: dict[str, Any]) -> CameraKind:
    return CameraKind(
        width=whole("the cameras' width", group["width"], 1, LARGEST_PICTURE),
        height=whole("the cameras' height", group["height"], 1, LARGEST_PICTURE),
        lens=Lens(group["lens"]),
        near=number("the cameras' near", group["near"], 0.0, FARTHEST),
    )


def _sampler(header: dict[str, Any], version: int) -> SamplerConfig:
    """Before version 2 there was none but occupancy, and of that two settings were kept."""
    if version == 1:
        before = header["occupancy"]
        return OccupancyConfig(before["resolution"], before["steps_per_side"], CONE_OF_VERSION_1)
    stated = header["sampler"]
    return SAMPLER_CONFIGS[stated["kind"]](**stated["config"])


def whole(what: str, value: object, least: int, most: int) -> int:
    """Raises ValueError unless a value is a whole number within bounds."""
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{what} is {value!r:.40}, not a whole number from {least} to {most}")
    return value


def number(what: str, value: object, least: float, most: float) -> float:
    """Raises ValueError unless a value is a number within bounds."""
    if type(value) not in (int, float) or not least <= value <= most:  # pyright: ignore[reportOperatorIssue]
        raise ValueError(f"{what} is {value!r:.40}, not a number from {least:g} to {most:g}")
    return float(value)  # pyright: ignore[reportArgumentType]


def _domain(header: dict[str, Any]) -> Domain:
    """Raises ValueError for a box that is none in float32, in which fields ask for places."""
    corners = []
    for name in ("lo", "hi"):
        x, y, z = (number(f"the box's {name}", value, -FARTHEST, FARTHEST) for value in header[name])
        corners.append((x, y, z))
    domain = DOMAINS[header["kind"]](*corners)
    lo, hi = domain.corners(torch.zeros(()))
    if not bool((hi - lo > NEAREST).all()):
        raise ValueError(f"the box from {domain.lo} to {domain.hi} is empty")
    return domain
