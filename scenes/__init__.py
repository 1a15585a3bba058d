"""Where the light was measured, in words everybody uses: domains, cameras, rays, views, scenes."""

from .cameras import Cameras, Lens, pinhole
from .domain import Box, Contraction, Domain, Outlook
from .pixel_rays import PixelRays, RayRange
from .rays import Rays
from .scene import Scene
from .views import Views

__all__ = [
    "Box",
    "Cameras",
    "Contraction",
    "Domain",
    "Lens",
    "Outlook",
    "PixelRays",
    "RayRange",
    "Rays",
    "Scene",
    "Views",
    "pinhole",
]
