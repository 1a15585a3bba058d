"""Which sampler: by name and settings.

A new sampler is one file and one name in the union below: the command line, the file format and the contract tests
follow from it.
"""

from collections.abc import Sequence
from typing import get_args

from ..fields.settings import given, known
from .occupancy import OccupancyConfig
from .sampler import SamplerConfig
from .uniform import UniformConfig

AnySamplerConfig = OccupancyConfig | UniformConfig

SAMPLER_CONFIGS: dict[str, type[AnySamplerConfig]] = {
    config.tag: config for config in get_args(AnySamplerConfig)
}


def sampler_config(tag: str = OccupancyConfig.tag, settings: Sequence[str] = ()) -> SamplerConfig:
    """The configuration named by `tag`, with settings "name=value" on top.

    Raises ValueError, naming what there is, for an unknown name or a value of the wrong kind or out of bounds.
    """
    config = SAMPLER_CONFIGS[known(tag, list(SAMPLER_CONFIGS), "sampler")]
    return config(**given(config, settings, f"setting of the {tag} sampler"))  # pyright: ignore[reportArgumentType]
