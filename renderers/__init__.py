"""What a ray sees: samplers, the volume renderer, and a short twin of it to read."""

from .choice import SAMPLER_CONFIGS, sampler_config
from .occupancy import OccupancyConfig, OccupancyGrid
from .sampler import Density, Moment, Sampler, SamplerConfig, sampler_from_stored
from .samples import Samples
from .uniform import UniformConfig, UniformSampler
from .volume import Rendering, Trace, VolumeRenderer

__all__ = [
    "SAMPLER_CONFIGS",
    "Density",
    "Moment",
    "OccupancyConfig",
    "OccupancyGrid",
    "Rendering",
    "Sampler",
    "SamplerConfig",
    "Samples",
    "Trace",
    "UniformConfig",
    "UniformSampler",
    "VolumeRenderer",
    "sampler_config",
    "sampler_from_stored",
]
