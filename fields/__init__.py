"""What is at a point: one file per representation, all behind the contract in `base`."""

from .base import Field, Level, Levels, ParameterGroup, Points, Probe
from .cam import CamConfig, CamField
from .choice import FIELD_CONFIGS, FieldConfig, field_config, preset_of
from .hash import HashConfig, HashField
from .mlp import MlpConfig, MlpField
from .sl2a import Sl2aConfig, Sl2aField

__all__ = [
    "FIELD_CONFIGS",
    "CamConfig",
    "CamField",
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
    "Sl2aConfig",
    "Sl2aField",
    "field_config",
    "preset_of",
]
