"""Which field: by name, preset and settings.

A new representation is one file and one name in the union below: the command line, the file format and the contract
tests follow from it.
"""

import dataclasses
import difflib
from collections.abc import Sequence
from typing import get_args

from .cam import CamConfig
from .cp import CpConfig
from .hash import HashConfig
from .mipvog import MipVogConfig
from .mlp import MlpConfig
from .sl2a import Sl2aConfig
from .triplane import TriplaneConfig
from .vm import VmConfig
from .voxel import VoxelConfig

FieldConfig = (
    HashConfig
    | MlpConfig
    | TriplaneConfig
    | MipVogConfig
    | CamConfig
    | VmConfig
    | CpConfig
    | VoxelConfig
    | Sl2aConfig
)

FINE = "fine"  # the preset that a conversion takes where there is one: its students do not begin from nothing
FIELD_CONFIGS: dict[str, type[FieldConfig]] = {config.tag: config for config in get_args(FieldConfig)}


def field_config(tag: str, preset: str = "default", settings: Sequence[str] = ()) -> FieldConfig:
    """The configuration named by `tag` and `preset`, with settings "name=value" on top.

    Raises ValueError, naming what there is, for an unknown name or a value of the wrong kind.
    """
    config = FIELD_CONFIGS[_known(tag, list(FIELD_CONFIGS), "field")]
    values = dict(config.PRESETS[_known(preset, list(config.PRESETS), f"preset of the {tag} field")])
    kinds = {field.name: field.type for field in dataclasses.fields(config)}
    for setting in settings:
        name, _, text = setting.partition("=")
        _known(name, list(kinds), f"setting of the {tag} field")
        values[name] = _value(name, text, kinds[name])
    return config(**values)  # pyright: ignore[reportArgumentType]  # of the kinds that `_value` made


def preset_of(tag: str, asked: str | None) -> str:
    """The preset that was asked for; if none was, `fine` where the field has it, since a conversion can fill it."""
    return asked or (FINE if FINE in FIELD_CONFIGS[tag].PRESETS else "default")


def _known(name: str, names: list[str], kind: str) -> str:
    if name not in names:
        raise ValueError(
            f"There is no {kind} named {name!r}: there are {', '.join(names)}.{_hint(name, names)}"
        )
    return name


def _hint(name: str, names: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(name, names, 1)
    return f" Did you mean {nearest[0]}?" if nearest else ""


def _value(name: str, text: str, kind: object) -> int | float | str:
    """A setting's text as a value of its kind: int, float, or a `Literal` of words."""
    words = get_args(kind)
    if not words:
        return _number(name, text, kind)
    if text not in words:
        raise ValueError(
            f"The setting {name} takes one of {', '.join(words)}, not {text!r}.{_hint(text, words)}"
        )
    return text


def _number(name: str, text: str, kind: object) -> int | float:
    try:
        return int(text) if kind is int else float(text)
    except ValueError:
        raise ValueError(
            f"The setting {name} takes {'a whole number' if kind is int else 'a number'}, not {text!r}."
        ) from None
