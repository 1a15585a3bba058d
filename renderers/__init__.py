"""What a ray sees: samplers, the volume renderer, and a short twin of it to read."""

from .occupancy import LongerSteps, OccupancyGrid
from .samples import Sampler, Samples
from .uniform import UniformSampler
from .volume import Rendering, Trace, VolumeRenderer

__all__ = [
    "LongerSteps",
    "OccupancyGrid",
    "Rendering",
    "Sampler",
    "Samples",
    "Trace",
    "UniformSampler",
    "VolumeRenderer",
]
