"""What a measurement trains: data, a field, a sampler, and how."""

from dataclasses import dataclass

from ..fields import FieldConfig
from ..renderers import SamplerConfig
from ..train.schedule import FitConfig


@dataclass(frozen=True)
class What:
    data: str
    config: FieldConfig
    sampler: SamplerConfig
    fit: FitConfig
