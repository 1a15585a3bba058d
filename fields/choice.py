"""Which field: by name, preset and settings.

A new representation is one file and one name in the union below: the command line, the file format and the contract
tests follow from it.
"""

from collections.abc import Sequence
from typing import get_args

from .cam import CamConfig
from .cp import CpConfig
from .hash import HashConfig
from .mipvog import MipVogConfig
from .mlp import MlpConfig
from .settings import given, known
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
    config = FIELD_CONFIGS[known(tag, list(FIELD_CONFIGS), "field")]
    values = dict(config.PRESETS[known(preset, list(config.PRESETS), f"preset of the {tag} field")])
    values |= given(config, settings, f"setting of the {tag} field")
    return config(**values)  # pyright: ignore[reportArgumentType]  # of the kinds that `given` made


def preset_of(tag: str, asked: str | None) -> str:
    """The preset that was asked for; if none was, `fine` where the field has it, since a conversion can fill it."""
    return asked or (FINE if FINE in FIELD_CONFIGS[tag].PRESETS else "default")
