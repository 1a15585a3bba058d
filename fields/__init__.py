"""What is at a point: one file per representation, all behind the contract in `base`.

A new representation is one file and one name in the union below: the command line, the file format and the contract
tests follow from it.
"""

from typing import get_args

from .base import Field, Level, Levels, ParameterGroup, Points, Probe
from .hash import HashConfig, HashField
from .mlp import MlpConfig, MlpField

FieldConfig = HashConfig | MlpConfig

FIELD_CONFIGS: dict[str, type[FieldConfig]] = {config.tag: config for config in get_args(FieldConfig)}

__all__ = [
    "FIELD_CONFIGS",
    "Field",
    "FieldConfig",
    "HashConfig",
    "HashField",
    "Level",
    "Levels",
    "MlpConfig",
    "MlpField",
    "ParameterGroup",
    "Points",
    "Probe",
]
