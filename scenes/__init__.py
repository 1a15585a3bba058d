"""Where the light was measured: domains, cameras, rays, scenes and what loads them."""

from .cameras import Cameras, Lens, pinhole
from .domain import Box, Contraction, Domain
from .load import load_scene
from .rays import Rays
from .scene import Scene, Views

__all__ = [
    "Box",
    "Cameras",
    "Contraction",
    "Domain",
    "Lens",
    "Rays",
    "Scene",
    "Views",
    "load_scene",
    "pinhole",
]
